"""Acknowledging many messages with one frame: everything up to a delivery tag, once nothing below it is open."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from aio_pika import IncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError
from aiormq.abc import AbstractChannel

from libs.chassis.cut_off import CONNECTION_LOST, cut_off_is_an_error


@dataclass(slots=True)
class _Progress:
    open: dict[int, None] = field(default_factory=dict)
    given_back: set[int] = field(default_factory=set)
    last: int = 0
    acknowledged: int = 0


class Acknowledger:
    """Knows what is open on each channel. The channel must serve one consumer only.

    Messages of a channel that is gone come again on another; acknowledging them is neither possible nor needed.
    """

    def __init__(self) -> None:
        self._progress: dict[AbstractChannel, _Progress] = {}

    def delivered(self, raw: IncomingMessage) -> None:
        """A message came; deliveries of one channel come in the order of their tags.

        One that never came to us stays open, and the broker brings it again when the channel ends.
        """
        channel, tag = _place(raw)
        if channel is None:
            return
        progress = self._progress.get(channel)
        if progress is None:
            self._progress = {known: open for known, open in self._progress.items() if not known.is_closed}
            progress = self._progress[channel] = _Progress()
        progress.open.update(dict.fromkeys(range(progress.last + 1, tag + 1)))
        progress.last = max(progress.last, tag)

    def given_back(self, raw: IncomingMessage) -> None:
        """It was rejected: the broker does not know its tag any more."""
        channel, tag = _place(raw)
        if channel in self._progress:
            self._progress[channel].open.pop(tag, None)
            self._progress[channel].given_back.add(tag)

    async def done(self, raws: Iterable[IncomingMessage]) -> None:
        """These are handled: acknowledge as far as nothing before is open."""
        touched = dict[AbstractChannel, _Progress]()
        for raw in raws:
            channel, tag = _place(raw)
            if channel in self._progress:
                touched[channel] = self._progress[channel]
                touched[channel].open.pop(tag, None)
        for channel, progress in touched.items():
            reached = min(progress.open, default=progress.last + 1) - 1
            while reached in progress.given_back:
                reached -= 1
            if reached > progress.acknowledged and not channel.is_closed:
                progress.acknowledged = reached
                progress.given_back = {tag for tag in progress.given_back if tag > reached}
                try:
                    with cut_off_is_an_error():
                        await channel.basic_ack(reached, multiple=True)
                except CONNECTION_LOST:
                    # The connection is gone; the inbox knows these messages when they come again.
                    continue


def _place(raw: IncomingMessage) -> tuple[AbstractChannel | None, int]:
    try:
        return raw.channel, raw.delivery_tag or 0
    except ChannelInvalidStateError:
        return None, 0
