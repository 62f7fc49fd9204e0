"""However many orders there are, no question leads to reading all of them."""

from collections.abc import Mapping

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.purchasing.__main__ import SERVICE
from tests.tokens import bearer
from tests.volume.conftest import RECORDS, Filled
from tests.volume.filling_orders import fill_orders
from tests.volume.judging import Figures, complaints
from tests.volume.plans import Watch
from tests.volume.questions import Question
from tests.volume.questions_orders import questions

FILLED = Filled(SERVICE, "orders", fill_orders)


@pytest.mark.parametrize("question", questions(RECORDS), ids=str)
async def test_a_question_about_orders_is_answered_from_an_index(
    question: Question,
    client: httpx2.AsyncClient,
    engine: AsyncEngine,
    rows: Mapping[str, float],
    figures: Figures,
) -> None:
    with Watch(engine).watching() as statements:
        answer = await client.get(question.path, params=dict(question.wanted), headers=bearer(*question.who))

    assert answer.status_code in (200, 404), answer.text
    assert statements
    figures.note(str(question), question.kind, question.path, statements)
    assert complaints(str(question), question.kind, statements, rows, RECORDS) == []
