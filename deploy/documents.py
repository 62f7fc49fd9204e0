"""The parts of documents that are made from the code: `python -m deploy.documents` brings them up to date.

Each stands in its file between `<!-- name: made from the code -->` and `<!-- end -->`; the page of permissions is made
as a whole.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path

from deploy import permissions
from deploy.local.definitions import SERVICES
from libs.chassis.process import siblings_of
from libs.chassis.service import Service
from libs.contracts.message import MESSAGES, Answered, Command, Event, Message
from libs.contracts.permissions import PERMISSIONS, Action
from services.requests import process, purchase_request

ROOT = Path(__file__).parent.parent
_PART = re.compile(r"(<!-- (?P<name>[a-z_ ]+): made from the code -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Write what has changed; with --check only say so."""
    stale = [path for path, wanted in documents().items() if path.read_text() != wanted]
    if "--check" in sys.argv[1:]:
        sys.exit("\n".join(f"{path.relative_to(ROOT)} is not current" for path in stale) or None)
    for path in stale:
        path.write_text(documents()[path])
        print(f"wrote {path.relative_to(ROOT)}")


def documents() -> Mapping[Path, str]:
    """Every document with parts that are made from the code, as it should be."""
    found: dict[Path, str] = {}
    for name in SERVICES:
        path = ROOT / "services" / name / "README.md"
        parts = {"messages": messages(import_module(f"services.{name}.__main__").SERVICE)}
        if name == "requests":
            parts |= {"states": request_states(), "stages": process_stages()}
        found[path] = written(path.read_text(), parts)
    return found | {ROOT / "docs" / "permissions.md": permissions.page()}


def written(text: str, parts: Mapping[str, str]) -> str:
    """A document with these parts in their places; a place without its part is a mistake, and so is the reverse."""
    places = {match["name"] for match in _PART.finditer(text)}
    if places != parts.keys():
        raise ValueError(f"the document has places for {sorted(places)}, there are {sorted(parts)}")
    return _PART.sub(lambda match: f"{match[1]}{parts[match['name']]}\n{match[3]}", text)


# States


def request_states() -> str:
    """All steps between the states of a request."""
    steps = ((before, after, ()) for before, all in purchase_request.TRANSITIONS.items() for after in all)
    return _diagram(purchase_request.Status.SUBMITTED, purchase_request.Status, steps)


def process_stages() -> str:
    """All steps between the stages of a fulfilment process, with the messages that may lead there."""
    by: dict[tuple[process.Stage, process.Stage], list[str]] = {}
    for told, steps in process.TABLE.items():
        for before, all in steps.items():
            for after in all - {before}:
                by.setdefault((before, after), []).append(_short(told))
    steps_taken = ((before, after, sorted(set(told))) for (before, after), told in by.items())
    return _diagram(process.Stage.ORDERING, process.Stage, steps_taken)


def _diagram(
    first: StrEnum, order: type[StrEnum], steps: Iterable[tuple[StrEnum, StrEnum, Iterable[str]]]
) -> str:
    place = {state: number for number, state in enumerate(order)}
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    for before, after, told in sorted(steps, key=lambda step: (place[step[0]], place[step[1]])):
        label = ", ".join(told)
        lines.append(f"    {before} --> {after}{f': {label}' if label else ''}")
    return "\n".join([*lines, "```"])


def _short(message: type[Message]) -> str:
    """`order_submitted` for `purchasing.order_submitted.v1`; answers say whose they are."""
    owner, name, _ = message.type.split(".")
    return f"{owner} answered" if issubclass(message, Answered) else name.replace("_", " ")


# Messages


def messages(service: Service) -> str:
    """What a service obeys (and who may say it), sends, hears, says, and says to itself."""
    siblings_of(service)  # every contract is known from here on
    handled = {handler.on for handlers in service.queues.values() for handler in handlers}
    obeyed = {message.type: message.action for message in handled if issubclass(message, Command)}
    said = [
        message
        for message in MESSAGES.values()
        if message.owner() == service.name
        and issubclass(message, Event)
        and not issubclass(message, Answered)
    ]
    itself = [message for message in handled if not issubclass(message, Command | Event)]
    heard = [message for message in handled if issubclass(message, Event)]
    rows = [
        ("obeys", [f"`{type}` ({_who(action)})" for type, action in sorted(obeyed.items())]),
        ("sends", [f"`{each.type}`" for each in _sorted(service.sends)]),
        ("hears", [f"`{each.type}`" for each in _sorted(heard)]),
        ("says", [f"`{each.type}`" for each in _sorted(said)]),
        ("to itself", [f"`{each.type}`" for each in _sorted(itself)]),
    ]
    table = [f"| {what} | {', '.join(each) or 'nothing'} |" for what, each in rows]
    return "\n".join(["| | |", "|---|---|", *table])


def _sorted(some: Iterable[type[Message]]) -> list[type[Message]]:
    return sorted(some, key=lambda message: message.type)


def _who(action: Action | None) -> str:
    """Who may give a command of this action."""
    if action is None:
        return "our services"
    return ", ".join(role.replace("_", " ") for role in sorted(PERMISSIONS[action]))


if __name__ == "__main__":
    main()
