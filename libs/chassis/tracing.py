"""W3C trace context: one trace from the first request to the last asset, through queues and the outbox.

Without an OpenTelemetry SDK only the ids travel (headers, log lines, problems); with one configured by the
operator, `span` also records.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import SystemRandom

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_UNSAMPLED = "00"
_random = SystemRandom()
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def valid(traceparent: str | None) -> str | None:
    """The traceparent if it is one by the W3C rules, else None: a stranger's broken header is as none."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None or match[0].startswith("ff") or match[1] == _NO_TRACE or match[2] == _NO_SPAN:
        return None
    # Version 00 has nothing behind the flags.
    if match[0].startswith("00") and len(match[0]) != 55:
        return None
    return match[0]


def child(traceparent: str | None = None) -> str:
    """A new span of the same trace (of a new trace when there is none): what we hand on."""
    parent = valid(traceparent)
    if parent is None:
        return f"00-{_random.getrandbits(128) or 1:032x}-{_random.getrandbits(64) or 1:016x}-{_UNSAMPLED}"
    return f"00-{parent[3:35]}-{_random.getrandbits(64) or 1:016x}-{parent[53:55]}"


def trace_id_of(traceparent: str | None) -> str | None:
    """The 32 hex digits that all spans of one trace share."""
    return traceparent[3:35] if traceparent else None


def current() -> str | None:
    """The traceparent of what this task is doing, if a span is open."""
    return _current.get()


@contextmanager
def span(name: str, parent: str | None, *, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[str]:
    """Do something as a span under `parent`, giving the traceparent to hand on; an SDK records it."""
    above = valid(parent)
    context = set_span_in_context(NonRecordingSpan(_span_context(above))) if above else None
    with trace.get_tracer("quartermaster").start_as_current_span(name, context=context, kind=kind) as opened:
        recorded = opened.get_span_context()
        if opened.is_recording() or (recorded.is_valid and above is None):
            here = f"00-{recorded.trace_id:032x}-{recorded.span_id:016x}-{recorded.trace_flags:02x}"
        else:
            here = child(above)
        token = _current.set(here)
        try:
            yield here
        finally:
            _current.reset(token)


def _span_context(traceparent: str) -> SpanContext:
    return SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(traceparent[53:55], 16)),
    )
