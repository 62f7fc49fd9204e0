"""The laws of the business, checked from outside: only what the services' public API shows is looked at.

A law takes the evidence and gives the violations it finds, as sentences with the numbers that disagree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from deploy.demo.api import Api, each_of
from libs.contracts.values import asset_id_of, line_total

Seen = Mapping[str, Any]


@dataclass(frozen=True)
class Lists:
    """What the services show of some requests at a glance; `requests` in full detail.

    `verifications` are what the services find when they derive all their totals again, not only of these.
    """

    requests: Sequence[Seen]
    orders: Sequence[Seen]
    expected: Sequence[Seen]
    receipts: Sequence[Seen]
    lines: Sequence[Seen]
    assets: Sequence[Seen]
    balances: Sequence[Seen]
    verifications: Mapping[str, Seen]


@dataclass(frozen=True)
class Evidence(Lists):
    """The same with orders and receipts in full detail; `trails` are those of one asset per request.

    `invoiced` is what each order's invoices come to, with these.
    """

    trails: Sequence[Seen]
    invoiced: Sequence[Seen]


async def look(api: Api, request_ids: Iterable[str]) -> Lists:
    """Ask the services for all that concerns these requests."""
    wanted = set(request_ids)

    async def ours(service: str, path: str) -> list[Seen]:
        return [item for item in await api.all(service, path) if item["request_id"] in wanted]

    return Lists(
        requests=await each_of(sorted(wanted), lambda each: api.get("requests", f"/requests/{each}")),
        orders=await ours("purchasing", "/orders"),
        expected=await ours("receiving", "/expected-orders"),
        receipts=await ours("receiving", "/receipts"),
        lines=await ours("assets", "/order-lines"),
        assets=await ours("assets", "/assets"),
        balances=await api.all("assets", "/balances"),
        verifications={
            "purchasing orders": await api.get("purchasing", "/orders/verification"),
            "assets order lines": await api.get("assets", "/order-lines/verification"),
            "assets balances": await api.get("assets", "/balances/verification"),
        },
    )


async def in_detail(api: Api, lists: Lists) -> Evidence:
    """Ask for what the lists leave out."""

    async def whole(request: Mapping[str, Any]) -> dict[str, Any]:
        units = await api.all("requests", f"/requests/{request['request_id']}/units")
        return {**request, "units": units}

    one_of_each_request = {asset["request_id"]: asset for asset in lists.assets}.values()
    detailed = {
        "requests": await each_of(lists.requests, whole),
        "orders": await each_of(
            lists.orders, lambda each: api.get("purchasing", f"/orders/{each['order_id']}")
        ),
        "receipts": await each_of(
            lists.receipts, lambda each: api.get("receiving", f"/receipts/{each['receipt_id']}")
        ),
        "invoiced": await each_of(
            lists.orders, lambda each: api.get("purchasing", f"/orders/{each['order_id']}/invoices")
        ),
        "trails": await each_of(
            one_of_each_request, lambda each: api.get("assets", f"/assets/{each['asset_id']}")
        ),
    }
    return Evidence(**{**vars(lists), **detailed})


def every_request_is_fulfilled(seen: Evidence) -> list[str]:
    """Everything requested is in the hands of whom it was for."""
    found = [
        f"{request['number']} is {request['status']}"
        for request in seen.requests
        if request["status"] != "fulfilled"
    ]
    for request in seen.requests:
        person = request["on_behalf_of"] or request["requester"]
        units = [asset for asset in seen.assets if asset["request_id"] == request["request_id"]]
        wanted = sum(line["quantity"] for line in request["lines"])
        held = sum(asset["status"] == "assigned" and asset["custodian"] == person for asset in units)
        if held != wanted:
            found.append(f"{request['number']}: {wanted} units wanted, {held} in the hands of {person}")
    return found


def law_1_counts_agree(seen: Evidence) -> list[str]:
    """Per order line the figures follow from the receipts, and all services have the same ones."""
    accepted: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for receipt in seen.receipts:
        for line in receipt["lines"]:
            accepted[line["order_line_id"]] += line["accepted"]
            rejected[line["order_line_id"]] += line["rejected"]
    expected = {line["order_line_id"]: line for order in seen.expected for line in order["lines"]}
    in_assets = {line["order_line_id"]: line for line in seen.lines}
    found = []
    for order in seen.orders:
        for line in order["lines"]:
            line_id = line["order_line_id"]
            name = f"{order['requisition_number']} line {line['position']}"
            derived = {
                "accepted": accepted[line_id],
                "rejected": rejected[line_id],
                "open": max(0, line["ordered"] - line["cancelled"] - line["kept"]),
                "over": max(0, line["kept"] + line["cancelled"] - line["ordered"]),
            }
            found += _differences(f"{name} in purchasing", line, derived)
            for service, copy, figures in (
                (
                    "receiving",
                    expected.get(line_id),
                    ("ordered", "cancelled", "accepted", "rejected", "open"),
                ),
                ("assets", in_assets.get(line_id), ("ordered", "cancelled", "kept", "open")),
            ):
                if copy is None:
                    found.append(f"{name} is unknown to {service}")
                else:
                    found += _differences(
                        f"{name} in {service}", copy, {each: line[each] for each in figures}
                    )
    return found


def law_1_statuses_follow(seen: Evidence) -> list[str]:
    """The status of a document is a function of its lines' numbers."""
    found = [
        f"{order['requisition_number']} has nothing open and is {order['status']}"
        for order in seen.orders
        if not any(line["open"] for line in order["lines"])
        and order["status"] not in ("received", "closed", "cancelled")
    ]
    for request in seen.requests:
        done = all(line["done"] for line in request["lines"])
        if done != (request["status"] == "fulfilled"):
            found.append(f"{request['number']} is {request['status']}, all lines done: {done}")
    return found + _unverified(seen, "purchasing orders")


def law_2_trails_are_unbroken(seen: Evidence) -> list[str]:
    """Steps and inventory transactions are only ever added: none is missing and none is there twice."""
    found = []
    for request in seen.requests:
        numbers = [step["number"] for step in request["steps"]]
        if numbers != list(range(1, len(numbers) + 1)):
            found.append(f"{request['number']}: its steps are numbered {numbers}")
    for asset in seen.trails:
        changes = [move["change"] for move in asset["transactions"]]
        if asset["status"] == "assigned" and changes != [1, -1]:
            found.append(f"{asset['tag']} was moved into and out of spaces by {changes}")
    return found


def law_3_units_are_accounted_for(seen: Evidence) -> list[str]:
    """Templates are what is open, received units what was kept; each has one receipt and request line."""
    by_line: dict[str, list[Seen]] = defaultdict(list)
    for asset in seen.assets:
        by_line[asset["order_line_id"]].append(asset)
    receipt_line_of = {
        unit["asset_id"]: (line["receipt_line_id"], line["order_line_id"], unit["serial"])
        for receipt in seen.receipts
        for line in receipt["lines"]
        for unit in line["units"]
    }
    request_lines = {line["request_line_id"] for request in seen.requests for line in request["lines"]}
    found = []
    for line in seen.lines:
        name = f"{line['requisition_number']} {line['sku']}"
        units = by_line[line["order_line_id"]]
        templates = sum(unit["status"] in ("on_order", "in_transit") for unit in units)
        received = sum(unit["receipt_line_id"] is not None for unit in units)
        if (templates, received) != (line["open"], line["kept"]):
            found.append(
                f"{name}: {line['open']} open and {line['kept']} kept,"
                f" but {templates} templates and {received} received units"
            )
    for asset in seen.assets:
        told = (asset["receipt_line_id"], asset["order_line_id"], asset["serial"])
        if asset["receipt_line_id"] is not None and receipt_line_of.get(asset["asset_id"]) != told:
            found.append(f"{asset['tag']} says {told}, its receipt {receipt_line_of.get(asset['asset_id'])}")
        if asset["request_line_id"] not in request_lines:
            found.append(f"{asset['tag']} was bought for no request line")
        if asset["asset_id"] != str(asset_id_of(asset["order_line_id"], asset["unit_number"])):
            found.append(f"{asset['tag']} has another id than its template had")
    return found + _unverified(seen, "assets order lines")


def law_3_serials_and_tags_are_unique(seen: Evidence) -> list[str]:
    """A serial is unique per item, a tag altogether."""
    serials = Counter((asset["sku"], asset["serial"]) for asset in seen.assets if asset["serial"])
    tags = Counter(asset["tag"] for asset in seen.assets)
    return [f"{what} stands on {times} assets" for what, times in (serials + tags).items() if times > 1]


def law_4_balances_add_up(seen: Evidence) -> list[str]:
    """Balances over storage spaces are the sum of the movements, and nothing is negative."""
    found = [
        f"{balance['quantity']} of {balance['sku']} in {balance['location']}/{balance['storage_space']}"
        for balance in seen.balances
        if balance["quantity"] < 0
    ]
    return found + _unverified(seen, "assets balances")


def law_6_money_is_exact(seen: Evidence) -> list[str]:
    """Lines are rounded half up to the minor unit, totals are their sums, orders cost what was approved."""
    ordered: dict[str, Decimal] = defaultdict(Decimal)
    found = []
    for kind, documents, number, quantity in (
        ("order", seen.orders, "requisition_number", "ordered"),
        ("request", seen.requests, "number", "quantity"),
    ):
        for document in documents:
            currency = document["total"]["currency"]
            total = Decimal(0)
            for line in document["lines"]:
                exact = line_total(Decimal(line["unit_price"]), line[quantity], currency)
                total += exact
                if Decimal(line["line_total"]["amount"]) != exact:
                    found.append(f"{document[number]}: {line['line_total']['amount']} on a line, not {exact}")
            if Decimal(document["total"]["amount"]) != total:
                found.append(f"{document[number]}: {document['total']['amount']} in total, not {total}")
            if kind == "order":
                ordered[document["request_id"]] += total
    for request in seen.requests:
        approved, spent = Decimal(request["total"]["amount"]), ordered[request["request_id"]]
        if approved != spent:
            found.append(f"{request['number']}: {approved} approved, {spent} ordered")
    return found


def law_6_invoices_add_up(seen: Evidence) -> list[str]:
    """An order's invoices come to what is shown of it, and it is closed once all it brought is invoiced."""
    found = []
    for order in seen.invoiced:
        number = order["requisition_number"]
        total = sum((Decimal(invoice["net"]["amount"]) for invoice in order["invoices"]), Decimal(0))
        shown, expected = (Decimal(order[each]["amount"]) for each in ("invoiced_net", "expected_net"))
        if total != shown:
            found.append(f"{number}: invoices of {total}, {shown} shown")
        if Decimal(order["difference_net"]["amount"]) != shown - expected:
            found.append(
                f"{number}: {shown} invoiced, {expected} expected, a difference of {order['difference_net']}"
            )
        whole = all(line["invoiced"] >= line["kept"] for line in order["lines"])
        if (order["status"] == "closed") != whole:
            found.append(f"{number} is {order['status']}, all of it invoiced: {whole}")
    return found


def law_7_facts_reached_everybody(seen: Evidence) -> list[str]:
    """No state without its fact: what one service did, the others have heard and counted."""
    handed_over = {
        asset["asset_id"]: asset["serial"] for asset in seen.assets if asset["handover_id"] is not None
    }
    known = {
        unit["unit_id"]: unit["serial"]
        for request in seen.requests
        for unit in request["units"]
        if unit["status"] == "assigned"
    }
    found = [f"asset {each} was handed over, requests has not heard" for each in handed_over.keys() - known]
    found += [f"requests says {each} was assigned, assets does not" for each in known.keys() - handed_over]
    orders = {order["order_id"] for order in seen.orders}
    found += [
        f"receipt {each['receipt_number']} is for no order"
        for each in seen.receipts
        if each["order_id"] not in orders
    ]
    found += [
        f"{request['number']} has {request['refusals']} refusals and {request['overdue']} missed deadlines"
        for request in seen.requests
        if request["refusals"] or request["overdue"]
    ]
    return found


LAWS: Sequence[Callable[[Evidence], list[str]]] = (
    every_request_is_fulfilled,
    law_1_counts_agree,
    law_1_statuses_follow,
    law_2_trails_are_unbroken,
    law_3_units_are_accounted_for,
    law_3_serials_and_tags_are_unique,
    law_4_balances_add_up,
    law_6_money_is_exact,
    law_6_invoices_add_up,
    law_7_facts_reached_everybody,
)


def sentence_of(law: Callable[..., Any]) -> str:
    """What a law says."""
    return (law.__doc__ or "").strip().splitlines()[0]


def _differences(name: str, seen: Seen, derived: Mapping[str, int]) -> list[str]:
    return [
        f"{name}: {figure} is {seen[figure]}, should be {value}"
        for figure, value in derived.items()
        if seen[figure] != value
    ]


def _unverified(seen: Evidence, what: str) -> list[str]:
    return [f"{what}: {difference}" for difference in seen.verifications[what]["differences"]]
