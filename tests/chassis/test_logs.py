"""Log lines have one shape, whoever writes them, and carry the trace of what they are about."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from libs.chassis import logs, tracing

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Configures logging; what was written since."""
    output, root = StringIO(), logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure(service="shop", role="worker", output=output)
    yield lambda: [json.loads(line) for line in output.getvalue().splitlines()]
    root.handlers[:], root.level = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_a_line_says_when_how_bad_who_and_what(lines: Lines) -> None:
    structlog.get_logger().info("batch_handled", count=200, took_ms=41)

    (line,) = lines()
    assert list(line) == ["time", "level", "service", "role", "event", "count", "took_ms"]
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "service": "shop",
        "role": "worker",
        "event": "batch_handled",
        "count": 200,
        "took_ms": 41,
    }


def test_lines_of_libraries_have_the_same_shape_and_no_passwords(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").warning("connecting to %s", "amqp://shop:hidden@broker/main")

    (line,) = lines()
    assert line["event"] == "connecting to amqp://***@broker/main"
    assert (line["level"], line["service"]) == ("warning", "shop")


def test_lines_carry_the_trace_they_belong_to(lines: Lines) -> None:
    with tracing.span("handle", PARENT):
        structlog.get_logger().info("batch_handled")
        logging.getLogger("library").info("something")

    assert {line["trace_id"] for line in lines()} == {"4bf92f3577b34da6a3ce929d0e0e4736"}


def test_a_failure_is_logged_with_its_traceback_on_one_line(lines: Lines) -> None:
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError as error:
        structlog.get_logger().error("failed", exc_info=error)

    (line,) = lines()
    assert "ZeroDivisionError: a bug" in line["exception"]


def test_less_important_lines_are_left_out(lines: Lines) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("library").debug("detail")
    logging.getLogger("aio_pika.connection").info("noise")

    assert lines() == []
