"""Whatever is sent to an address that a service documents, the service answers as it documents."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from deploy.local.definitions import SERVICES
from tests.conftest import ROOT
from tests.journeys.system import System
from tests.tokens import PERSONS, bearer

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
EXAMPLES_MAX = "5"
"""For each operation, beside those that visit each branch of its schema."""


@pytest.mark.timeout(600)  # thousands of requests, on a machine that may be busy
@pytest.mark.parametrize("service", SERVICES)
async def test_no_documented_address_can_be_made_to_fail(system: System, service: str) -> None:
    everybody = bearer("person-17", *PERSONS)
    fuzzing = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{system.supervisor.urls[service]}/api/v1/openapi.json",
        *("--header", f"Authorization: {everybody['Authorization']}"),
        *("--checks", ",".join(CHECKS)),
        *("--phases", "coverage,fuzzing", "--max-examples", EXAMPLES_MAX, "--seed", "1"),
        *("--generation-database", "none", "--warnings", "off", "--continue-on-failure", "--no-color"),
        stdout=PIPE,
        stderr=STDOUT,
        cwd=ROOT / ".local",
    )
    try:
        said, _ = await fuzzing.communicate()
    finally:
        if fuzzing.returncode is None:
            fuzzing.kill()

    assert fuzzing.returncode == 0, said.decode()
