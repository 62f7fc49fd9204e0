"""A request comes in: by queue from another system or over HTTP from a person, under the same rules."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Many, Records, Rejection
from libs.contracts.requests import RequestedLine, RequestSubmitted, SubmitRequest
from libs.contracts.values import Kind, derived_id, line_total
from services.requests import approval
from services.requests.catalog_entry import CatalogEntry, entry_id
from services.requests.purchase_request import (
    PurchaseRequest,
    RequestLine,
    line_id_of,
    number_of,
    reference_id_of,
    request_id_of,
)

NUMBER = "request_number"

TOTAL_LIMIT = Decimal(10) ** 15
"""Amounts are stated with 15 digits before the point."""


def same_reference(command: SubmitRequest) -> Keys:
    """The requests that were made under this external reference, one per source."""
    if command.external_reference is None:
        return ()
    return (Many(PurchaseRequest, by="reference_id", value=reference_id_of(command.external_reference)),)


def catalog_entries(command: SubmitRequest) -> Keys:
    """The catalog entries of the lines."""
    skus = dict.fromkeys(line.sku for line in command.lines)
    return [Key(CatalogEntry, entry_id(sku), may_be_new=True) for sku in skus]


def submit(command: SubmitRequest, held: Records, cause: Cause) -> Decision:
    """Price the lines from the catalog, give the request its number, and see who must approve it.

    The same reference from the same source with the same content is the same request; with other content
    it is refused.
    """
    reference = command.external_reference
    content = derived_id("request_content", command.model_dump_json())
    if reference is None:
        request_id = cause.id("request")
    else:
        request_id = request_id_of(cause.sender, reference)
        earlier = held.find(PurchaseRequest, request_id)
        if earlier is not None:
            return _again(earlier, same=earlier.content == content)

    lines = [
        _priced(line, position, _entry(line, position, command.currency, held), request_id, command.currency)
        for position, line in enumerate(command.lines, start=1)
    ]
    total = sum((line.line_total for line in lines), Decimal(0))
    if total >= TOTAL_LIMIT:
        raise Rejection(
            "total_too_large", field="lines", message="The request costs more than can be stated."
        )
    request = PurchaseRequest(
        id=request_id,
        number=number_of(cause.numbers[NUMBER][0]),
        status_since=cause.at,
        source=cause.sender,
        external_reference=reference,
        reference_id=reference_id_of(reference) if reference is not None else None,
        content=content,
        requester=command.requester,
        on_behalf_of=command.on_behalf_of,
        cost_centre=command.cost_centre,
        justification=command.justification,
        needed_by=command.needed_by,
        deliver_to=command.deliver_to,
        currency=command.currency,
        total=total,
        submitted_at=cause.at,
        message_id=cause.message_id,
    )
    submitted = RequestSubmitted(
        request_id=request_id, number=request.number, requester=request.requester, total=request.money
    )
    following = approval.proceed(request, lines, approved_by=(), cause=cause)
    return Decision(
        save=[*following.save, *lines],
        publish=[submitted, *following.publish],
        schedule=following.schedule,
        answer=_answer(request),
    )


def _again(earlier: PurchaseRequest, *, same: bool) -> Decision:
    if not same:
        raise Rejection(
            "external_reference_reused",
            field="external_reference",
            message=f"{earlier.external_reference} is {earlier.number} already, with other content.",
        )
    return Decision(duplicate=True, answer=_answer(earlier))


def _answer(request: PurchaseRequest) -> Mapping[str, object]:
    return {"request_id": str(request.id), "number": request.number}


def _entry(line: RequestedLine, position: int, currency: str, held: Records) -> CatalogEntry:
    field = f"lines[{position - 1}].sku"
    entry = held.find(CatalogEntry, entry_id(line.sku))
    if entry is None or not entry.active:
        raise Rejection("sku_unknown", field=field, message=f"The catalog has no active item {line.sku}.")
    if entry.kind is not Kind.HARDWARE:
        raise Rejection(
            "kind_unsupported",
            field=field,
            message=f"{line.sku} is {entry.kind}; only hardware can be requested.",
        )
    if entry.currency != currency:
        raise Rejection(
            "currency_mismatch",
            field=field,
            message=f"{line.sku} is priced in {entry.currency}, the request is in {currency}.",
        )
    return entry


def _priced(
    line: RequestedLine, position: int, entry: CatalogEntry, request_id: UUID, currency: str
) -> RequestLine:
    return RequestLine(
        id=line_id_of(request_id, position),
        request_id=request_id,
        position=position,
        item_id=entry.item_id,
        catalog_version=entry.sequence,
        sku=entry.sku,
        name=entry.name,
        quantity=line.quantity,
        unit_price=entry.unit_price,
        line_total=line_total(entry.unit_price, line.quantity, currency),
    )


HANDLERS: Handlers = (
    Handler(
        on=SubmitRequest,
        holds=same_reference,
        reads=catalog_entries,
        numbers=lambda _: {NUMBER: 1},
        decide=submit,
    ),
)
