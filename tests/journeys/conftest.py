"""One system for all journeys: its four services take seconds to start."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from tests.journeys.system import System, the_system
from tests.journeys.ways import Way


@pytest_asyncio.fixture(scope="session")
async def started(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The four services, for the whole session."""
    async with the_system(servers, tmp_path_factory.mktemp("journeys")) as system:
        yield system


@pytest_asyncio.fixture
async def system(started: System) -> AsyncIterator[System]:
    """The four services; whatever a test does to them, none may end or log an error."""
    started.check_alive()
    yield started
    started.check_alive()
    assert started.complaints() == []


@pytest.fixture(params=["http", "queue"])
def way(request: pytest.FixtureRequest, system: System) -> Way:
    """Both ways in, one after the other."""
    return Way(system, request.param)
