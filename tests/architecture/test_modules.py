"""Who may import what, beyond what import-linter can say, and no module without a use."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import OURS, ROOT, SERVICES, Module, decision_modules, modules

# Reading the clock or rolling dice where every replay must decide the same.
IMPURE = re.compile(
    r"\b(datetime\.(now|utcnow|today)|date\.today|uuid[14]\b|time\.(time|monotonic|perf_counter)\w*|os\.environ)"
)
IMPURE_MODULES = {"asyncio", "logging", "os", "random", "secrets", "socket", "subprocess", "time"}
# What of the chassis a decision may use.
PURE = ("libs.chassis.decision", "libs.chassis.backfill", "libs.chassis.ids")
# Which library a decision may use: it reads what stands in a code, and nothing else.
PURE_LIBRARIES = ("biip",)
LINES_MAX = 400


def name_of(module: Module) -> str:
    return module.name


@pytest.mark.parametrize("module", decision_modules(), ids=name_of)
def test_a_decision_module_knows_only_contracts_decisions_and_its_neighbours(module: Module) -> None:
    service = module.name.rpartition(".")[0]
    allowed = {"libs.contracts", *PURE, *PURE_LIBRARIES, *(sys.stdlib_module_names - IMPURE_MODULES)}
    allowed |= {each.name for each in decision_modules() if each.name.startswith(f"{service}.")}

    # `from services.assets import stock` names the package too.
    imported = module.imports - {service}
    foreign = {each for each in imported if not any(each == a or each.startswith(f"{a}.") for a in allowed)}

    assert foreign == set()


@pytest.mark.parametrize("module", decision_modules(), ids=name_of)
def test_a_decision_module_reads_no_clock_and_rolls_no_dice(module: Module) -> None:
    used = {ast.unparse(node) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute | ast.Name)}

    assert {each for each in used if IMPURE.search(each)} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_decisions_storage_http_and_composition(service: str) -> None:
    names = {each.name.removeprefix(f"services.{service}.") for each in modules("services")}

    assert {"__main__", "api", "tables"} <= names
    assert [each for each in decision_modules() if each.name.startswith(f"services.{service}.")]


@pytest.mark.parametrize("module", modules("libs/contracts"), ids=name_of)
def test_contracts_need_nothing_but_pydantic(module: Module) -> None:
    roots = {each.partition(".")[0] for each in module.imports if not each.startswith("libs.contracts")}

    assert roots <= {"pydantic", "pydantic_core", *sys.stdlib_module_names}


def test_every_module_is_used() -> None:
    """Imported by something that runs, or started by name; a test alone keeps nothing alive."""
    used = {name for module in modules("libs", "services", "deploy", "bench") for name in module.imports}
    started = {
        module.name
        for module in modules("libs", "services", "deploy")
        if '__name__ == "__main__"' in module.path.read_text(encoding="utf-8")
    }

    unused = {
        module.name
        for module in modules("libs", "services", "deploy")
        if module.path.name not in ("__init__.py", "__main__.py") and "migrations" not in module.path.parts
    }

    assert unused - used - started == set()


def test_no_file_outgrows_one_reading() -> None:
    long = {
        str(each.path.relative_to(ROOT)): lines
        for each in modules(*OURS)
        if "migrations" not in each.path.parts
        and (lines := len(each.path.read_text(encoding="utf-8").splitlines())) > LINES_MAX
    }

    assert long == {}


def test_no_service_hides_a_package_of_the_same_name() -> None:
    """`services/requests` must never become `import requests`."""
    found = subprocess.run(
        [sys.executable, "-c", "import requests, sys; print(requests.__file__); print(*sys.path, sep='\\n')"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert ROOT / "services" not in Path(found[0]).parents
    assert [each for each in (*sys.path, *found[1:]) if Path(each).resolve() == ROOT / "services"] == []
