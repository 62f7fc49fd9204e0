"""Edits only of what was seen: a record's version is its ETag, and who edits it says If-Match with the one they saw."""

from typing import Annotated, TypeVar

from fastapi import Header

from libs.chassis.decision import Rejection
from libs.contracts.message import Command

C = TypeVar("C", bound=Command)

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=100,
        description='The ETag of what was seen, for example "3"; `*` for whatever it is now.',
    ),
]


def etag(version: int) -> str:
    """What is given to whoever sees this version."""
    return f'"{version}"'


def as_seen(command: C, if_match: str | None) -> C:
    """A command that has an `expected_version`, meant for what was seen, where one may say so and need not."""
    if if_match is None:
        return command
    return command.model_copy(update={"expected_version": expected_version(if_match)})


def expected_version(if_match: str | None) -> int | None:
    """The version that an edit is meant for, None for any: without a word about it 428, with an unknown one 412."""
    if if_match is None:
        raise Rejection("precondition_missing", message="Say with If-Match which version you have seen.")
    if if_match.strip() == "*":
        return None
    version = if_match.strip().removeprefix("W/").strip('"')
    if not (version.isascii() and version.isdigit() and len(version) < 19):
        raise Rejection("precondition_failed", message=f"No version has the ETag {if_match}.")
    return int(version)
