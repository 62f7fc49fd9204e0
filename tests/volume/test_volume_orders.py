"""However many orders there are, no question leads to reading all of them."""

import pytest

from services.purchasing.__main__ import SERVICE
from tests.volume.conftest import RECORDS, AskAndJudge, Filled
from tests.volume.filling_orders import fill_orders
from tests.volume.questions import Question
from tests.volume.questions_orders import questions

FILLED = Filled(SERVICE, "orders", fill_orders)


@pytest.mark.parametrize("question", questions(RECORDS), ids=str)
async def test_a_question_about_orders_is_answered_from_an_index(
    question: Question, ask_and_judge: AskAndJudge
) -> None:
    await ask_and_judge(question)
