"""The dock loses its database: it asks for what is open, and goes on taking deliveries."""

import json
from pathlib import Path

from deploy.local.servers import Servers
from libs.contracts.receiving import RecordReceipt
from tests.journeys.system import System, a_delivery, a_receipt, serials, the_system


async def rebuilt(system: System) -> None:
    """Receiving ends, its database is made anew, and it starts."""
    service = "receiving"
    await system.supervisor.processes[service].kill()
    async with system.database(service) as database:
        await database.execute(
            "DROP SCHEMA public CASCADE; DROP SCHEMA chassis CASCADE; CREATE SCHEMA public"
        )
    url = system.supervisor.urls[service]
    system.supervisor.start_one(
        service, extra={"QUARTERMASTER_HTTP_PORT": url.rpartition(":")[2]}, migrate=True
    )
    system.supervisor.urls[service] = url
    await system.supervisor.wait_ready(service)


async def test_a_dock_with_a_new_database_takes_what_is_still_to_come_of_older_orders(
    servers: Servers, tmp_path: Path
) -> None:
    async with the_system(servers, tmp_path) as system:
        request, (order,) = await system.submit_ordered(("PSU-65W", 3))
        first = a_delivery(order, (order["lines"][0], serials(1)))
        # Which of the units is here, nobody will tell the new dock.
        first["lines"][0]["units"][0]["asset_id"] = order["lines"][0]["open_units"][-1]["asset_id"]
        await system.take(RecordReceipt.model_validate_json(json.dumps(first)))
        await system.eventually(
            lambda: system.api.get("purchasing", f"/orders/{order['order_id']}"),
            lambda seen: seen["status"] == "partially_received",
        )

        await rebuilt(system)

        async def known() -> list[str]:
            orders = await system.api.all("receiving", "/expected-orders")
            places = await system.api.all("receiving", "/places")
            return [each["order_id"] for each in orders] if places else []

        assert await system.eventually(known) == [order["order_id"]]
        (line,) = (await system.expected_order(order["order_id"]))["lines"]
        assert (line["ordered"], line["accepted"], line["open"]) == (3, 1, 2)
        too_much = await system.erp.ask(a_receipt(order, (line, serials(3))), "three-more")
        assert (too_much["outcome"], too_much["code"]) == ("rejected", "receipt_exceeds_open")

        await system.take(a_receipt(order, (line, serials(2))))

        await system.reaches(request["request_id"], "fulfilled")
        assets = await system.assets_of(request["request_id"])
        assert [each["status"] for each in assets] == ["assigned"] * 3
        assert len({each["serial"] for each in assets}) == 3
        bought = await system.api.get("purchasing", f"/orders/{order['order_id']}")
        assert (bought["status"], bought["lines"][0]["accepted"]) == ("received", 3)
        assert system.complaints() == []
