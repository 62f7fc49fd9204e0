"""Which of an order line's units are to come, found anew from all that are not here."""

from collections.abc import Sequence
from dataclasses import replace

from libs.chassis.decision import Decision, Record, Records
from libs.contracts.units import to_come
from services.assets.asset import (
    GONE,
    TEMPLATES,
    Asset,
    Status,
    templates_cancelled,
    templates_created,
)
from services.assets.ordered_line import OrderedLine


def templates_stand(
    line: OrderedLine, held: Records, *, made: Sequence[Asset] = (), came_back: Sequence[Asset] = ()
) -> Decision:
    """On order, or in transit, are the units to come, at the line's price; the others are not.

    `made` have got their number and tag just now, whether they are to come or not; `came_back` were here until now.
    """
    known = {
        asset.id: asset
        for status in (*TEMPLATES, *GONE)
        for asset in held.all(Asset, order_line_id=line.id, status=status)
    }
    before = {asset.id: asset.status for asset in (*known.values(), *made)}
    known |= {asset.id: asset for asset in (*made, *came_back)}
    given_back = {asset.unit_number for asset in known.values() if asset.given_back}
    missing = {asset.unit_number for asset in known.values()}
    coming = (
        to_come(line.pool, line.units_made, missing, line.open, given_back)
        if line.has_templates
        else frozenset()
    )
    in_transit = set(sorted(coming)[: line.on_way])
    save: list[Record] = []
    revived: list[Asset] = []
    dropped: list[Asset] = []
    for asset in sorted(known.values(), key=lambda each: each.unit_number):
        now = asset
        if asset.unit_number in coming:
            status = Status.IN_TRANSIT if asset.unit_number in in_transit else Status.ON_ORDER
            now = replace(asset, cost=line.unit_price)
            now = now if asset.status is status else now.become(status)
        elif asset.status in TEMPLATES:
            now = asset.become(Status.CANCELLED)
        if asset.id in before and before[asset.id] in GONE and now.status in TEMPLATES:
            revived.append(now)
        if before.get(asset.id) in TEMPLATES and now.status not in TEMPLATES:
            dropped.append(now)
        if now != asset or asset.version == 0 or asset.id not in before:
            save.append(now)
    created = sorted((*made, *revived), key=lambda each: each.unit_number)
    return Decision(
        save=save, publish=[*templates_created(line, created), *templates_cancelled(line, dropped)]
    )
