"""What can be done to a request until it is ordered: changed, taken back, stopped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Many, Records, Rejection
from libs.contracts.permissions import Action
from libs.contracts.requests import (
    CancelRequest,
    CustomItem,
    EditRequest,
    NamedRequest,
    RequestEdited,
    RequestedLine,
    RequestWithdrawn,
    Wish,
    WithdrawRequest,
    request_id_of,
)
from libs.contracts.values import derived_id
from services.requests import approval, intervention
from services.requests.pricing import priced
from services.requests.purchase_request import (
    BEFORE_APPROVAL,
    NEVER_APPROVED,
    NO_CURRENCY,
    NUMBER,
    PurchaseRequest,
    RequestLine,
    RequestRevision,
    Status,
    live,
    number_of,
    reference_id_of,
)
from services.requests.submission import answer_of, request_in, what_it_names, words_of


def edit(command: EditRequest, held: Records, cause: Cause) -> Decision:
    """Replace what is wanted as long as it is not approved: a new revision, the one before is kept.

    A riskier revision must be approved anew by everybody; any other keeps the yeses it has. Saying again what is
    wanted already changes nothing.
    """
    request = _find(command, held)
    if request is None:
        raise Rejection("request_unknown", field="request_id", message="There is no such request.")
    _check_owner(request, cause)
    _check_version(request, command.expected_version)
    if request.status not in BEFORE_APPROVAL:
        raise Rejection(
            "request_not_editable",
            field="request_id",
            message=f"{request.number} is {request.status}; only what waits for approval can be changed.",
        )
    wish = Wish(**{name: getattr(command, name) for name in Wish.model_fields})
    content = derived_id("request_content", wish.model_dump_json())
    if content == request.content:
        return Decision(duplicate=True, answer={**answer_of(request), "revision": request.revision})
    lines_before = held.all(RequestLine, request_id=request.id)
    wanted = priced(wish, request.id, request.receiver, held, cause.at.date())
    edited = replace(
        request,
        revision=request.revision + 1,
        edited_by=cause.actor.id,
        content=content,
        cost_centre=wish.cost_centre,
        justification=wish.justification,
        needed_by=wish.needed_by,
        deliver_to=wish.deliver_to,
        currency=wish.currency,
        total=wanted.total,
    )
    edited = replace(edited, words=words_of(edited, wanted.lines))
    versions = {line.id: line.version for line in lines_before}
    lines = [replace(line, version=versions.get(line.id, 0)) for line in wanted.lines]
    kept = {line.id for line in lines}
    dropped = [replace(line, withdrawn=True) for line in lines_before if line.id not in kept]
    following = approval.after_edit(request, lines_before, edited, lines, held, cause)
    said = RequestEdited(
        request_id=request.id,
        number=request.number,
        revision=edited.revision,
        edited_by=cause.actor.id,
        total=edited.money,
    )
    return replace(
        following,
        save=[*following.save, *lines, *dropped, *_revisions(request, lines_before, edited, wish, cause)],
        publish=[said, *following.publish],
        answer={**answer_of(request), "revision": edited.revision},
    )


def _revisions(
    request: PurchaseRequest,
    lines_before: Sequence[RequestLine],
    edited: PurchaseRequest,
    wish: Wish,
    cause: Cause,
) -> list[RequestRevision]:
    """What is wanted now, and with the first edit also what was wanted before."""
    now = _revision(edited, wish, edited_by=cause.actor.id, at=cause.at)
    if request.revision > 1:
        return [now]
    sent = wish_of(request, live(lines_before))
    return [_revision(request, sent, edited_by=request.submitted_by, at=request.submitted_at), now]


def _revision(request: PurchaseRequest, wish: Wish, *, edited_by: str, at: datetime) -> RequestRevision:
    assert request.content is not None  # only what has arrived is edited
    return RequestRevision(
        id=derived_id("request_revision", request.id, request.revision),
        request_id=request.id,
        number=request.revision,
        content=request.content,
        wish=wish.model_dump(mode="json"),
        total=request.total,
        currency=request.currency,
        edited_by=edited_by,
        at=at,
    )


def wish_of(request: PurchaseRequest, lines: Sequence[RequestLine]) -> Wish:
    """What is wanted, as it could be said again."""
    assert request.deliver_to is not None  # it has arrived
    return Wish(
        cost_centre=request.cost_centre,
        justification=request.justification,
        needed_by=request.needed_by,
        deliver_to=request.deliver_to,
        currency=request.currency,
        lines=tuple(map(_as_asked, _first_of_bundles(lines))),
    )


def _first_of_bundles(lines: Sequence[RequestLine]) -> Iterator[RequestLine]:
    """Of the lines that a bundle became, the first. It contains each item once, so the next begins with a repeat."""
    bundle, parts = None, set[str | None]()
    for line in lines:
        if line.bundle is None or line.bundle != bundle or line.sku in parts:
            bundle, parts = line.bundle, set()
            yield line
        parts.add(line.sku)


def _as_asked(line: RequestLine) -> RequestedLine:
    return RequestedLine(
        sku=line.bundle or line.sku,
        item=None if line.sku else CustomItem(name=line.name, kind=line.kind, unit_price=line.unit_price),
        quantity=line.bundle_quantity or line.quantity,
        vendor=line.vendor if line.vendor_named else None,
        destination=line.destination,
    )


def withdraw(command: WithdrawRequest, held: Records, cause: Cause) -> Decision:
    """Take a request back before it is approved. One that has not arrived yet will be withdrawn when it does."""
    request = _find(command, held)
    if request is None:
        return _forestall(command, command.reason, cause)
    _check_owner(request, cause)
    if request.status is Status.WITHDRAWN:
        return Decision(duplicate=True, answer=answer_of(request))
    _check_version(request, command.expected_version)
    if request.status not in BEFORE_APPROVAL:
        raise Rejection(
            "request_not_withdrawable",
            field="request_id",
            message=f"{request.number} is {request.status}; only what waits for approval can be withdrawn.",
        )
    return _withdrawn(request, command.reason, held, cause)


def cancel(command: CancelRequest, held: Records, cause: Cause) -> Decision:
    """Stop a request wherever it is: before approval it is withdrawn, afterwards what is open is cancelled."""
    request = _find(command, held)
    if request is None:
        return _forestall(command, command.reason, cause)
    if not cause.actor.may(Action.EDIT_ALL_REQUESTS):
        _check_owner(request, cause)
    if request.status in (Status.WITHDRAWN, Status.CANCELLED):
        return Decision(duplicate=True, answer=answer_of(request))
    fulfilled = request.status is Status.FULFILLED and not intervention.is_stuck(request, held)
    if request.status in NEVER_APPROVED or fulfilled:
        raise Rejection(
            "request_not_cancellable",
            field="request_id",
            message=f"{request.number} is {request.status}; there is nothing to cancel.",
        )
    if request.status in BEFORE_APPROVAL:
        return _withdrawn(request, command.reason, held, cause)
    stopped = approval.stop(request, held, cause)
    following = intervention.cancel(command, request_in(stopped), held, cause)
    if stopped.publish and not any(isinstance(record, PurchaseRequest) for record in following.save):
        following = replace(following, save=[request, *following.save])
    return replace(
        following,
        save=[*following.save, *stopped.save[1:]],
        publish=[*stopped.publish, *following.publish],
        cancel=[*stopped.cancel, *following.cancel],
        answer=answer_of(request),
    )


def _withdrawn(request: PurchaseRequest, reason: str, held: Records, cause: Cause) -> Decision:
    stopped = approval.stop(
        request.become(Status.WITHDRAWN, status_since=cause.at, reason=reason.strip()), held, cause
    )
    said = RequestWithdrawn(
        request_id=request.id, number=request.number, withdrawn_by=cause.actor.id, reason=reason.strip()
    )
    return replace(stopped, publish=[said, *stopped.publish], answer=answer_of(request))


def _forestall(command: NamedRequest, reason: str, cause: Cause) -> Decision:
    """The sender took back what has not arrived yet: when it comes, it finds itself withdrawn."""
    reference = command.external_reference
    if reference is None:
        raise Rejection("request_unknown", field="request_id", message="There is no such request.")
    ordinal = cause.numbers[NUMBER][0]
    request = PurchaseRequest(
        id=request_id_of(cause.sender, reference),
        ordinal=ordinal,
        number=number_of(ordinal),
        status=Status.WITHDRAWN,
        status_since=cause.at,
        source=cause.sender,
        external_reference=reference,
        reference_id=reference_id_of(reference),
        content=None,
        first_content=None,
        requester=cause.actor.id,
        submitted_by=cause.actor.id,
        deliver_to=None,
        currency=NO_CURRENCY,
        total=Decimal(0),
        submitted_at=cause.at,
        message_id=cause.message_id,
        reason=reason.strip(),
        words=reference,
    )
    return Decision(save=[request], answer=answer_of(request))


def _find(command: NamedRequest, held: Records) -> PurchaseRequest | None:
    assert command.request_id is not None  # however it is named
    return held.find(PurchaseRequest, command.request_id)


def _check_owner(request: PurchaseRequest, cause: Cause) -> None:
    """Everybody changes their own requests; a system those it has sent; some roles all of them.

    To who may not even see it, a request is as unknown as one that does not exist.
    """
    actor = cause.actor
    own = actor.id in request.people or request.source == actor.id
    if own or actor.may(Action.EDIT_ALL_REQUESTS):
        return
    if not actor.may(Action.SEE_ALL_REQUESTS):
        raise Rejection("request_unknown", field="request_id", message="There is no such request.")
    raise Rejection(
        "not_entitled", field="request_id", message=f"{request.number} is somebody else's request."
    )


def _check_version(request: PurchaseRequest, expected: int | None) -> None:
    if expected is not None and expected != request.version:
        raise Rejection(
            "precondition_failed",
            field="expected_version",
            message=f"{request.number} has changed since: it is at version {request.version} now.",
        )


def the_request(command: NamedRequest) -> Keys:
    """The request and its rounds of approval."""
    assert command.request_id is not None
    return (
        Key(PurchaseRequest, command.request_id, may_be_new=True),
        *approval.round_keys(command.request_id),
    )


def with_lines(command: EditRequest) -> Keys:
    """Also its lines."""
    assert command.request_id is not None
    return (*the_request(command), Many(RequestLine, by="request_id", value=command.request_id))


def with_process(command: CancelRequest) -> Keys:
    """Also how far its fulfilment has come."""
    assert command.request_id is not None
    return (
        *the_request(command),
        *intervention.process_keys(command.request_id),
        intervention.units_under_way(command.request_id),
    )


def a_number(command: NamedRequest) -> Mapping[str, int]:
    """One for the request that may not have arrived yet."""
    return {NUMBER: 1} if command.external_reference is not None else {}


HANDLERS: Handlers = (
    Handler(on=EditRequest, holds=with_lines, reads=what_it_names, decide=edit),
    Handler(on=WithdrawRequest, holds=the_request, numbers=a_number, decide=withdraw),
    Handler(on=CancelRequest, holds=with_process, numbers=a_number, decide=cancel),
)
