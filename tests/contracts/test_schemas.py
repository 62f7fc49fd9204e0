"""What the contracts' JSON Schemas say to programs in other languages is what the contracts do."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from libs.contracts import assets, people, purchasing, receiving, requests, values
from libs.contracts.message import Command, Message

COMMANDS: list[type[Message]] = sorted(
    {
        each
        for module in (assets, people, purchasing, receiving, requests)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Command) and "type" in vars(each)
    },
    key=lambda command: command.type,
)


def parts_of(schema: object) -> Iterator[dict[str, object]]:
    """Every schema inside a schema."""
    if isinstance(schema, dict):
        yield schema
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts_of(part)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.type)
def test_patterns_are_written_as_json_schema_knows_them(command: type[Message]) -> None:
    patterns = {str(part["pattern"]) for part in parts_of(command.model_json_schema()) if "pattern" in part}

    # ECMA-262 has no \A, \z and \Z; it reads them as letters or not at all.
    assert [
        pattern for pattern in patterns if any(escape in pattern for escape in (r"\A", r"\z", r"\Z"))
    ] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (values.Code, "SKU-1"),
        (values.PersonId, "person-17"),
        (values.Serial, "SN1"),
        (values.Currency, "EUR"),
    ],
)
def test_a_code_ends_where_it_ends(value: Any, text: str) -> None:
    code: TypeAdapter[str] = TypeAdapter(value)

    assert code.validate_python(text) == text
    for longer in (f"{text}\n", f"\n{text}", f"{text}\nx", f"{text}\x00"):
        with pytest.raises(ValidationError):
            code.validate_python(longer)


def test_an_amount_is_text_in_the_schema_as_in_the_contract() -> None:
    for kind in (values.Amount, values.UnitPrice):
        amount: TypeAdapter[object] = TypeAdapter(kind)

        with pytest.raises(ValidationError):
            amount.validate_json("12.5")
        assert amount.validate_json('"12.50"')
        assert amount.json_schema()["type"] == "string"
