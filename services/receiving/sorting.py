"""What of a delivery can be accepted, and what of it is more than anybody expected."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from libs.chassis.decision import Records, Rejection
from libs.contracts.deliveries import Unexpected
from libs.contracts.receiving import LineToReceive, RecordReceipt
from services.receiving.expectation import ExpectedLine, ExpectedOrder, ExpectedUnit, UnitStatus
from services.receiving.strictness import Allowed, allowed_of, check_full, policy_in


class Beyond(NamedTuple):
    """What of a line of a receipt cannot be accepted, at which place of it, and why."""

    at: int
    delivered: LineToReceive
    why: Unexpected


def sorted_out(
    command: RecordReceipt, order: ExpectedOrder, held: Records
) -> tuple[RecordReceipt, Sequence[Beyond]]:
    """What of a delivery may be accepted, and what may not."""
    accepted: list[tuple[int, LineToReceive]] = []
    beyond: list[Beyond] = []
    for line_id, entries in by_line(command).items():
        line = held[ExpectedLine, line_id]
        came = sum(delivered.quantity or len(delivered.units) for _, delivered in entries)
        # Nobody needs to look at what is tolerated as long as no more came than is open.
        allowed = Allowed(line.open, line.open) if came <= line.open else allowed_of(line, order, held)
        if came <= allowed.at_once:
            accepted += entries
            continue
        if command.surplus == "refuse":
            raise _exceeding(line, entries, allowed.at_once)
        _check_serials(line, entries)
        now, rest = _split(entries, line, allowed, held)
        accepted += now
        beyond += rest
    if not beyond:
        return command, ()
    lines = tuple(delivered for _, delivered in sorted(accepted, key=lambda entry: entry[0]))
    return command.model_copy(update={"lines": lines}), beyond


def check_all_full(commands: Sequence[RecordReceipt], held: Records) -> None:
    """Of some kinds all parts of a delivery together bring all that is open of its lines."""
    if not policy_in(held).full_delivery_only:
        return
    accepted: Counter[UUID] = Counter()
    rejected: Counter[UUID] = Counter()
    first: dict[UUID, int] = {}
    for command in commands:
        for line_id, entries in by_line(command).items():
            first[line_id] = entries[0][0]
            accepted[line_id] += sum(delivered.quantity or len(delivered.units) for _, delivered in entries)
            rejected[line_id] += sum(delivered.rejected for _, delivered in entries)
    for line_id, index in first.items():
        came = accepted[line_id] + rejected[line_id]
        check_full(held[ExpectedLine, line_id], came, accepted[line_id], index, held)


def by_line(command: RecordReceipt) -> Mapping[UUID, Sequence[tuple[int, LineToReceive]]]:
    """What stands in it of each order line, and at which place: what was put into several spaces more than once."""
    entries: dict[UUID, list[tuple[int, LineToReceive]]] = {}
    for index, delivered in enumerate(command.lines):
        entries.setdefault(delivered.order_line_id, []).append((index, delivered))
    return entries


def _split(
    entries: Sequence[tuple[int, LineToReceive]], line: ExpectedLine, allowed: Allowed, held: Records
) -> tuple[list[tuple[int, LineToReceive]], list[Beyond]]:
    """What of a line's entries in a receipt is accepted, and what is not. Units that name an open one come first."""
    at_once, waiting = allowed.at_once, allowed.in_the_end - allowed.at_once
    why = Unexpected.BEYOND_TOLERANCE if line.open else Unexpected.NOTHING_OPEN
    accepted: list[tuple[int, LineToReceive]] = []
    beyond: list[Beyond] = []
    order = _first_those_meant(entries, line, held)
    taken = frozenset(order[:at_once])
    with_approval = frozenset(order[at_once : at_once + waiting])
    for index, delivered in entries:
        if delivered.quantity is not None:
            now = min(at_once, delivered.quantity)
            then = min(waiting, delivered.quantity - now)
            rest = delivered.quantity - now - then
            at_once, waiting = at_once - now, waiting - then
            parts = [delivered.model_copy(update={"quantity": n or None}) for n in (now, then, rest)]
        else:
            units = [(index, position) for position in range(len(delivered.units))]
            chosen = (taken, with_approval, frozenset(units) - taken - with_approval)
            parts = [
                delivered.model_copy(
                    update={"units": tuple(delivered.units[at[1]] for at in units if at in some)}
                )
                for some in chosen
            ]
        if parts[0].units or parts[0].quantity or delivered.rejected:
            accepted.append((index, parts[0]))
        for part, reason in ((parts[1], Unexpected.NEEDS_APPROVAL), (parts[2], why)):
            if part.units or part.quantity:
                beyond.append(Beyond(index, part, reason))
    return accepted, beyond


def _first_those_meant(
    entries: Sequence[tuple[int, LineToReceive]], line: ExpectedLine, held: Records
) -> list[tuple[int, int]]:
    """Where the units stand: first those that name an open one, last those that name one that is not to come."""
    ranked: list[tuple[int, tuple[int, int]]] = []
    for index, delivered in entries:
        for position, unit in enumerate(delivered.units):
            meant = held.find(ExpectedUnit, unit.asset_id) if unit.asset_id else None
            is_open = meant is not None and meant.order_line_id == line.id and meant.status is UnitStatus.OPEN
            rank = 1 if unit.asset_id is None else 0 if is_open else 2
            ranked.append((rank, (index, position)))
    return [at for _, at in sorted(ranked)]


def _exceeding(line: ExpectedLine, entries: Sequence[tuple[int, LineToReceive]], allowed: int) -> Rejection:
    accepted = 0
    field = ""
    for index, delivered in entries:
        accepted += delivered.quantity or len(delivered.units)
        if accepted > allowed and not field:
            field = f"lines[{index}].quantity" if delivered.quantity else f"lines[{index}].units"
    message = f"{accepted} of {line.sku} were accepted but only {allowed} are open."
    return Rejection("receipt_exceeds_open", field=field, message=message)


def _check_serials(line: ExpectedLine, entries: Sequence[tuple[int, LineToReceive]]) -> None:
    """No serial number stands in it twice, whether or not the unit can be accepted."""
    seen: set[str] = set()
    for index, delivered in entries:
        for position, unit in enumerate(delivered.units):
            if unit.serial in seen:
                message = f"Serial number {unit.serial} of {line.sku} stands twice in this receipt."
                field = f"lines[{index}].units[{position}].serial"
                raise Rejection("serial_repeated", field=field, message=message)
            seen.add(unit.serial)
