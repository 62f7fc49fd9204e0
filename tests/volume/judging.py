"""What becomes of a question's statements: figures to show, and what is wrong with them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.volume.plans import Statement
from tests.volume.questions import BLOCKS_MAX

JUDGED_FROM = 200_000
"""With fewer requests it may be right to read all of them."""


@dataclass
class Figures:
    """The blocks that each question took."""

    found: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))

    def note(self, asked: str, kind: str, path: str, statements: Sequence[Statement]) -> None:
        """Keep what it took."""
        path = re.sub("/(REQ-|PR-|SKU-|V-|[0-9a-f]{8}-)[^/]+", "/{one}", path)
        self.found[kind, path].append((sum(statement.blocks for statement in statements), asked))

    def rows(self) -> Iterator[tuple[str, ...]]:
        """One for each path and kind."""
        for (kind, path), taken in self.found.items():
            most, by = max(taken)
            middle = median(blocks for blocks, _ in taken)
            yield kind, path, f"{len(taken)}", f"{middle:,.0f}", f"{most:,}", f"{BLOCKS_MAX[kind]:,}", by


def complaints(
    asked: str, kind: str, statements: Sequence[Statement], rows: Mapping[str, float], requests: int
) -> list[str]:
    """What is wrong with how something is answered or done."""
    if requests < JUDGED_FROM:
        return []
    found = [
        f"{asked} reads all of {', '.join(whole)}:\n{statement}"
        for statement in statements
        if (whole := statement.read_whole(rows))
    ]
    blocks = sum(statement.blocks for statement in statements)
    if blocks > BLOCKS_MAX[kind]:
        worst = max(statements, key=lambda statement: statement.blocks)
        found.append(f"{asked} looks at {blocks:,} blocks, most of them in\n{worst}")
    return found
