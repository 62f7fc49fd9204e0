"""Files of vendors, items and offers: uploaded, watched, cut off and gone on with, exported and imported again."""

import asyncio
import csv
import io
import json
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.builders_catalog import CatalogFile, Planted, a_gtin
from tests.conftest import ROOT
from tests.journeys.system import APPROVER, REQUESTER, ROLES, Seen, System, as_person
from tests.tokens import a_token

ENDED = ("done", "refused", "cut_off")
CSV, JSON, LINES = "text/csv", "application/json", "application/x-ndjson"


async def upload(
    system: System, kind: str, content: bytes, *, media_type: str = CSV, person: str = APPROVER
) -> Seen:
    """A file is taken, and will be carried out."""
    async with system.client("purchasing") as client:
        answer = await client.post(
            f"/imports/{kind}/files?name=a-file",
            content=content,
            headers=as_person(person) | {"Content-Type": media_type},
        )
    assert answer.status_code == 202, answer.text
    seen: Seen = answer.json()
    assert answer.headers["Location"] == f"/api/v1/imports/{seen['import_id']}"
    return seen


async def ended(system: System, import_id: str) -> Seen:
    """An import once nothing more of it will be done."""
    return await system.eventually(lambda: shown(system, import_id), lambda seen: seen["state"] in ENDED)


async def shown(system: System, import_id: str) -> Seen:
    found: Seen = await system.api.get("purchasing", f"/imports/{import_id}")
    return found


async def imported(system: System, kind: str, content: bytes, media_type: str = CSV) -> Seen:
    """How a file ended, and the verdicts on its rows."""
    taken = await upload(system, kind, content, media_type=media_type)
    return await ended(system, taken["import_id"])


async def verdicts(system: System, import_id: str, **wanted: Any) -> list[Seen]:
    return await system.api.all("purchasing", f"/imports/{import_id}/verdicts", **wanted)


async def rejected_file(system: System, import_id: str) -> str:
    return await fetched(system, f"/imports/{import_id}/rejected")


async def fetched(system: System, path: str) -> str:
    async with system.client("purchasing") as client:
        answer = await client.get(path, headers=as_person(APPROVER))
    assert answer.status_code == 200, answer.text
    return answer.text


def counts(seen: Mapping[str, Any]) -> tuple[int, int, int]:
    return seen["accepted"], seen["unchanged"], seen["rejected"]


def found(verdicts: Iterable[Seen]) -> list[Planted]:
    return [Planted(each["row"], each["code"], each["field"]) for each in verdicts]


def a_catalog(*rows: Mapping[str, str]) -> bytes:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def an_item(sku: str, **cells: str) -> dict[str, str]:
    row = {"sku": sku, "name": f"Thing {sku}", "kind": "hardware", "vendor_number": "V-001"}
    return row | {"unit_price": "10.00", "currency": "EUR"} | cells


def a_file(rows: int) -> CatalogFile:
    """One whose SKUs and GTINs no other file has."""
    name = a_name()
    return CatalogFile(rows, vendor="V-001", prefix=name, gtins_from=int(name, 16))


def a_name() -> str:
    return uuid4().hex[:8].upper()


async def test_every_planted_fault_is_found_and_all_else_is_done_once(system: System) -> None:
    file = a_file(5_000)
    seen: list[Seen] = []
    taken = await upload(system, "catalog", file.content())

    async def watch() -> Seen:
        seen.append(await shown(system, taken["import_id"]))
        return seen[-1]

    last = await system.eventually(watch, lambda seen: seen["state"] in ENDED)

    assert (last["state"], last["rows_read"], last["rows_checked"], last["rows_done"]) == (
        "done",
        5_000,
        5_000,
        5_000,
    )
    assert counts(last) == (5_000 - 50, 0, 50)
    assert found(await verdicts(system, taken["import_id"], outcome="rejected")) == file.planted
    assert len({each["rows_done"] for each in seen}) > 2, "no progress was to be seen"
    assert all(each["rows_checked"] == 5_000 for each in seen if each["rows_done"]), (
        "carried out before all was checked"
    )

    again = await imported(system, "catalog", file.content())

    assert counts(again) == (0, 5_000 - 50, 50)


async def test_an_import_that_is_killed_half_way_goes_on_by_itself_and_ends_the_same(system: System) -> None:
    file = a_file(3_000)
    taken = await upload(system, "catalog", file.content())
    for at_least in (1, 1_000):
        await system.eventually(
            lambda: shown(system, taken["import_id"]),
            lambda seen, at_least=at_least: seen["rows_done"] >= at_least,  # type: ignore[misc]
        )
        await system.kill("purchasing")

    last = await ended(system, taken["import_id"])

    assert counts(last) == (3_000 - 30, 0, 30)
    assert found(await verdicts(system, taken["import_id"], outcome="rejected")) == file.planted
    assert len(await verdicts(system, taken["import_id"])) == 3_000
    assert counts(await imported(system, "catalog", file.content())) == (0, 3_000 - 30, 30)


async def test_the_same_file_twice_at_once_does_no_harm(system: System) -> None:
    file = a_file(600)
    taken = await asyncio.gather(*(upload(system, "catalog", file.content()) for _ in range(3)))

    ends = [await ended(system, each["import_id"]) for each in taken]

    assert [each["state"] for each in ends] == ["done"] * 3
    assert sum(each["accepted"] for each in ends) == 600 - 6
    assert [each["accepted"] + each["unchanged"] for each in ends] == [600 - 6] * 3


async def test_the_rejected_rows_are_fetched_mended_and_imported(system: System) -> None:
    name = a_name()
    file = a_catalog(
        an_item(f"{name}-1"),
        an_item(f"{name}-2", unit_price="ten"),
        an_item(f"{name}-3", vendor_number="V-X"),
    )
    first = await imported(system, "catalog", file)

    rows = list(csv.DictReader(io.StringIO(await rejected_file(system, first["import_id"]))))

    assert [(row["sku"], row["code"], row["field"]) for row in rows] == [
        (f"{name}-2", "invalid_content", "unit_price"),
        (f"{name}-3", "vendor_unknown", "vendor_number"),
    ]
    assert rows[1]["message"] == "There is no active vendor V-X."
    mended = a_catalog(*(row | {"unit_price": "10.00", "vendor_number": "V-002"} for row in rows))
    assert counts(await imported(system, "catalog", mended)) == (2, 0, 0)


@pytest.mark.parametrize("as_lines", [False, True])
async def test_json_is_imported_as_an_array_or_line_by_line(system: System, as_lines: bool) -> None:
    name = a_name()
    rows: list[dict[str, Any]] = [
        {
            "sku": f"{name}-1",
            "name": "Größe",
            "kind": "hardware",
            "offers": [
                {"vendor_number": "V-002", "unit_price": "9.50", "currency": "EUR"},
                {
                    "vendor_number": "V-001",
                    "unit_price": "9.00",
                    "currency": "EUR",
                    "valid_from": "2026-01-01",
                },
            ],
            "vendor_number": "V-001",
        },
        {"sku": f"{name}-2", "name": "Both", "kind": "hardware", "components": [{"sku": f"{name}-1"}]},
        {"sku": f"{name}-3", "name": "\ud800", "kind": "hardware"},
        {"sku": f"{name}-4", "name": "Dear", "kind": "hardware", "vendor_number": "V-001", "unit_price": 9.5},
    ]
    text = "\n".join(map(json.dumps, rows)) if as_lines else json.dumps(rows, indent=1)

    last = await imported(system, "catalog", text.encode(), LINES if as_lines else JSON)

    assert counts(last) == (2, 0, 2)
    fetched = [json.loads(line) for line in (await rejected_file(system, last["import_id"])).splitlines()]
    assert [(each["sku"], each["code"], each["field"]) for each in fetched] == [
        (f"{name}-3", "invalid_content", None),
        (f"{name}-4", "invalid_content", "unit_price"),
    ]


@pytest.mark.parametrize(
    ("content", "media_type", "reason"),
    [
        (b"sku,name\nA,B\n", CSV, "The file lacks the columns kind, vendor_number, unit_price, currency."),
        (b"", CSV, "The file lacks the columns sku, name, kind, vendor_number, unit_price, currency."),
        (b"\xff\xfe\x00", CSV, "This is not CSV in UTF-8"),
        (
            b'sku,name,kind,vendor_number,unit_price,currency\nA,"B\n',
            CSV,
            "This is not CSV in UTF-8 after line 2",
        ),
        (b"[{}, 7]", JSON, "Row 2 is not an object."),
        (b"[{}", JSON, "The array does not end after row 1."),
        (b"[{} {}]", JSON, "A comma is missing after row 1."),
        (b'{"a": }', LINES, "Row 1 is not JSON"),
        (b"[]]", JSON, "Something follows the array."),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_and_nothing_of_it_is_done(
    system: System, content: bytes, media_type: str, reason: str
) -> None:
    last = await imported(system, "catalog", content, media_type)

    assert (last["state"], last["rows_done"], last["accepted"]) == ("refused", 0, 0)
    assert last["reason"].startswith(reason)


async def test_a_file_that_is_too_large_or_of_an_unknown_kind_is_not_taken(system: System) -> None:
    async with system.client("purchasing") as client:

        async def post(content: Any, media_type: str, person: str = APPROVER) -> tuple[int, str, str]:
            headers = as_person(person) | {"Content-Type": media_type}
            answer = await client.post("/imports/catalog/files", content=content, headers=headers)
            return answer.status_code, answer.json()["code"], answer.json()["detail"]

        async def endless() -> Any:
            for _ in range(65):
                yield b"x" * 1024 * 1024

        assert await post(endless(), CSV) == (
            413,
            "body_too_large",
            "A file may have at most 67108864 bytes.",
        )
        assert (await post(b"PK", "application/zip"))[:2] == (415, "media_type_unsupported")
        assert (await post(b"sku\n", CSV, REQUESTER))[:2] == (403, "not_entitled")
        unknown = await client.get(f"/imports/{uuid4()}", headers=as_person(APPROVER))
        assert (unknown.status_code, unknown.json()["code"]) == (404, "import_unknown")
    latest = (await system.api.get("purchasing", "/imports", limit=1))["items"][0]
    assert latest["state"] == "cut_off"


async def test_offers_are_imported_for_items_that_the_catalog_has(system: System) -> None:
    sku = a_name()
    await imported(system, "catalog", a_catalog(an_item(sku)))
    offer = {"vendor_number": "V-002", "currency": "EUR", "valid_from": "2030-01-01"}
    file = a_catalog(
        {"sku": sku, "unit_price": "8.00", **offer},
        {"sku": f"{sku}-X", "unit_price": "8.00", **offer},
        {"sku": sku, "unit_price": "7.00", **offer, "valid_to": "2029-12-31"},
    )

    last = await imported(system, "offers", file)

    assert found(await verdicts(system, last["import_id"], outcome="rejected")) == [
        Planted(2, "no_such_catalog_item", "sku"),
        Planted(3, "invalid_content", None),
    ]
    item = await system.api.get("purchasing", f"/catalog-items/{sku}", on="2030-01-01")
    assert (item["vendor_number"], item["unit_price"], len(item["offers"])) == ("V-001", "10.00", 2)


async def test_what_is_exported_is_imported_as_unchanged(system: System) -> None:
    name = a_name()
    odd = an_item(
        f"{name}-1",
        name='Odd; "thing", Größe 5',
        unit="BOX",
        gtin=a_gtin(880_001),
        packs=f"{a_gtin(880_002)}:10:Carton; {a_gtin(880_003)}:100",
        lead_time_days="3",
        valid_from="2026-01-01",
        metric="per seat",
        term_months="12",
        asset_creation="never",
        active="false",
    )
    await imported(system, "catalog", a_catalog(odd))
    await imported(
        system, "catalog", a_catalog(an_item(f"{name}-2"), an_item(f"{name}-2", vendor_number="V-002"))
    )
    packs = [{"gtin": a_gtin(880_004), "units": 2, "name": "a; b:c"}]
    bundle = an_item(f"{name}-0", components=f"{name}-2:3", vendor_number="", unit_price="", currency="")
    await imported(system, "catalog", a_catalog(bundle | {"packs": json.dumps(packs)}))
    vendor = {
        "number": f"V-{name}",
        "name": "New",
        "currency": "CHF",
        "contact_email": "a@b",
        "strategic": "yes",
    }
    assert counts(await imported(system, "vendors", a_catalog(vendor))) == (1, 0, 0)

    for kind in ("vendors", "catalog"):
        for format, media_type in (("csv", CSV), ("json", JSON)):
            file = await fetched(system, f"/exports/{kind}?format={format}")
            last = await imported(system, kind, file.encode(), media_type)

            assert (last["accepted"], last["rejected"]) == (0, 0), await verdicts(
                system, last["import_id"], outcome="rejected"
            )
            assert last["unchanged"] > 0


async def test_whoever_has_a_terminal_imports_a_file_and_watches(system: System, tmp_path: Path) -> None:
    name = a_name()
    file = tmp_path / "catalog.csv"
    file.write_bytes(a_catalog(an_item(f"{name}-1"), an_item(f"{name}-2", kind="furniture")))
    program = [sys.executable, "-m", "deploy.imports", str(file)]
    token = a_token(APPROVER, ROLES[APPROVER])
    url = system.supervisor.urls["purchasing"]

    async def run(*more: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *program, "--url", url, "--token", token, *more, cwd=ROOT, stdout=PIPE, stderr=STDOUT
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    status, said = await run()

    assert "2 rows: 1 accepted, 0 unchanged, 1 rejected" in said
    assert status == 3
    (row,) = csv.DictReader(io.StringIO((tmp_path / "catalog.rejected.csv").read_text()))
    assert (row["sku"], row["code"], row["field"]) == (f"{name}-2", "invalid_content", "kind")
    status, said = await run("--kind", "vendors")
    assert (status, "lacks the columns number" in said) == (2, True)


async def test_a_small_file_of_locations_may_have_columns_that_nobody_knows(system: System) -> None:
    code = f"L{uuid4().hex[:8]}"
    file = f"code,name,storage_space,storage_spaces\n{code},Depot,A-1,shelf\n{code},Depot,A-2,\n"

    read = await system.api.post_csv("assets", "/imports/locations", file)

    assert (read["accepted"], read["rejected"]) == (2, 0)
    listed = await system.api.all("assets", "/locations")
    (kept,) = (each for each in listed if each["code"] == code)
    assert kept["storage_spaces"] == ["A-1", "A-2"]
