"""What people do about requests, and what the world does to messages. Each looks at what their own service shows."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.contracts.approvals import DecideApproval
from libs.contracts.message import Command
from libs.contracts.requests import (
    CancelRequest,
    CustomItem,
    EditRequest,
    RequestedLine,
    RetryFulfilment,
    SubmitRequest,
    WithdrawRequest,
    request_id_of,
)
from services.requests.approval_round import ApprovalRound, RoundStatus
from services.requests.order_to_approve import OrderToApprove
from services.requests.process import FulfilmentProcess, Stage
from services.requests.purchase_request import PurchaseRequest
from tests.properties.company import Company
from tests.properties.opening import (
    ADMINISTRATOR,
    BUYER,
    CENTRE,
    CUSTOM,
    DESTINATIONS,
    ITEMS,
    PEOPLE,
    REQUESTS_MAX,
    SITE,
    VENDORS,
    WORKS_AS,
    actor,
    pick,
    say,
)

Act = Callable[[Company, int, int], None]


# Asking


def _lines(a: int, b: int) -> tuple[RequestedLine, ...]:
    """One to three lines, as the two numbers say."""
    skus = tuple(ITEMS)
    lines = []
    for position in range(1 + a % 3):
        code = (a * 31 + b * (position + 1) * 7 + position) % 251
        vendor = VENDORS[code % 2] if code % 7 == 0 else None
        destination = DESTINATIONS[(code // 8 + b) % len(DESTINATIONS)]
        quantity = 1 + (code // 3 + b) % 4
        if code % 5 == 0:
            kind, price = CUSTOM[code % len(CUSTOM)]
            item = CustomItem(name=f"Thing {position}", kind=kind, unit_price=Decimal(price))
            lines.append(RequestedLine(item=item, quantity=quantity, vendor=vendor, destination=destination))
        else:
            sku = skus[(code + a) % len(skus)]
            lines.append(RequestedLine(sku=sku, quantity=quantity, vendor=vendor, destination=destination))
    return tuple(lines)


def submit(company: Company, a: int, b: int) -> None:
    """Somebody asks for something, for themselves or a colleague; the request may be long on its way."""
    if len(company.requests.every(PurchaseRequest)) >= REQUESTS_MAX:
        return
    person = PEOPLE[0] if b % 3 else PEOPLE[1]
    reference = f"E-{a % 3}" if b % 4 == 1 else None
    wish = SubmitRequest(
        requester=person,
        on_behalf_of="person-6" if person != PEOPLE[0] and b % 5 == 0 else None,
        external_reference=reference,
        deliver_to=SITE,
        currency="EUR",
        cost_centre=CENTRE if b % 7 == 0 else None,
        lines=_lines(a, b),
    )
    say(company, wish, actor(person), b if reference is None else b // 4)


def _requests(company: Company) -> list[PurchaseRequest]:
    return company.requests.every(PurchaseRequest)


def edit(company: Company, a: int, b: int) -> None:
    """The requester wants something else, or less."""
    request = pick(_requests(company), a)
    if request is None or request.deliver_to is None:
        return
    wish = EditRequest(
        request_id=request.id,
        cost_centre=request.cost_centre,
        deliver_to=request.deliver_to,
        currency=request.currency,
        lines=_lines(a // 4, b),
    )
    say(company, wish, actor(request.requester), b)


def withdraw(company: Company, a: int, b: int) -> None:
    """The requester takes it back, perhaps before it has arrived."""
    request = pick(_requests(company), a)
    if request is None or b % 4 == 1:
        reference = f"E-{a % 3}"
        if company.requests.one(PurchaseRequest, request_id_of(PEOPLE[0], reference)) is None:
            say(company, WithdrawRequest(external_reference=reference), actor(PEOPLE[0]), 1)
        return
    say(company, WithdrawRequest(request_id=request.id, reason="not needed"), actor(request.requester), b)


def cancel(company: Company, a: int, b: int) -> None:
    """A buyer stops it, at whatever point it is."""
    if (request := pick(_requests(company), a)) is not None:
        say(company, CancelRequest(request_id=request.id, reason="no money left"), BUYER, b)


# Deciding


def decide(company: Company, a: int, b: int) -> None:
    """Anybody says yes or no to what waits, entitled or not."""
    waiting = company.requests.every(ApprovalRound, status=RoundStatus.OPEN)
    if (round := pick(waiting, a)) is None:
        return
    person = PEOPLE[b % len(PEOPLE)]
    verdict = "reject" if b // 8 % 8 == 7 else "approve"
    say(company, _decision(round, person, verdict), actor(person), b // 64 or 1)


def _decision(round: ApprovalRound, person: str, verdict: Any) -> DecideApproval:
    return DecideApproval(
        request_id=round.request_id,
        verdict=verdict,
        decided_by=person,
        round=round.number,
        step=round.step,
        reason="no" if verdict == "reject" else "",
    )


def entitled(company: Company, round: ApprovalRound) -> list[str]:
    """Who can take the step that is waited for, and has not."""
    about: PurchaseRequest | OrderToApprove | None = company.requests.one(PurchaseRequest, round.request_id)
    about = about or company.requests.one(OrderToApprove, round.request_id)
    assert about is not None
    return [
        person
        for person, roles in WORKS_AS.items()
        if person not in about.people.union(round.parties)
        and person not in round.yes
        and not {f"person:{person}", *(f"role:{role}" for role in roles)}.isdisjoint(round.approvers)
    ]


def settle_round(company: Company, round: ApprovalRound, verdict: str) -> None:
    """Somebody who may says so; that nobody may is an error."""
    able = entitled(company, round)
    assert able, f"nobody can take step {round.step} of round {round.number}: {round.approvers}"
    company.say(_decision(round, able[0], verdict), actor(able[0]))


def retry(company: Company, a: int, b: int) -> None:
    """An administrator gives a refused command once more."""
    processes = company.requests.every(FulfilmentProcess)
    stuck = [each for each in processes if each.stage is Stage.STUCK] or processes
    if (process := pick(stuck, a)) is not None:
        say(company, RetryFulfilment(request_id=process.id), ADMINISTRATOR, b)


def retry_process(company: Company, request_id: UUID) -> None:
    """This one is retried."""
    company.say(RetryFulfilment(request_id=request_id), ADMINISTRATOR)


def cancel_request(company: Company, request_id: UUID) -> None:
    """This one is stopped."""
    company.say(CancelRequest(request_id=request_id, reason="given up"), ADMINISTRATOR)


# What the world does


def deliver_next(company: Company, a: int, b: int) -> None:
    """The oldest message arrives."""
    company.take(0)


def deliver_any(company: Company, a: int, b: int) -> None:
    """Some message arrives, before others that were said earlier."""
    company.take(a)


def deliver_many(company: Company, a: int, b: int) -> None:
    """Several messages arrive."""
    for turn in range(2 + b % 8):
        company.take(a * turn)


def deliver_twice(company: Company, a: int, b: int) -> None:
    """A message comes again, later."""
    if (parcel := pick(company.past, a)) is not None:
        company.again(replace(parcel, waited_out=False), renamed=False)


def repeat(company: Company, a: int, b: int) -> None:
    """A command is given again under another id."""
    commands = [parcel for parcel in company.past if isinstance(parcel.message, Command)]
    if (parcel := pick(commands, a)) is not None:
        company.again(parcel, renamed=True)


def fire(company: Company, a: int, b: int) -> None:
    """Time goes by until a timer is due."""
    if company.timers:
        company.fire(list(company.timers)[a % len(company.timers)])
