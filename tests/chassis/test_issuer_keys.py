"""What the issuer's keys cost those who wait for them, and which of them count."""

import asyncio

from libs.chassis.issuer_keys import IssuerKeys
from tests.chassis.test_identity import issuer, refusal_of
from tests.tokens import Issuer, a_key

__all__ = ["issuer"]


async def test_a_slow_issuer_holds_up_only_who_asks_first(issuer: Issuer) -> None:
    issuer.changed = issuer.slowly
    identity = issuer.identity(keys=IssuerKeys(issuer.url, fetch_seconds_max=0.5))
    await refusal_of(identity, issuer.token("person-1"))
    asked, began = issuer.asked.total(), asyncio.get_running_loop().time()
    await asyncio.sleep(0.1)

    refusals = [await refusal_of(identity, issuer.token(f"person-{n}")) for n in range(2, 5)]

    assert {refusal.code for refusal in refusals} == {"identity_unavailable"}
    assert issuer.asked.total() == asked
    assert asyncio.get_running_loop().time() - began < 0.5
    issuer.changed = lambda _, usual: usual


async def test_a_key_for_secrets_does_not_hide_one_for_signatures_of_the_same_name(issuer: Issuer) -> None:
    secret = {**a_key("first").as_dict(private=False), "use": "enc"}
    issuer.changed = lambda path, usual: {"keys": [*usual["keys"], secret]} if path == "/keys" else usual

    assert (await issuer.identity().actor(issuer.token())).id == "person-17"
