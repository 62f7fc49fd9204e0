"""A trace goes on from message to message, and begins where there is none."""

import re

import pytest

from libs.chassis import tracing

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_child_is_another_span_of_the_same_trace() -> None:
    child = tracing.child(PARENT)

    assert tracing.trace_id_of(child) == tracing.trace_id_of(PARENT)
    assert child[36:52] != PARENT[36:52]
    assert child.endswith("-01")


def test_a_message_without_trace_begins_one() -> None:
    begun = tracing.child(None)

    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", begun)
    assert tracing.valid(begun) == begun


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "nonsense",
        PARENT.upper(),
        PARENT + "-more",
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
    ],
)
def test_a_broken_header_is_as_none(broken: str) -> None:
    assert tracing.valid(broken) is None
    assert tracing.valid(tracing.child(broken)) is not None


def test_a_later_version_of_the_header_is_understood() -> None:
    assert tracing.trace_id_of(tracing.valid("01" + PARENT[2:] + "-more")) == PARENT[3:35]


def test_a_span_is_current_while_it_is_open() -> None:
    assert tracing.current() is None

    with tracing.span("outer", PARENT) as outer, tracing.span("inner", outer) as inner:
        assert tracing.current() == inner
        assert tracing.trace_id_of(inner) == tracing.trace_id_of(outer) == PARENT[3:35]

    assert tracing.current() is None
