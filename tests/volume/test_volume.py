"""However many requests there are, no question leads to reading all of them."""

from collections.abc import Mapping

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.requests.__main__ import SERVICE
from tests.tokens import bearer
from tests.volume.conftest import RECORDS, AskAndJudge, Filled
from tests.volume.filling import fill
from tests.volume.judging import JUDGED_FROM, Figures, complaints
from tests.volume.plans import Watch
from tests.volume.questions import MANAGER, Question, questions

FILLED = Filled(SERVICE, "requests", fill)


@pytest.mark.parametrize("question", questions(RECORDS), ids=str)
async def test_a_question_is_answered_from_an_index(question: Question, ask_and_judge: AskAndJudge) -> None:
    await ask_and_judge(question)


AWAITED = text("""
    SELECT s.request_id FROM approval_seats s JOIN purchase_requests r ON r.id = s.request_id
    WHERE s.approver = 'role:procurement_manager' AND s.open AND r.status = 'awaiting_approval'
      AND :person NOT IN (r.requester, r.submitted_by, coalesce(r.on_behalf_of, '')) LIMIT 1000
""")


async def test_a_thousand_requests_are_approved_in_one_call(
    client: httpx2.AsyncClient, engine: AsyncEngine, rows: Mapping[str, float], figures: Figures
) -> None:
    async with engine.connect() as connection:
        wanted = (await connection.execute(AWAITED, {"person": MANAGER[0]})).scalars().all()
    decisions = [{"request_id": str(id), "verdict": "approve"} for id in wanted]

    with Watch(engine).watching() as statements:
        answer = await client.post(
            "/approvals/decisions", json={"decisions": decisions}, headers=bearer(*MANAGER)
        )

    assert answer.status_code == 200, answer.text
    ended = answer.json()
    assert len(wanted) == 1000 or (wanted and RECORDS < JUDGED_FROM)
    assert (ended["accepted"], ended["refused"]) == (len(wanted), 0)
    assert [each["request_id"] for each in ended["items"]] == [str(id) for id in wanted]
    assert {(each["status"], each["decided"]["status"]) for each in ended["items"]} == {(201, "approved")}
    figures.note("1,000 approvals", "a thousand", "/approvals/decisions", statements)
    assert complaints("1,000 approvals", "a thousand", statements, rows, RECORDS) == []
