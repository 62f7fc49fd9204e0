"""Scan sessions: begun, confirmed or abandoned; whatever phones send in whatever order, they come to the same."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.receiving import Condition
from libs.contracts.scanning import (
    AbandonScanSession,
    ConfirmScanSession,
    RecordScans,
    Scan,
    ScanAndReceive,
    ScanSessionEnded,
    ScansNotReceived,
    Verdict,
)
from services.receiving import scan_session
from services.receiving.expectation import ExpectedLine
from services.receiving.receipt import Receipt, ReceiptUnit
from services.receiving.scan_receipt import AskedStatus, ScanReceipt
from services.receiving.scan_session import ScanSession, SessionStatus
from services.receiving.taken_scan import TakenScan
from tests.builders_dock import LINE, ORDER, SITE, SPACE, House, a_delivery, a_unit, content
from tests.builders_scanning import (
    CABLE,
    CABLE_BOX,
    CABLES,
    GTIN,
    OTHER_LINE,
    OTHER_ORDER,
    SESSION,
    a_dock,
    a_scan,
    a_shipment,
    findings,
    in_turn,
    received,
    scans_of,
    the_shipment,
)

CONFIRM = ConfirmScanSession(session_id=SESSION)


def ended(house: House) -> ScanSessionEnded:
    (said,) = [message for message in house.said if isinstance(message, ScanSessionEnded)]
    return said


def test_a_manifest_of_1000_with_20_faults_has_all_of_them_found_and_nothing_else() -> None:
    """Four each: unexpected, duplicate, of another order, missing, damaged."""
    announced = [f"S-{number:04d}" for number in range(1000)]
    house = a_dock(1000, others=4)
    house.hear(
        a_shipment(*announced),
        a_shipment(*(f"O-{at}" for at in range(4)), number="DN-2", order_id=OTHER_ORDER, line=OTHER_LINE),
    )
    missing, damaged = set(announced[100:104]), set(announced[200:204])
    scans = [
        a_scan(serial, at, condition=Condition.DAMAGED if serial in damaged else Condition.NEW)
        for at, serial in enumerate(announced)
        if serial not in missing
    ]
    unexpected = [a_scan(f"(01){GTIN}(21)X-{at}", 2000 + at) for at in range(4)]
    twice = [a_scan(f"(01){GTIN}(21){serial}", 3000) for serial in announced[300:304]]
    of_other = [a_scan(f"O-{at}", 4000 + at) for at in range(4)]

    house.hear(*in_turn([*unexpected, *twice, *of_other, *scans], shipment_id=the_shipment(house)))
    house.hear(CONFIRM)

    found = findings(house)
    assert {found[scan.scan_id].verdict for scan in unexpected} == {Verdict.UNEXPECTED}
    assert {found[scan.scan_id].verdict for scan in twice} == {Verdict.DUPLICATE}
    assert {found[scan.scan_id].verdict for scan in of_other} == {Verdict.WRONG_ORDER}
    assert {found[scan.scan_id].verdict for scan in scans} == {Verdict.VERIFIED}
    assert {each.serial for each in found.values() if each.condition is Condition.DAMAGED} == damaged
    (session,) = house.all(ScanSession)
    assert set(session.missing) == missing
    assert ended(house).scans == {
        Verdict.VERIFIED: 996,
        Verdict.UNEXPECTED: 4,
        Verdict.DUPLICATE: 4,
        Verdict.WRONG_ORDER: 4,
    }
    assert [each.verdict for each in received(house)] == ["accepted", "accepted"]
    assert {unit.serial for unit in house.all(ReceiptUnit)} == set(announced) - missing
    assert {unit.serial for unit in house.all(ReceiptUnit, condition=Condition.DAMAGED)} == damaged


BOX = [f"S-{number}" for number in range(6)]


def queue(phone: int, serials: list[str]) -> list[Scan]:
    return [a_scan(serial, 10 * at + phone, phone=phone) for at, serial in enumerate(serials)]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_two_phones_with_overlapping_boxes_end_the_same_whatever_way_their_scans_come(
    data: st.DataObject,
) -> None:
    """Also where a phone is killed while it sends, and sends all of it again later."""
    queues = {1: queue(1, BOX[:4]), 2: queue(2, BOX[2:])}
    whole = [scan for scans in queues.values() for scan in scans]
    order = data.draw(st.permutations([*whole, *data.draw(st.lists(st.sampled_from(whole), max_size=6))]))
    killed_after = data.draw(st.integers(0, len(order)))
    sizes = data.draw(st.integers(1, 4))
    straight, house = a_dock(6), a_dock(6)
    for each in (straight, house):
        each.hear(a_shipment(*BOX))
    straight.hear(*in_turn(whole))

    house.hear(*in_turn(order[:killed_after], sizes), *in_turn(queues[2], sizes), *in_turn(order, sizes))

    assert findings(house) == findings(straight)
    assert content(house.all(TakenScan)) == content(straight.all(TakenScan))
    (session,), (as_straight,) = house.all(ScanSession), straight.all(ScanSession)
    assert (session.scans, session.units) == (as_straight.scans, as_straight.units) == (8, 6)
    assert Counter(each.verdict for each in findings(house).values()) == {
        Verdict.VERIFIED: 6,
        Verdict.DUPLICATE: 2,
    }
    house.hear(CONFIRM)
    assert [each.verdict for each in received(house)] == ["accepted"]
    assert sorted(unit.serial for unit in house.all(ReceiptUnit)) == BOX


def test_of_a_unit_that_was_scanned_twice_the_earliest_scan_counts_though_it_came_last() -> None:
    house = a_dock()
    early, late = a_scan("S-1", 1, condition=Condition.DAMAGED), a_scan("S-1", 2)

    house.hear(scans_of(late), scans_of(early))

    assert findings(house)[late.scan_id].same_as == early.scan_id
    assert findings(house)[early.scan_id].condition is Condition.DAMAGED


def test_the_answer_has_a_verdict_for_each_scan_and_is_the_same_when_they_are_sent_again() -> None:
    house = a_dock()
    house.hear(a_shipment("S-1"))
    scans = scans_of(a_scan("S-1", 1), a_scan("S-1", 2), a_scan("PR-000002", 3))

    first = house.hear(scans)
    again = house.hear(scans)

    told = first.decision.answer["scans"]
    assert isinstance(told, list)
    assert [each["verdict"] for each in told] == ["verified", "duplicate", "wrong_order"]
    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)


def test_a_scan_id_stands_for_one_scan() -> None:
    house = a_dock()
    house.hear(scans_of(a_scan("S-1")))

    other = a_scan("S-1").model_copy(update={"code": "S-2"})

    assert house.hear(scans_of(other)).code == "scan_id_reused"
    assert house.hear(scans_of(a_scan("S-1"), session_id=UUID(int=7))).code == "scan_id_reused"


def test_a_session_is_of_one_order_and_one_shipment() -> None:
    house = a_dock()
    house.hear(a_shipment("S-1"), scans_of(a_scan("S-1")))

    assert house.hear(scans_of(a_scan("S-2"), order_id=OTHER_ORDER)).code == "scan_session_differs"
    assert house.hear(scans_of(a_scan("S-2"), shipment_id=the_shipment(house))).code == "scan_session_differs"
    unknown = RecordScans(session_id=SESSION, requisition_number="PR-9", scans=(a_scan("S-2"),))
    assert house.give_up(unknown).code == "order_unknown"


def test_scans_are_put_where_goods_can_be_put() -> None:
    house = a_dock()

    assert house.hear(scans_of(a_scan("S-1", location="NOWHERE"))).code == "location_unknown"
    assert house.hear(scans_of(a_scan("S-1", storage_space="Z-99"))).code == "storage_space_unknown"


def test_a_session_takes_so_many_units_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_session, "SESSION_UNITS_MAX", 2)
    house = a_dock()
    house.hear(scans_of(a_scan("S-1", 1), a_scan("S-2", 2)))

    again = house.hear(scans_of(a_scan("S-1", 3)))

    assert (again.verdict, house.hear(scans_of(a_scan("S-3"))).code) == ("accepted", "scan_session_full")


def test_what_is_confirmed_is_received_and_what_is_not_expected_is_not() -> None:
    house = a_dock(2)
    house.hear(
        scans_of(
            a_scan("S-1", 1),
            a_scan("S-2", 2, rejection_reason="wet"),
            a_scan("PR-000002", 3),
            a_scan(CABLE_BOX, 4),
            a_scan(CABLE, 5, quantity=2, storage_space="A-02"),
            a_scan(CABLE, 6, quantity=1, rejection_reason="torn"),
            a_scan("nobody knows", 7),
        )
    )

    confirmed = house.hear(CONFIRM)

    assert confirmed.decision.answer["receipts"] == 1
    assert [each.verdict for each in received(house)] == ["accepted"]
    lines = {line.id: (line.accepted, line.rejected) for line in house.all(ExpectedLine)}
    assert (lines[LINE], lines[CABLES]) == ((1, 1), (12, 1))
    (receipt,) = house.all(Receipt)
    (asked,) = house.all(ScanReceipt)
    assert (asked.status, asked.receipt_id) == (AskedStatus.RECORDED, receipt.id)


def test_the_receipt_is_of_the_person_who_confirmed() -> None:
    house = a_dock()
    house.hear(scans_of(a_scan("S-1")))

    house.hear(CONFIRM, sender="person-17")

    received(house)
    assert [receipt.received_by for receipt in house.all(Receipt)] == ["person-17"]


def test_a_unit_without_a_serial_number_is_told_and_not_received() -> None:
    house = a_dock()
    house.hear(scans_of(a_scan(GTIN, 1), a_scan("S-1", 2)))

    answer = house.hear(CONFIRM).decision.answer

    assert (answer["without_serial"], answer["receipts"]) == (1, 1)


def test_things_are_where_the_scan_says_or_the_confirmation_or_where_the_shipment_was_to_go() -> None:
    house = a_dock()
    nowhere = a_scan("S-1", location=None, storage_space=None)
    house.hear(scans_of(nowhere))

    assert house.hear(CONFIRM).code == "place_missing"
    said = CONFIRM.model_copy(update={"location": SITE, "storage_space": "A-02"})
    assert house.hear(said).verdict == "accepted"
    received(house)
    assert [unit.storage_space for unit in house.all(ReceiptUnit)] == ["A-02"]

    shipped = a_dock()
    shipped.hear(a_shipment("S-1"))
    shipped.hear(scans_of(nowhere, shipment_id=the_shipment(shipped)), CONFIRM)
    received(shipped)
    assert [unit.storage_space for unit in shipped.all(ReceiptUnit)] == [SPACE]


def test_what_came_by_another_way_meanwhile_is_not_received_twice() -> None:
    house = a_dock()
    house.hear(scans_of(a_scan("S-1", 1), a_scan("S-2", 2)), a_delivery(a_unit("S-1")))

    answer = house.hear(CONFIRM).decision.answer

    assert answer["verdicts"] == {"already_received": 1, "expected": 1}


def test_what_is_refused_after_all_is_told_and_not_lost() -> None:
    house = a_dock()
    house.hear(scans_of(a_scan("S-1")), CONFIRM, a_delivery(a_unit("S-1")))

    received(house)

    (said,) = [message for message in house.said if isinstance(message, ScansNotReceived)]
    (asked,) = house.all(ScanReceipt)
    assert (said.code, said.units, asked.status, asked.code) == ("serial_taken", 1, "refused", "serial_taken")


def test_a_session_ends_once() -> None:
    house = a_dock()
    house.hear(scans_of(a_scan("S-1")))

    confirmed = house.hear(CONFIRM)

    again = house.hear(CONFIRM)
    assert (again.verdict, again.decision.answer) == ("duplicate", confirmed.decision.answer)
    assert house.hear(AbandonScanSession(session_id=SESSION)).code == "scan_session_ended"
    assert house.hear(scans_of(a_scan("S-2"))).code == "scan_session_ended"
    assert house.hear(scans_of(a_scan("S-1"))).verdict == "duplicate"


def test_an_abandoned_session_receives_nothing_and_keeps_what_was_scanned() -> None:
    house = a_dock()
    house.hear(scans_of(a_scan("S-1")), AbandonScanSession(session_id=SESSION))

    assert not ended(house).confirmed
    assert (received(house), len(house.all(TakenScan))) == ([], 1)
    assert house.hear(AbandonScanSession(session_id=SESSION)).verdict == "duplicate"
    assert house.hear(CONFIRM).code == "scan_session_ended"
    (session,) = house.all(ScanSession)
    assert session.status is SessionStatus.ABANDONED


def test_nobody_ends_a_session_that_never_began() -> None:
    house = a_dock()

    assert house.hear(CONFIRM).verdict == "waiting"
    assert house.give_up(CONFIRM).code == "scan_session_unknown"
    assert house.give_up(AbandonScanSession(session_id=SESSION)).code == "scan_session_unknown"


def test_one_thing_is_scanned_and_received_at_once_and_once() -> None:
    house = a_dock()
    scan = ScanAndReceive(order_id=ORDER, scan=a_scan("S-1"))

    taken = house.hear(scan)
    again = house.hear(scan)

    assert [each.verdict for each in received(house)] == ["accepted"]
    assert (again.verdict, again.decision.answer) == ("duplicate", taken.decision.answer)
    other = ScanAndReceive(order_id=ORDER, scan=a_scan("S-1", 9))
    assert house.hear(other).code == "scan_not_receivable"
    assert [unit.serial for unit in house.all(ReceiptUnit)] == ["S-1"]


def test_what_is_not_expected_or_has_no_serial_number_is_not_received_at_once() -> None:
    house = a_dock()
    house.hear(a_shipment("O-1", order_id=OTHER_ORDER, line=OTHER_LINE))

    for code in ("O-1", GTIN, "PO-1", "nobody knows"):
        assert house.hear(ScanAndReceive(order_id=ORDER, scan=a_scan(code))).code == "scan_not_receivable"
    assert house.all(TakenScan) == []


def test_more_units_than_fit_a_message_are_received_in_parts() -> None:
    house = a_dock(1200)
    house.hear(*in_turn([a_scan(f"S-{at}", at) for at in range(1200)]))

    answer = house.hear(CONFIRM).decision.answer

    assert answer["receipts"] == 3
    assert {each.verdict for each in received(house)} == {"accepted"}
    assert len(house.all(ReceiptUnit)) == 1200
