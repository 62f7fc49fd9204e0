"""What tests of receiving and assets are built from, and a house that decides by the runtime's rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    NamedBy,
    OfPage,
    Page,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.chassis.rows import with_version
from libs.contracts.assets import AssignAssets, LocationChanged, TaggedUnit, TemplateAssetsCreated
from libs.contracts.message import Command, Event, Message
from libs.contracts.purchasing import CancelledLine, OrderCancelled, OrderedLine, OrderSubmitted
from libs.contracts.receiving import (
    Condition,
    GoodsReceived,
    LineToReceive,
    ReceivedLine,
    ReceivedUnit,
    RecordReceipt,
    UnitToReceive,
)
from libs.contracts.values import AssetCreation, Kind, Money, asset_id_of, derived_id, location_id_of
from services.assets.asset import Asset, Status

NOBODY = UUID(int=0)
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
ORDER = derived_id("test-order", 1)
LINE = derived_id("test-line", 1)
SECOND_LINE = derived_id("test-line", 2)
REQUEST = derived_id("test-request", 1)
SITE, SPACE = "SITE-1", "A-01"
RECEIPT, RECEIPT_LINE = UUID(int=11), UUID(int=12)


def a_cause(name: object = "a message", **changes: Any) -> Cause:
    """What made a decision necessary; each name is a message of its own."""
    return replace(
        Cause(
            message_id=derived_id("test-message", name),
            at=NOON,
            sender="dock",
            correlation_id="a journey",
            sequence=1,
            numbers={"receipt_number": [7], "asset_tag": range(1, 100_001)},
        ),
        **changes,
    )


def an_ordered_line(quantity: int = 3, *, line: UUID = LINE, **changes: Any) -> OrderedLine:
    """One line of a submitted order, of hardware."""
    values: dict[str, Any] = {
        "order_line_id": line,
        "request_line_id": derived_id("request-line", line),
        "sku": "LAPTOP-14",
        "name": "Laptop 14",
        "kind": Kind.HARDWARE,
        "quantity": quantity,
        "unit_price": Decimal("999.90"),
        "asset_creation": AssetCreation.ON_SUBMISSION,
        "warranty_months": 24,
    }
    return OrderedLine(**values | changes)


def an_order(*lines: OrderedLine, order: UUID = ORDER, number: str = "PR-000001") -> OrderSubmitted:
    """An order that went to its vendor."""
    return OrderSubmitted(
        order_id=order,
        requisition_number=number,
        request_id=REQUEST,
        vendor_id=derived_id("vendor", 1),
        vendor_name="Vendor 01",
        deliver_to=SITE,
        total=Money(amount=Decimal("2999.70"), currency="EUR"),
        lines=lines or (an_ordered_line(),),
    )


def a_cancellation(cancelled: int, *, line: UUID = LINE) -> OrderCancelled:
    """So many units of a line will not come."""
    return OrderCancelled(
        order_id=ORDER,
        requisition_number="PR-000001",
        request_id=REQUEST,
        reason="no longer needed",
        lines=(CancelledLine(order_line_id=line, cancelled=cancelled),),
    )


def a_unit(serial: str = "S-1", **changes: Any) -> UnitToReceive:
    """A unit at the dock."""
    return UnitToReceive(**{"serial": serial, "location": SITE, "storage_space": SPACE} | changes)


def units(*serials: str) -> tuple[UnitToReceive, ...]:
    """Units at the dock with these serial numbers."""
    return tuple(map(a_unit, serials))


def a_delivery(*accepted: UnitToReceive, line: UUID = LINE, **changes: Any) -> RecordReceipt:
    """A delivery of one line."""
    delivered = {name: changes.pop(name) for name in ("rejected", "rejection_reason") if name in changes}
    lines = (LineToReceive(order_line_id=line, units=accepted, **delivered),)
    values: dict[str, Any] = {"order_id": ORDER, "lines": lines}
    return RecordReceipt(**values | changes)


def a_place(**changes: Any) -> LocationChanged:
    """The location that goods are put into."""
    values: dict[str, Any] = {
        "location_id": location_id_of(SITE),
        "code": SITE,
        "name": "Site 1",
        "storage_spaces": (SPACE, "A-02"),
        "active": True,
    }
    return LocationChanged(**values | changes)


def tags_of(*numbers: int) -> TemplateAssetsCreated:
    """The tags that units of the line will bear."""
    return TemplateAssetsCreated(
        order_line_id=LINE,
        order_id=ORDER,
        request_id=REQUEST,
        request_line_id=None,
        assets=tuple(
            TaggedUnit(asset_id=asset_id_of(LINE, number), unit_number=number, tag=f"QM-{number:08d}")
            for number in numbers
        ),
    )


def unit(number: int, **changes: Any) -> ReceivedUnit:
    """A unit of the line that the dock took."""
    values: dict[str, Any] = {
        "asset_id": asset_id_of(LINE, number),
        "unit_number": number,
        "serial": f"S-{number}",
        "condition": Condition.NEW,
        "location": SITE,
        "storage_space": SPACE,
    }
    return ReceivedUnit(**values | changes)


def goods(*units: ReceivedUnit, accepted: int | None = None, **changes: Any) -> GoodsReceived:
    """What the dock took of the line."""
    line = ReceivedLine(
        receipt_line_id=RECEIPT_LINE,
        order_line_id=LINE,
        request_line_id=None,
        sku="LAPTOP-14",
        accepted=len(units) if accepted is None else accepted,
        rejected=0,
        units=units,
        **changes,
    )
    return GoodsReceived(
        receipt_id=RECEIPT,
        receipt_number="RCV-000001",
        order_id=ORDER,
        request_id=REQUEST,
        received_by="dock",
        lines=(line,),
    )


def assignment(*numbers: int, person: str = "person-1", request_id: UUID | None = REQUEST) -> AssignAssets:
    """Units of the line are given to somebody."""
    ids = tuple(asset_id_of(LINE, number) for number in numbers)
    return AssignAssets(person=person, request_id=request_id, asset_ids=ids)


@dataclass(frozen=True)
class Ended:
    """How a message ended."""

    verdict: str
    decision: Decision = field(default_factory=Decision)
    rejection: Rejection | None = None

    @property
    def code(self) -> str | None:
        """Why it was refused."""
        return self.rejection.code if self.rejection else None


class House:
    """One service's decisions run in memory, one message at a time, by the rules that the runtime enforces.

    A decision sees only what its handler declared and saves only what it holds. What comes early waits, and
    is decided as soon as what it needs exists.
    """

    def __init__(self, *handlers: Handlers) -> None:
        self.records: dict[type[Record], dict[UUID, Any]] = {}
        self.totals: dict[UUID, Any] = {}
        self.said: list[Message] = []
        self.waiting: list[tuple[Message, Cause]] = []
        self._handlers: dict[type[Message], Handler[Any]] = {row.on: row for rows in handlers for row in rows}
        self._drawn = 0
        self._messages = 0

    def all(self, of: type[Record], **equals: object) -> list[Any]:
        """The records of a type that have these values, by id."""
        kept = Records(self.records.get(of, {}).values())
        return kept.all(of, **equals)

    def everything(self) -> Records:
        """All that is kept."""
        return Records(record for kept in self.records.values() for record in kept.values())

    def hear(self, *messages: Message, **cause: Any) -> Ended:
        """Handle messages in turn, and whatever their effects release; how the last of them ended."""
        ended = Ended("nothing")
        for message in messages:
            self._messages += 1
            ended = self._handle(message, a_cause(self._messages, **cause))
            while self._release():
                pass
        return ended

    def give_up(self, message: Command) -> Ended:
        """Handle a command that has waited long enough."""
        self._messages += 1
        return self._handle(message, a_cause(self._messages, waited_out=True))

    def _release(self) -> bool:
        waited, self.waiting = self.waiting, []
        ended = [self._handle(message, cause).verdict for message, cause in waited]
        return any(verdict != "waiting" for verdict in ended)

    def _handle(self, message: Message, cause: Cause) -> Ended:
        handler = self._handlers[type(message)]
        holds, reads = list(handler.holds(message)), list(handler.reads(message))
        if self._misses(holds + reads) and handler.early is not Early.DECIDE and not cause.waited_out:
            self.waiting.append((message, cause))
            return Ended("waiting")
        cause = replace(cause, numbers={name: self._draw(n) for name, n in handler.numbers(message).items()})
        try:
            decision = handler.decide(message, Records(self._loaded(holds + reads)), cause)
        except Rejection as rejection:
            assert isinstance(message, Command), "a fact cannot be rejected"
            return Ended("rejected", rejection=rejection)
        self._apply(decision, {(type(record), record.id) for record in self._loaded(holds)})
        return Ended("duplicate" if decision.duplicate else "accepted", decision)

    def _draw(self, count: int) -> range:
        self._drawn += count
        return range(self._drawn - count + 1, self._drawn + 1)

    def _named(self, need: Key | Many | NamedBy) -> Any:
        if isinstance(need, Many):
            return self._named(need.value) if isinstance(need.value, NamedBy) else self._resolved(need.value)
        return self._named(need.id) if isinstance(need.id, Many) else self._resolved(need.id)

    def _resolved(self, way: UUID | str | Via) -> Any:
        if not isinstance(way, Via):
            return way
        id = self._resolved(way.id)
        kept = self.records.get(way.of, {})
        found = [kept.get(id)] if way.by == "id" else self.all(way.of, **{way.by: id})
        return next((getattr(each, way.field) for each in found if each), None)

    def _values(self, need: Many) -> list[Any]:
        if not isinstance(need.value, NamedBy):
            return [self._named(need)]
        naming = self.records.get(need.value.by, {}).get(self._named(need) or NOBODY)
        return list(need.value.ids(naming)) if naming else []

    def _misses(self, needs: Keys) -> bool:
        for need in needs:
            if isinstance(need, Page | OfPage) or (
                isinstance(need, NamedBy) and not isinstance(need.id, Via)
            ):
                continue
            named = self._named(need)
            if named is None:
                return True
            if isinstance(need, Key) and not need.may_be_new and named not in self.records.get(need.of, {}):
                return True
        return False

    def _page(self, page: Page) -> list[Any]:
        found = [each for each in self.all(page.of) if page.after is None or each.id > page.after]
        return [each for each in found if not page.statuses or each.status in page.statuses][: page.limit]

    def _naming(self, need: NamedBy) -> list[Any]:
        if isinstance(need.id, Many):
            return self.all(need.by, **{need.id.by: self._named(need.id), **need.id.where})
        naming = self.records.get(need.by, {}).get(self._named(need) or NOBODY)
        return [naming] if naming else []

    def _loaded(self, needs: Keys) -> list[Record]:
        loaded: dict[tuple[type[Record], UUID], Record] = {}
        for need in needs:
            found: list[Any]
            if isinstance(need, Page):
                found = self._page(need)
            elif isinstance(need, OfPage):
                found = [
                    child
                    for each in self._page(need.page)
                    for child in self.all(need.of, **{need.by: each.id})
                ]
            elif isinstance(need, NamedBy):
                kept = self.records.get(need.of, {})
                found = [kept.get(id) for naming in self._naming(need) for id in need.ids(naming)]
            elif isinstance(need, Key):
                found = [self.records.get(need.of, {}).get(self._named(need) or NOBODY)]
            else:
                found = []
                for value in self._values(need):
                    children = self.all(need.of, **{need.by: value, **need.where})
                    found += sorted(children, key=attrgetter(need.order_by))[: need.limit]
            loaded |= {(need.of, each.id): each for each in found if each is not None}
        return list(loaded.values())

    def _apply(self, decision: Decision, held: set[tuple[type[Record], UUID]]) -> None:
        facts = [message for message in decision.publish if isinstance(message, Event)]
        for fact in facts:
            assert fact.subject_id() in {record.id for record in decision.save}, "a fact without its state"
        assert len({(type(record), record.id) for record in decision.save}) == len(decision.save), (
            "saved twice"
        )
        for record in decision.save:
            kept = self.records.setdefault(type(record), {})
            if record.version == 0:
                assert record.id not in kept, "saved as new again"
            else:
                assert not record.APPEND_ONLY, "append-only"
                assert (type(record), record.id) in held, "saved without being held"
                assert record.version == kept[record.id].version, "saved from an old version"
            sequence = record.version + max(1, sum(fact.subject_id() == record.id for fact in facts))
            kept[record.id] = with_version(record, sequence)
        for delta in decision.add:
            total = self.totals.get(delta.record.id, delta.record)
            sums = {name: getattr(total, name) + amount for name, amount in delta.amounts.items()}
            assert min(sums.values()) >= 0, "a total below zero"
            self.totals[delta.record.id] = replace(total, **sums)
        self.said += decision.publish


def content(records: Iterable[Record]) -> Mapping[UUID, Record]:
    """Records by id, whatever their versions."""
    return {record.id: replace(record, version=0) for record in records}


def goods_said(house: House) -> list[GoodsReceived]:
    """What a house of receiving said was received."""
    return [message for message in house.said if isinstance(message, GoodsReceived)]


def statuses(house: House) -> dict[int, Status]:
    """The status of each unit's asset."""
    assets = sorted(house.all(Asset), key=lambda asset: asset.unit_number)
    return {asset.unit_number: asset.status for asset in assets}


def one(house: House, number: int) -> Asset:
    """The asset of a unit."""
    (found,) = house.all(Asset, unit_number=number)
    assert isinstance(found, Asset)
    return found
