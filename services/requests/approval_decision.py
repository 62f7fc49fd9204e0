"""A yes or a no: who may say it, and what it leads to. One no stops a round, the last yes of all grants it."""

from dataclasses import replace

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Records,
    Rejection,
    joined,
)
from libs.contracts.approvals import ApprovalDecided, DecideApproval
from libs.contracts.permissions import Action
from libs.contracts.values import derived_id
from services.requests import approval_outcome, delegation
from services.requests.approval_outcome import answer_about
from services.requests.approval_round import (
    Approval,
    ApprovalRound,
    Purpose,
    RoundStatus,
    Verdict,
    open_rounds,
    with_subject,
)
from services.requests.approval_waiting import Subject, advance, close, subject_of
from services.requests.delegation import Delegation
from services.requests.directory import Person, authority_of, person_key
from services.requests.purchase_request import RequestLine


def what_is_decided_on(command: DecideApproval) -> Keys:
    """The request or the order, and its rounds."""
    return with_subject(command.request_id)


def what_it_takes(command: DecideApproval) -> Keys:
    """The lines, what was said so far, and what is known of whoever decides and in whose place."""
    delegator = command.acting_for
    return (
        Many(RequestLine, by="request_id", value=command.request_id),
        Many(Approval, by="request_id", value=command.request_id),
        Key(Person, person_key(command.decided_by), may_be_new=True),
        *((Key(Person, person_key(delegator), may_be_new=True),) if delegator is not None else ()),
        *delegation.in_force(),
    )


def decide(command: DecideApproval, held: Records, cause: Cause) -> Decision:
    """Take part in the step that is waited for. One no stops it; the last yes of the last step approves it.

    Nobody decides on a request made by them, for them or handed in by them, nor on what they made an order cost more,
    in nobody's name. Nobody says yes twice in one step, and in nobody's name is it said twice.
    """
    about = subject_of(command.request_id, held)
    if about is None or not _concerns(command, about, held, cause):
        raise Rejection("request_unknown", field="request_id", message="There is no such request.")
    if command.decided_by != cause.actor.id:
        raise Rejection(
            "not_entitled",
            field="decided_by",
            message=f"{cause.actor.id} cannot decide in the name of {command.decided_by}.",
        )
    round = _round_meant(command, about, held)
    verdict, reason = Verdict(command.verdict), command.reason.strip()
    if verdict is Verdict.REJECT and not reason:
        raise Rejection("reason_missing", field="reason", message="Say why it is turned down.")
    way = _way(command, held, cause)
    if not about.people.union(round.parties).isdisjoint(way):
        raise Rejection(
            "own_request", field="decided_by", message="Somebody else must decide on this request."
        )
    said = Approval(
        id=derived_id("approval", round.id, round.step, command.decided_by),
        request_id=about.id,
        round_id=round.id,
        round=round.number,
        step=round.step,
        verdict=verdict,
        decided_by=command.decided_by,
        acting_for=way[0] if way[0] != command.decided_by else None,
        path=way if len(way) > 1 else (),
        approver=_capacity(round, about, way, held, cause),
        through=cause.actor.through,
        reason=reason,
        revision=about.revision,
        content=round.content if about.content is None else about.content,
        at=cause.at,
        message_id=cause.message_id,
    )
    if (earlier := held.find(Approval, said.id)) is not None or way[0] in round.voices:
        return _again(earlier, said, about, round)
    told = ApprovalDecided(
        request_id=about.id,
        number=about.number,
        purpose=round.purpose.value,
        round=round.number,
        step=round.step,
        verdict=verdict.value,
        decided_by=said.decided_by,
        acting_for=said.acting_for,
        revision=said.revision,
        reason=reason,
    )
    if verdict is Verdict.REJECT:
        following = _rejected(said, about, round, held, cause)
    else:
        voices = (*round.voices, way[0])
        following = _agreed(
            replace(round, yes=(*round.yes, said.decided_by), voices=voices), said, about, held, cause
        )
    return replace(following, save=[*following.save, said], publish=[told, *following.publish])


def _concerns(command: DecideApproval, about: Subject, held: Records, cause: Cause) -> bool:
    """Whether a request is any business of who acts: to everybody else it is as unknown as one that does not exist."""
    actor = cause.actor
    if actor.may(Action.SEE_ALL_REQUESTS) or actor.id in about.people or actor.id == about.source:
        return True
    if held.all(Approval, request_id=about.id, decided_by=actor.id):
        return True
    keys = authority_of(actor.id, actor.roles, held.find(Person, person_key(actor.id)))
    if command.acting_for is not None:
        delegator = held.find(Person, person_key(command.acting_for))
        keys |= authority_of(command.acting_for, delegator.roles if delegator else (), delegator)
    if delegation.represented_by(held.all(Delegation), delegate=actor.id, on=cause.at.date()):
        # Deputies may look at what waits for those they stand for; they may have forgotten to say for whom.
        return True
    rounds = held.all(ApprovalRound, request_id=about.id)
    return any(not keys.isdisjoint(round.approvers) for round in rounds)


def _round_meant(command: DecideApproval, about: Subject, held: Records) -> ApprovalRound:
    """The round that is decided on, in the step that it waits for."""
    waiting = open_rounds(about.id, held)
    if command.round is not None:
        waiting = [round for round in waiting if round.number == command.round]
    elif any(round.purpose is Purpose.REQUEST for round in waiting):
        waiting = [round for round in waiting if round.purpose is Purpose.REQUEST]
    if not waiting:
        which = "it does not wait for approval" if command.round is None else f"round {command.round} is over"
        raise _not_awaiting("request_id", f"{about.number} is {about.status}; {which}.")
    if len(waiting) > 1:
        numbers = ", ".join(str(round.number) for round in waiting)
        raise Rejection("round_missing", field="round", message=f"Say which round is meant: {numbers}.")
    (round,) = waiting
    if command.revision not in (None, about.revision):
        raise Rejection(
            "revision_outdated",
            field="revision",
            message=f"{about.number} has come to revision {about.revision} meanwhile.",
        )
    if command.step not in (None, round.step):
        raise _not_awaiting("step", f"{about.number} waits for step {round.step}, not for {command.step}.")
    if command.role is not None and f"role:{command.role}" not in round.approvers:
        names = ", ".join(round.approvers)
        raise _not_awaiting("role", f"{about.number} waits for {names}, not for the {command.role}.")
    return round


def _not_awaiting(field: str, message: str) -> Rejection:
    return Rejection("request_not_awaiting_approval", field=field, message=message)


def _way(command: DecideApproval, held: Records, cause: Cause) -> tuple[str, ...]:
    """From the person in whose name it is decided, through those they delegated to, to the one who decides."""
    acting_for = command.acting_for
    if acting_for in (None, command.decided_by):
        return (command.decided_by,)
    assert acting_for is not None
    way = delegation.path(
        held.all(Delegation), delegator=acting_for, delegate=command.decided_by, on=cause.at.date()
    )
    if way is None:
        raise Rejection(
            "not_an_approver",
            field="acting_for",
            message=f"{acting_for} has not delegated to {command.decided_by} for today.",
        )
    return way


def _capacity(round: ApprovalRound, about: Subject, way: tuple[str, ...], held: Records, cause: Cause) -> str:
    """As whom the person in whose name it is decided may take the step: the first key that is theirs."""
    voice = held.find(Person, person_key(way[0]))
    roles = cause.actor.roles if len(way) == 1 else voice.roles if voice is not None else ()
    authority = authority_of(way[0], roles, voice)
    capacity = next((key for key in round.approvers if key in authority), None)
    if capacity is None:
        names = ", ".join(round.approvers)
        raise Rejection(
            "not_an_approver",
            field="decided_by" if len(way) == 1 else "acting_for",
            message=f"{about.number} waits for {names}; {way[0]} is none of them.",
        )
    return capacity


def _again(earlier: Approval | None, said: Approval, about: Subject, round: ApprovalRound) -> Decision:
    """A step is taken once by each: the same once more is a duplicate, anything else is refused."""
    if earlier is not None and (earlier.verdict, earlier.acting_for, earlier.reason) == (
        said.verdict,
        said.acting_for,
        said.reason,
    ):
        return Decision(duplicate=True, answer=answer_about(about, round))
    who = said.decided_by if earlier is not None else said.acting_for or said.decided_by
    raise Rejection(
        "already_decided", field="decided_by", message=f"{who} has said yes to step {round.step} already."
    )


def _agreed(round: ApprovalRound, said: Approval, about: Subject, held: Records, cause: Cause) -> Decision:
    if len(round.yes) < round.now.quorum:
        return Decision(save=[about, round], answer=answer_about(about, round))
    if not round.is_last_step:
        following = advance(round, about, held, cause)
        return replace(
            following,
            save=[about, *following.save],
            answer=answer_about(about, replace(round, step=round.step + 1)),
        )
    closed = close(round, RoundStatus.APPROVED, held, cause)
    earlier = held.all(Approval, round_id=round.id)
    by = [each.decided_by for each in sorted(earlier, key=lambda each: (each.step, each.at))]
    granted = approval_outcome.granted(round, about, (*by, said.decided_by), held, cause)
    return _ended(granted, closed, replace(round, status=RoundStatus.APPROVED))


def _rejected(said: Approval, about: Subject, round: ApprovalRound, held: Records, cause: Cause) -> Decision:
    closed = close(round, RoundStatus.REJECTED, held, cause)
    refused = approval_outcome.refused(round, about, said.decided_by, said.reason, cause)
    return _ended(refused, closed, replace(round, status=RoundStatus.REJECTED))


def _ended(outcome: Decision, closed: Decision, round: ApprovalRound) -> Decision:
    """The answer tells where it has brought what the round was about, which the outcome saves first."""
    about = outcome.save[0]
    assert isinstance(about, Subject)
    return replace(joined(outcome, closed), answer=answer_about(about, round))


HANDLERS: Handlers = (
    Handler(on=DecideApproval, holds=what_is_decided_on, reads=what_it_takes, decide=decide),
)
