"""What people take back: receipts that were a mistake, goods for the vendor; and what they say they have."""

from libs.chassis.decision import Actor
from libs.contracts import assets, receiving
from services.assets.handover import Handover
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from services.receiving.receipt import Receipt
from tests.properties.company import Company
from tests.properties.opening import ADMINISTRATOR, PEOPLE, WORKS_AS, pick, say


def reverse(company: Company, a: int, b: int) -> None:
    """A receipt was a mistake."""
    if (receipt := pick(company.receiving.every(Receipt), a)) is not None:
        say(company, receiving.ReverseReceipt(receipt_id=receipt.id, reason="mistaken"), ADMINISTRATOR, b)


def give_back(company: Company, a: int, b: int) -> None:
    """A unit goes back to its vendor, for replacement or for credit."""
    here = company.receiving.every(ExpectedUnit, status=UnitStatus.RECEIVED)
    if (unit := pick(here, a)) is None:
        return
    line = receiving.LineToReturn(order_line_id=unit.order_line_id, asset_ids=(unit.id,))
    expected = company.receiving.one(ExpectedLine, unit.order_line_id)
    if expected is not None:
        command = receiving.ReturnGoods(
            order_id=expected.order_id,
            purpose="credit" if b % 2 else "replacement",
            reason="scratched",
            lines=(line,),
        )
        say(company, command, ADMINISTRATOR, b // 2)


def acknowledge(company: Company, a: int, b: int) -> None:
    """Somebody has what was handed over to them, or to another."""
    if (given := pick(company.assets.every(Handover), a)) is not None:
        person = given.holder if b % 8 else PEOPLE[0]
        actor = Actor(person, WORKS_AS.get(person, frozenset()))
        say(company, assets.AcknowledgeHandover(handover_id=given.id), actor, b // 8)
