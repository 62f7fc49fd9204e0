"""A receipt that was a mistake is taken back by another one, which counts below zero what that one counted."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    NamedBy,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.message import Message
from libs.contracts.receiving import (
    RECEIPT_UNITS_MAX,
    ReceiptReversed,
    ReverseReceipt,
    TakenBackLine,
    goods_id_of,
)
from libs.contracts.values import Kind, derived_id
from services.receiving.expectation import AWAY, ExpectedLine, ExpectedUnit, units_held
from services.receiving.invoiced import InvoicedDelivery, went_with
from services.receiving.receipt import Receipt, ReceiptLine
from services.receiving.returning import ReturnLine
from services.receiving.shipment import Shipment, taken_back
from services.receiving.taking_back import reversed_line_id, take_back


def reversal_id(receipt_id: UUID) -> UUID:
    """The receipt that takes back this one, if one does."""
    return derived_id("reversal", receipt_id)


def reverse(command: ReverseReceipt, held: Records, cause: Cause) -> Decision:
    """Take back all of a receipt. What it accepted is to come again, as far as it is still wanted."""
    receipt = _receipt_named(command, held)
    id = reversal_id(receipt.id)
    told = held.all(ReceiptLine, receipt_id=receipt.id)
    save: list[Record] = []
    lines: list[TakenBackLine] = []
    for line_id in receipt.order_line_ids:
        before = held[ExpectedLine, line_id]
        of_line = [each for each in told if each.order_line_id == line_id]
        units = held.all(ExpectedUnit, receipt_id=receipt.id, order_line_id=line_id)
        units.sort(key=lambda unit: unit.unit_number)
        accepted = sum(each.accepted for each in of_line)
        _check_is_here(receipt, before, units, accepted, held)
        line = replace(
            before,
            accepted=before.accepted - accepted,
            rejected=before.rejected - sum(each.rejected for each in of_line),
        )
        save += [line, *take_back(line, units, id, held)]
        lines += _taken_back(line, of_line, units, receipt)
    save += [
        replace(
            each,
            id=reversed_line_id(each.id),
            version=0,
            receipt_id=id,
            accepted=-each.accepted,
            rejected=-each.rejected,
        )
        for each in told
    ]
    number = f"RCV-{cause.numbers['receipt_number'][0]:06d}"
    by = cause.actor.id or cause.sender
    reversal = replace(
        receipt,
        id=id,
        version=0,
        number=number,
        received_by=by,
        received_at=cause.at,
        received_on=cause.at.date(),
        delivery_note=None,
        accepted=-receipt.accepted,
        rejected=-receipt.rejected,
        said=1,
        reverses=receipt.id,
        reason=command.reason,
    )
    facts: list[Message] = [
        ReceiptReversed(
            receipt_id=id,
            receipt_number=number,
            reverses=receipt.id,
            goods=tuple(goods_id_of(receipt.id, said) for said in range(1, receipt.said + 1)),
            order_id=receipt.order_id,
            reversed_by=by,
            reason=command.reason,
            lines=tuple(lines),
        )
    ]
    if receipt.shipment_id is not None:
        shipment, said = taken_back(held[Shipment, receipt.shipment_id], lines)
        save.append(shipment)
        facts += said
    if receipt.invoice_id is not None:
        save.append(went_with(held[InvoicedDelivery, receipt.invoice_id], lines))
    answer = {
        "receipt_id": str(id),
        "receipt_number": number,
        "order_id": str(receipt.order_id),
        "reverses": str(receipt.id),
    }
    return Decision(save=[reversal, *save], publish=facts, answer=answer)


def _receipt_named(command: ReverseReceipt, held: Records) -> Receipt:
    """The receipt meant: one that was not taken back, and does not itself take back another."""
    named = command.receipt_id or command.receipt_number
    found = [each for each in held.all(Receipt) if named in (each.id, each.number)]
    field = "receipt_id" if command.receipt_id else "receipt_number"
    if not found:
        raise Rejection("receipt_unknown", field=field, message=f"No receipt is called {named}.")
    (receipt,) = found
    if receipt.reverses is not None:
        message = f"Receipt {receipt.number} takes back another one."
        raise Rejection("receipt_not_reversible", field=field, message=message)
    if (reversal := held.find(Receipt, reversal_id(receipt.id))) is not None:
        message = f"Receipt {receipt.number} was taken back by {reversal.number}."
        raise Rejection("receipt_reversed", field=field, message=message)
    return receipt


def _check_is_here(
    receipt: Receipt, line: ExpectedLine, units: list[ExpectedUnit], accepted: int, held: Records
) -> None:
    """All that a receipt accepted of a line is here, and in nobody's hands."""
    gone = any(each.order_line_id == line.id for each in held.all(ReturnLine, receipt_id=receipt.id))
    if gone or (line.kind is Kind.HARDWARE and len(units) != accepted):
        message = f"Of {line.sku} in receipt {receipt.number} some went back to the vendor."
        raise Rejection("unit_returned", message=message)
    for unit in units:
        if unit.acknowledged:
            message = f"Somebody has acknowledged unit {unit.id}, serial number {unit.serial}."
            raise Rejection("unit_acknowledged", message=message)
    if accepted and line.kept - accepted < line.issued:
        message = f"Of {line.sku} {line.issued} were issued already."
        raise Rejection("unit_issued", message=message)


def _taken_back(
    line: ExpectedLine, of_line: list[ReceiptLine], units: list[ExpectedUnit], receipt: Receipt
) -> Iterator[TakenBackLine]:
    """What counts no longer: units all together, a quantity space by space."""
    request_id = line.request_id or receipt.request_id
    if line.kind is Kind.HARDWARE:
        yield TakenBackLine(
            order_line_id=line.id,
            request_id=request_id,
            request_line_id=line.request_line_id,
            accepted=len(units),
            rejected=sum(each.rejected for each in of_line),
            asset_creation=line.asset_creation,
            asset_ids=tuple(unit.id for unit in units),
        )
        return
    for each in of_line:
        yield TakenBackLine(
            order_line_id=line.id,
            request_id=request_id,
            request_line_id=line.request_line_id,
            accepted=each.accepted,
            rejected=each.rejected,
            asset_creation=line.asset_creation,
            location=each.location,
            storage_space=each.storage_space,
        )


def _receipt_meant(command: ReverseReceipt) -> UUID | Via:
    if command.receipt_id is not None:
        return command.receipt_id
    return Via(Receipt, command.receipt_number or "", "id", by="number")


def _lines_of(receipt: Receipt) -> tuple[UUID, ...]:
    return receipt.order_line_ids


def _shipments_of(receipt: Receipt) -> list[UUID]:
    return [receipt.shipment_id] if receipt.shipment_id else []


def _invoices_of(receipt: Receipt) -> list[UUID]:
    return [receipt.invoice_id] if receipt.invoice_id else []


def _reversals_of(receipt: Receipt) -> list[UUID]:
    return [reversal_id(receipt.id)]


def _what_it_changes(command: ReverseReceipt) -> Keys:
    way = _receipt_meant(command)
    lines = NamedBy(ExpectedLine, by=Receipt, id=way, ids=_lines_of)
    yield lines
    yield from units_held(lines, *AWAY)
    yield Many(ExpectedUnit, by="receipt_id", value=way)
    yield NamedBy(Shipment, by=Receipt, id=way, ids=_shipments_of)
    yield NamedBy(InvoicedDelivery, by=Receipt, id=way, ids=_invoices_of)
    yield Key(Receipt, way)
    yield NamedBy(Receipt, by=Receipt, id=way, ids=_reversals_of)


def _what_it_reads(command: ReverseReceipt) -> Keys:
    way = _receipt_meant(command)
    yield Many(ReceiptLine, by="receipt_id", value=way)
    yield Many(ReturnLine, by="receipt_id", value=way)


HANDLERS: Handlers = (
    Handler(
        on=ReverseReceipt,
        holds=_what_it_changes,
        reads=_what_it_reads,
        numbers=lambda _: {"receipt_number": 1},
        decide=reverse,
        weight=lambda _: RECEIPT_UNITS_MAX,
    ),
)
