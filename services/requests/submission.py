"""A request comes in: by queue from another system or over HTTP from a person, under the same rules."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from libs.chassis.decision import (
    Actor,
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    NamedBy,
    Records,
    Rejection,
)
from libs.contracts.permissions import Action, Role
from libs.contracts.requests import (
    RequestSubmitted,
    RequestWithdrawn,
    SubmitRequest,
    Wish,
    request_id_of,
)
from libs.contracts.values import DestinationKind, derived_id, location_id_of
from services.requests import approval
from services.requests.copies import (
    CatalogEntry,
    KnownLocation,
    KnownVendor,
    entry_id,
    known_vendor_id,
    parts_of,
)
from services.requests.directory import CostCentre, Person, cost_centre_id_of, person_key
from services.requests.pricing import check_person, priced
from services.requests.purchase_request import (
    NUMBER,
    PurchaseRequest,
    RequestLine,
    number_of,
    reference_id_of,
)

WORDS_MAX = 2000


def same_reference(command: SubmitRequest) -> Keys:
    """The requests that were made under this external reference, one per source."""
    if command.external_reference is None:
        return ()
    return (Many(PurchaseRequest, by="reference_id", value=reference_id_of(command.external_reference)),)


def what_it_names(wish: Wish) -> Keys:
    """The catalog entries, vendors, locations and cost centres that a wish names, and the policy it falls under."""
    skus = {line.sku for line in wish.lines if line.sku is not None}
    vendors = {line.vendor for line in wish.lines if line.vendor is not None}
    return (
        *(Key(CatalogEntry, entry_id(sku), may_be_new=True) for sku in sorted(skus)),
        *(NamedBy(CatalogEntry, by=CatalogEntry, id=entry_id(sku), ids=parts_of) for sku in sorted(skus)),
        *(Key(KnownVendor, known_vendor_id(number), may_be_new=True) for number in sorted(vendors)),
        *(
            Key(KnownLocation, location_id_of(code), may_be_new=True)
            for code in sorted({wish.deliver_to, *_names(wish, DestinationKind.LOCATION)})
        ),
        *(
            Key(CostCentre, cost_centre_id_of(code), may_be_new=True)
            for code in sorted(
                {wish.cost_centre or "", *_names(wish, DestinationKind.FINANCIAL_OWNER)} - {""}
            )
        ),
        *(
            Key(Person, person_key(person_id), may_be_new=True)
            for person_id in sorted({*_people_of(wish), *_names(wish, DestinationKind.PERSON)})
        ),
        *approval.policy_keys(wish),
    )


def _names(wish: Wish, kind: DestinationKind) -> set[str]:
    destinations = [line.destination for line in wish.lines if line.destination is not None]
    return {each.name for each in destinations if each.kind is kind and each.name is not None}


def _people_of(wish: Wish) -> set[str]:
    if not isinstance(wish, SubmitRequest):
        return set()
    return {wish.requester, wish.on_behalf_of or wish.requester}


def submit(command: SubmitRequest, held: Records, cause: Cause) -> Decision:
    """Price the lines, give the request its number, and see who must approve it.

    The same reference from the same source with the same content is the same request; with other content
    it is refused. One that was withdrawn before it arrived stays withdrawn.
    """
    check_asker(command, cause.actor)
    reference = command.external_reference
    content = derived_id("request_content", command.model_dump_json())
    forestalled: PurchaseRequest | None = None
    if reference is None:
        request_id = cause.id("request")
    else:
        request_id = request_id_of(cause.sender, reference)
        earlier = held.find(PurchaseRequest, request_id)
        if earlier is not None and earlier.first_content is not None:
            return _again(earlier, same=earlier.first_content == content)
        forestalled = earlier

    check_person(command.requester, "requester", held)
    check_person(command.on_behalf_of, "on_behalf_of", held)
    receiver = command.on_behalf_of or command.requester
    wanted = priced(command, request_id, receiver, held, cause.at.date())
    ordinal = cause.numbers[NUMBER][0] if forestalled is None else forestalled.ordinal
    request = PurchaseRequest(
        id=request_id,
        ordinal=ordinal,
        number=number_of(ordinal),
        status_since=cause.at,
        source=cause.sender,
        external_reference=reference,
        reference_id=reference_id_of(reference) if reference is not None else None,
        content=content,
        first_content=content,
        requester=command.requester,
        on_behalf_of=command.on_behalf_of,
        submitted_by=cause.actor.id,
        cost_centre=command.cost_centre,
        justification=command.justification,
        needed_by=command.needed_by,
        deliver_to=command.deliver_to,
        currency=command.currency,
        total=wanted.total,
        submitted_at=cause.at,
        message_id=cause.message_id,
    )
    request = replace(request, words=words_of(request, wanted.lines))
    submitted = RequestSubmitted(
        request_id=request_id, number=request.number, requester=request.requester, total=request.money
    )
    if forestalled is not None:
        request = replace(
            request, version=forestalled.version, status=forestalled.status, reason=forestalled.reason
        )
        withdrawn = RequestWithdrawn(
            request_id=request.id,
            number=request.number,
            withdrawn_by=forestalled.submitted_by,
            reason=request.reason,
        )
        return Decision(
            save=[request, *wanted.lines], publish=[submitted, withdrawn], answer=answer_of(request)
        )
    following = approval.begin(request, wanted.lines, held, cause)
    return replace(
        following,
        save=[*following.save, *wanted.lines],
        publish=[submitted, *following.publish],
        answer=answer_of(request),
    )


def check_asker(command: SubmitRequest, actor: Actor) -> None:
    """Everybody asks in their own name, or for others if they may; a system only for those it was granted that.

    What our own services ask for needs no role.
    """
    if not actor.roles:
        return
    asks = actor
    if command.requester != actor.id:
        granted = actor.acting_for(command.requester)
        if granted is None and (Role.INTEGRATION in actor.roles or not actor.may(Action.SUBMIT_FOR_OTHERS)):
            raise _not_asked(actor, "requester", f"in the name of {command.requester}")
        asks = granted or actor
        if not asks.may(Action.SUBMIT_REQUESTS):
            raise _not_asked(actor, "requester", f"in the name of {command.requester}")
    other = command.on_behalf_of
    if other in (None, command.requester) or _may_ask_for(asks, other) or _may_ask_for(actor, other):
        return
    raise _not_asked(actor, "on_behalf_of", f"on behalf of {other}")


def _may_ask_for(actor: Actor, other: str | None) -> bool:
    """Managers ask for anybody, a system only for whom it may act."""
    if not actor.may(Action.SUBMIT_FOR_OTHERS) or other is None:
        return False
    return Role.INTEGRATION not in actor.roles or actor.acting_for(other) is not None


def _not_asked(actor: Actor, field: str, how: str) -> Rejection:
    return Rejection("not_entitled", field=field, message=f"{actor.id} may not ask {how}.")


def _again(earlier: PurchaseRequest, *, same: bool) -> Decision:
    if not same:
        raise Rejection(
            "external_reference_reused",
            field="external_reference",
            message=f"{earlier.external_reference} is {earlier.number} already, with other content.",
        )
    return Decision(duplicate=True, answer=answer_of(earlier))


def answer_of(request: PurchaseRequest) -> Mapping[str, object]:
    """What the sender of a command about a request is told: nothing that a later repeat would find otherwise."""
    return {"request_id": str(request.id), "number": request.number}


def request_in(decision: Decision) -> PurchaseRequest:
    """The request as a decision saves it."""
    return next(record for record in decision.save if isinstance(record, PurchaseRequest))


def words_of(request: PurchaseRequest, lines: Sequence[RequestLine]) -> str:
    """What a search for the request looks through, a few thousand characters at most."""
    words = [
        request.number,
        request.external_reference or "",
        request.requester,
        request.on_behalf_of or "",
        request.cost_centre or "",
        *(f"{line.bundle or ''} {line.sku or ''} {line.name}".strip() for line in lines),
        request.justification,
    ]
    return " ".join(dict.fromkeys(word for word in words if word))[:WORDS_MAX]


HANDLERS: Handlers = (
    Handler(
        on=SubmitRequest,
        holds=same_reference,
        reads=what_it_names,
        numbers=lambda _: {NUMBER: 1},
        decide=submit,
    ),
)
