"""The source as the architecture tests read it: files, modules, and what each imports."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("libs", "services", "deploy", "bench", "tests")
SERVICES = ("requests", "purchasing", "receiving", "assets")


@dataclass(frozen=True)
class Module:
    name: str
    path: Path

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.path)

    @property
    def imports(self) -> frozenset[str]:
        """Every module named in an import, `from a import b` counting as both a and a.b."""
        return frozenset(_imports(self.tree))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """All Python modules below these folders of the checkout."""
    return tuple(
        Module(_name(path), path)
        for folder in folders or OURS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "__pycache__" not in path.parts
    )


def decision_modules() -> tuple[Module, ...]:
    """The modules of the services that hold decisions: all but composition, HTTP and storage."""
    return tuple(
        module
        for module in modules("services")
        if len(parts := module.name.split(".")) == 3 and parts[2] not in ("__main__", "api", "tables")
    )


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
