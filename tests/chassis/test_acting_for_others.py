"""A system acts for a person by a grant or with the person's token, and for nobody else; who did it is known."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.consumer import Consumer
from libs.chassis.dead_letters import NotReplayed, replay
from libs.chassis.decision import Actor, Grant
from libs.chassis.http import ACT_AS
from libs.chassis.identity import Identity
from libs.contracts.message import Command
from libs.contracts.permissions import Role
from tests.chassis.shop import SHOP, BreakIn, CloseBox, OpenBox, a_sweep
from tests.chassis.shop_api import a_box, app_on, calling, problem
from tests.chassis.test_consumer import Channel, Raw, a_consumer, all_of, deliver, handle
from tests.tokens import Issuer, a_token, bearer, the_issuer

BUYER = Role.PROCUREMENT_MANAGER
GRANTS = {
    "scanner": (
        Grant(persons=frozenset({"person-17"}), roles=frozenset({BUYER})),
        Grant(persons=frozenset({"person-18"}), roles=frozenset({Role.REQUESTER})),
    )
}
ANSWERED = (
    "SELECT convert_from(body, 'UTF8')::jsonb FROM chassis.outbox WHERE exchange = 'shop.replies' ORDER BY id"
)
AUDITED = "SELECT actor, through, outcome, code, origin FROM chassis.audit ORDER BY id"


def desk(engine: AsyncEngine, identity: Identity | None = None) -> Consumer:
    """The shop's door for strangers."""
    return a_consumer(
        engine, queue="shop.ingress", identity=identity or the_issuer().identity(), act_as=GRANTS
    )


def from_scanner(command: Command, **headers: str) -> Raw:
    return Raw(Channel(), 1, command, exchange="shop.commands", more=headers, user_id="scanner")


async def said_by_scanner(engine: AsyncEngine, *messages: Raw, identity: Identity | None = None) -> list[Any]:
    """The answers to these messages."""
    consumer = desk(engine, identity)
    for tag, raw in enumerate(messages, 1):
        raw.delivery_tag = tag
        await deliver(consumer, raw)
    while consumer._pending:
        await handle(consumer)
    return [row[0] for row in await all_of(engine, ANSWERED)]


def opening(label: str = "A") -> OpenBox:
    return OpenBox(box_id=uuid4(), label=label)


async def test_in_its_own_name_a_system_is_an_integration(engine: AsyncEngine) -> None:
    (answer,) = await said_by_scanner(engine, from_scanner(opening()))

    assert answer["outcome"] == "accepted"
    assert await all_of(engine, AUDITED) == [("scanner", None, "accepted", None, "queue scanner")]


async def test_by_a_grant_it_acts_for_the_person(engine: AsyncEngine) -> None:
    (answer,) = await said_by_scanner(engine, from_scanner(opening(), **{"ce-actas": "person-17"}))

    assert answer["outcome"] == "accepted"
    assert await all_of(engine, AUDITED) == [("person-17", "scanner", "accepted", None, "queue scanner")]


async def test_structured_messages_name_the_person_too(engine: AsyncEngine) -> None:
    raw = from_scanner(opening())
    attributes = {name.removeprefix("ce-"): value for name, value in raw.headers.items()}
    raw.body = json.dumps(attributes | {"actas": "person-17", "data": json.loads(raw.body)}).encode()
    raw.headers, raw.content_type = {}, "application/cloudevents+json"  # type: ignore[assignment]

    (answer,) = await said_by_scanner(engine, raw)

    assert answer["outcome"] == "accepted"
    assert [row[:2] for row in await all_of(engine, AUDITED)] == [("person-17", "scanner")]


@pytest.mark.parametrize("person", ["person-19", "*", "scanner", ""])
async def test_for_whom_nothing_was_granted_it_may_not_act(engine: AsyncEngine, person: str) -> None:
    (answer,) = await said_by_scanner(engine, from_scanner(opening(), **{"ce-actas": person}))

    assert (answer["outcome"], answer["code"], answer["field"]) == ("rejected", "not_entitled", "actas")
    assert await all_of(engine, "SELECT id FROM boxes") == []
    assert await all_of(engine, AUDITED) == [("scanner", None, "rejected", "not_entitled", "queue scanner")]


@pytest.mark.parametrize("person", ["*", "", "person 17", "x" * 200])
async def test_everybody_is_no_person(engine: AsyncEngine, person: str) -> None:
    grants = {"scanner": (Grant(frozenset({"*"}), frozenset({BUYER})),)}
    async with calling(app_on(engine, act_as=grants), **bearer("scanner", Role.INTEGRATION)) as scanner:
        answer = await scanner.post("/api/v1/boxes", json=a_box(), headers={ACT_AS: person})

    assert (answer.status_code, problem(answer)["code"]) == (403, "not_entitled")


async def test_a_grant_gives_its_roles_and_no_more(engine: AsyncEngine) -> None:
    (answer,) = await said_by_scanner(engine, from_scanner(opening(), **{"ce-actas": "person-18"}))

    assert (answer["outcome"], answer["code"]) == ("rejected", "not_entitled")
    assert await all_of(engine, AUDITED) == [
        ("person-18", "scanner", "rejected", "not_entitled", "queue scanner")
    ]


async def test_with_the_persons_token_it_acts_as_the_token_says(engine: AsyncEngine) -> None:
    token = a_token("person-20", BUYER)

    (answer,) = await said_by_scanner(engine, from_scanner(opening(), authorization=f"Bearer {token}"))

    assert answer["outcome"] == "accepted"
    assert [row[:2] for row in await all_of(engine, AUDITED)] == [("person-20", "scanner")]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"authorization": "Bearer nonsense"}, "token_invalid"),
        ({"authorization": "Basic c2Nhbm5lcg=="}, "token_invalid"),
        ({"authorization": f"Bearer {a_token('person-20', BUYER, exp=1)}"}, "token_expired"),
        ({"authorization": f"Bearer {a_token('person-20', Role.REQUESTER)}"}, "not_entitled"),
        ({"authorization": f"Bearer {a_token('erp', Role.INTEGRATION)}"}, "token_invalid"),
        ({"authorization": f"Bearer {a_token('person-20', BUYER)}", "ce-actas": "person-17"}, "not_entitled"),
    ],
    ids=["no token", "no bearer", "expired", "lacks the role", "another system's", "another person's"],
)
async def test_a_token_that_does_not_do_is_answered_and_nothing_happens(
    engine: AsyncEngine, headers: Mapping[str, str], code: str
) -> None:
    (answer,) = await said_by_scanner(engine, from_scanner(opening(), **headers))

    assert (answer["outcome"], answer["code"]) == ("rejected", code)
    assert await all_of(engine, "SELECT id FROM boxes") == []
    assert await all_of(engine, "SELECT id FROM chassis.dead_letters") == []


async def test_refused_for_who_asks_it_may_be_said_again_with_better_papers(engine: AsyncEngine) -> None:
    refused = from_scanner(opening(), **{"ce-actas": "person-19"})
    again = from_scanner(
        cast(Command, refused.message), **{"ce-actas": "person-17", "ce-id": refused.headers["ce-id"]}
    )

    await said_by_scanner(engine, refused)
    answers = await said_by_scanner(engine, again)

    assert [answer["outcome"] for answer in answers] == ["rejected", "accepted"]


def the_same(raw: Raw, **headers: str) -> Raw:
    """The message once more, for somebody else or with another token."""
    return from_scanner(cast(Command, raw.message), **{**headers, "ce-id": raw.headers["ce-id"]})


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one after another"])
async def test_a_repeat_with_worse_papers_does_not_make_the_first_one_forgotten(
    engine: AsyncEngine, at_once: bool
) -> None:
    first = from_scanner(opening(), **{"ce-actas": "person-17"})
    stale = the_same(first, authorization=f"Bearer {a_token('person-17', BUYER, exp=1)}")

    for batch in [[first, stale]] if at_once else [[first], [stale]]:
        await said_by_scanner(engine, *batch)
    answers = await said_by_scanner(engine, the_same(first, **{"ce-actas": "person-17"}))

    assert [answer["outcome"] for answer in answers] == ["accepted", "duplicate", "duplicate"]
    assert await all_of(engine, "SELECT outcome FROM chassis.stranger_inbox") == [("accepted",)]
    assert await all_of(engine, "SELECT count(*) FROM boxes") == [(1,)]


async def test_better_papers_in_the_same_batch_are_looked_at(engine: AsyncEngine) -> None:
    refused = from_scanner(opening(), **{"ce-actas": "person-19"})

    answers = await said_by_scanner(engine, refused, the_same(refused, **{"ce-actas": "person-17"}))

    assert [answer["outcome"] for answer in answers] == ["rejected", "accepted"]


async def test_a_letter_whose_person_was_not_found_out_is_not_decided_as_the_systems_own(
    engine: AsyncEngine,
) -> None:
    raw = from_scanner(opening(), authorization="Bearer nonsense")
    raw.exchange = "shop.dead_letters"
    raw.headers["x-death"] = [
        {"queue": "shop.ingress", "exchange": "shop.commands", "routing-keys": [raw.routing_key]}
    ]
    consumer = a_consumer(engine, queue="shop.dead_letters", identity=the_issuer().identity(), act_as=GRANTS)
    await deliver(consumer, raw)
    await handle(consumer)
    ((letter,),) = await all_of(engine, "SELECT id FROM chassis.dead_letters")

    async with engine.begin() as connection:
        assert await replay(connection, letter, actor="person-1")
    await a_sweep(engine).step()

    assert await all_of(engine, "SELECT id FROM boxes") == []
    assert (await all_of(engine, AUDITED))[-1][:4] == ("scanner", None, "rejected", "not_entitled")


async def test_a_broken_message_for_a_person_is_not_replayed_as_the_systems_own(engine: AsyncEngine) -> None:
    await said_by_scanner(engine, from_scanner(opening(), **{"ce-actas": "person-19", "ce-sequence": "none"}))
    ((letter,),) = await all_of(engine, "SELECT id FROM chassis.dead_letters")

    async with engine.begin() as connection:
        assert await replay(connection, letter, actor="person-1")
    await a_sweep(engine).step()

    assert await all_of(engine, "SELECT id FROM boxes") == []


async def test_what_nobody_has_sent_is_not_mended_however_it_is_broken_besides(engine: AsyncEngine) -> None:
    raw = from_scanner(opening())
    mended, raw.body, raw.user_id = raw.body, b" " * 300_000, ""
    await said_by_scanner(engine, raw)
    ((letter,),) = await all_of(engine, "SELECT id FROM chassis.dead_letters")

    with pytest.raises(NotReplayed):
        async with engine.begin() as connection:
            await replay(connection, letter, actor="person-1", body=mended)


async def test_while_the_issuer_is_away_a_token_it_has_not_shown_before_is_refused(
    engine: AsyncEngine,
) -> None:
    issuer = Issuer()
    token = issuer.token("person-20", BUYER)
    issuer.stop()
    bad, good = from_scanner(opening("A"), authorization=f"Bearer {token}"), from_scanner(opening("B"))

    answers = await said_by_scanner(engine, bad, good, identity=issuer.identity())

    assert [(answer["outcome"], answer.get("code")) for answer in answers] == [
        ("rejected", "identity_unavailable"),
        ("accepted", None),
    ]


async def test_who_acted_is_kept_with_what_waits_and_the_token_nowhere(engine: AsyncEngine) -> None:
    token, box = a_token("person-20", BUYER), uuid4()
    consumer = desk(engine)
    await deliver(consumer, from_scanner(CloseBox(box_id=box), authorization=f"Bearer {token}"))
    await deliver(consumer, from_scanner(BreakIn(box_id=uuid4(), how="bug"), authorization=f"Bearer {token}"))
    await handle(consumer)

    kept = await all_of(
        engine,
        "SELECT envelope::text FROM chassis.waiting UNION ALL SELECT envelope::text FROM chassis.dead_letters",
    )
    assert len(kept) == 2
    for (envelope,) in kept:
        assert json.loads(envelope)["envelope"]["actor"] == {
            "id": "person-20",
            "roles": ["procurement_manager"],
            "through": "scanner",
        }
        assert token not in envelope

    decider = Decider(SHOP, engine)
    await said_by_scanner(engine, from_scanner(OpenBox(box_id=box, label="A")))
    await asyncio.gather(a_sweep(engine, decider).step())
    closed = "SELECT actor, through, outcome FROM chassis.audit WHERE type = 'shop.close_box.v1'"
    assert await all_of(engine, closed) == [("person-20", "scanner", "accepted")]


async def test_a_replayed_letter_is_decided_as_who_sent_it(engine: AsyncEngine) -> None:
    raw = from_scanner(BreakIn(box_id=uuid4(), how="bug"), **{"ce-actas": "person-17"})
    await said_by_scanner(engine, raw)
    ((letter,),) = await all_of(engine, "SELECT id FROM chassis.dead_letters")

    async with engine.begin() as connection:
        assert await replay(connection, letter, actor="person-1")
    await a_sweep(engine).step()

    audited = await all_of(engine, "SELECT actor, through, outcome FROM chassis.audit ORDER BY id")
    assert audited == [("person-17", "scanner", "dead")] * 2


# Over HTTP


async def test_over_http_a_system_acts_for_whom_it_was_granted_that(engine: AsyncEngine) -> None:
    async with calling(app_on(engine, act_as=GRANTS), **bearer("scanner", Role.INTEGRATION)) as scanner:
        as_itself = await scanner.post("/api/v1/boxes", json=a_box("A"))
        granted = await scanner.post("/api/v1/boxes", json=a_box("B"), headers={ACT_AS: "person-17"})
        too_little = await scanner.post("/api/v1/boxes", json=a_box("C"), headers={ACT_AS: "person-18"})
        stranger = await scanner.post("/api/v1/boxes", json=a_box("D"), headers={ACT_AS: "person-19"})

    assert [each.status_code for each in (as_itself, granted, too_little, stranger)] == [201, 201, 403, 403]
    assert problem(stranger)["code"] == "not_entitled"
    assert await all_of(engine, "SELECT actor, through, outcome FROM chassis.audit ORDER BY id") == [
        ("scanner", None, "accepted"),
        ("person-17", "scanner", "accepted"),
        ("person-18", "scanner", "rejected"),
        ("scanner", None, "rejected"),
    ]


async def test_a_person_acts_for_nobody_else(engine: AsyncEngine) -> None:
    async with calling(app_on(engine, act_as=GRANTS), **bearer("scanner", BUYER)) as client:
        answer = await client.post("/api/v1/boxes", json=a_box(), headers={ACT_AS: "person-17"})

    assert (answer.status_code, problem(answer)["code"]) == (403, "not_entitled")


async def test_keys_of_two_people_for_whom_one_system_acts_do_not_meet(engine: AsyncEngine) -> None:
    grants = {"scanner": (Grant(frozenset({"*"}), frozenset({BUYER})),)}
    key = {"Idempotency-Key": "monday"}
    async with calling(app_on(engine, act_as=grants), **bearer("scanner", Role.INTEGRATION)) as scanner:
        first = await scanner.post("/api/v1/boxes", json=a_box("A"), headers={**key, ACT_AS: "person-1"})
        other = await scanner.post("/api/v1/boxes", json=a_box("B"), headers={**key, ACT_AS: "person-2"})

    assert (first.status_code, other.status_code) == (201, 201)


async def test_a_systems_own_key_is_never_that_of_a_person_it_acts_for(engine: AsyncEngine) -> None:
    box, acting = a_box("A"), {"Idempotency-Key": "monday", ACT_AS: "person-17"}
    async with calling(app_on(engine, act_as=GRANTS), **bearer("scanner", Role.INTEGRATION)) as scanner:
        await scanner.post("/api/v1/boxes", json=box, headers=acting)
        await scanner.post("/api/v1/boxes", json=box, headers={"Idempotency-Key": "monday:person-17"})

    assert await all_of(engine, "SELECT count(*) FROM chassis.stranger_inbox") == [(2,)]


# What a decision knows


def test_an_actor_acts_for_those_its_grants_name_with_the_roles_of_all_that_fit() -> None:
    everybody = Grant(frozenset({"*"}), frozenset({Role.REQUESTER}))
    system = Actor("scanner", frozenset({Role.INTEGRATION}), grants=(*GRANTS["scanner"], everybody))

    assert system.acting_for("person-17") == Actor("person-17", frozenset({BUYER, Role.REQUESTER}), "scanner")
    assert system.acting_for("person-99") == Actor("person-99", frozenset({Role.REQUESTER}), "scanner")
    assert Actor("scanner", frozenset({Role.INTEGRATION})).acting_for("person-17") is None
