"""JSON lines on stdout, ours and the libraries' alike: time, level, service, role, event, and details.

Our own code says `log = structlog.get_logger()` and `log.info("batch_handled", count=200, took_ms=41)`.
Ids of messages and records may appear; what people wrote or are called may not.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from pydantic_core import to_json
from structlog.typing import Processor

from libs.chassis import tracing

_QUIET = {
    "aio_pika": logging.WARNING,
    "aiormq": logging.ERROR,
    "faststream": logging.WARNING,
    "alembic": logging.WARNING,
}
_CREDENTIALS = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]*(?=@)")


def configure(*, service: str, role: str, level: str = "info", output: TextIO | None = None) -> None:
    """Send every log line of this process to `output` (stdout) in our shape. Call once, first."""
    number = logging.getLevelNamesMapping()[level.upper()]
    output = output or sys.stdout

    def who(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        trace_id = tracing.trace_id_of(tracing.current())
        said = {"service": service, "role": role, **event}
        if trace_id:
            said.setdefault("trace_id", trace_id)
        return said

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        who,
    ]
    rendered: list[Processor] = [
        structlog.processors.format_exc_info,
        _ordered,
        structlog.processors.JSONRenderer(serializer=_json),
    ]
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(output),
        cache_logger_on_first_use=output is sys.stdout,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    logging.captureWarnings(True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(number, least))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = name != "uvicorn.access"


def _ordered(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The fields everybody looks for first stand first."""
    first = {name: event.pop(name) for name in ("time", "level", "service", "role", "event") if name in event}
    event.pop("color_message", None)
    return {**first, **event}


def _json(event: dict[str, Any], **_: Any) -> str:
    line = to_json(event, fallback=str, bytes_mode="base64").decode()
    # Libraries print the URLs they connect to.
    return _CREDENTIALS.sub("***", line)
