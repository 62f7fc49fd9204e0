"""What a message is: a fact somebody states or a command somebody gives. Its envelope is the chassis' business."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.contracts.permissions import Action


def what_is_wrong(breach: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says, without the kind of exception that a rule of ours was raised as."""
    return str(breach["msg"]).removeprefix("Value error, ")


class Value(BaseModel):
    """A part of a message: immutable, strictly typed, ignoring fields that a newer sender may have added."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", ser_json_inf_nan="strings")


MESSAGES: dict[str, "type[Message]"] = {}
"""Every message type known to this process, by its `type`."""


class Message(Value):
    """Anything said on a queue. `type` is also its routing key: `<owner>.<what>.v<major>`.

    `subject` names the field holding the id of the record the message is about; messages about one record leave in
    order. A command may have none when the record does not exist yet.
    """

    type: ClassVar[str]
    subject: ClassVar[str | None] = None

    @classmethod
    def owner(cls) -> str:
        """The service that says this fact or obeys this command: the first word of the type."""
        return cls.type.partition(".")[0]

    def subject_id(self) -> UUID | None:
        """The id of the record this message is about, if it names one."""
        return getattr(self, self.subject) if self.subject else None

    def said_by(self, sender: str) -> Self:
        """The message as its owner understands it, knowing who said it."""
        return self

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        declared = cls.__dict__.get("type")
        if declared is not None and MESSAGES.setdefault(declared, cls) is not cls:
            raise TypeError(f"two messages call themselves {declared}")


class Event(Message):
    """A fact, past tense, said by the service that owns it. It cannot be refused.

    `carries` says how a listener may treat it: `state` is the record's whole public state, so an older one than the
    copy already held is skipped by its sequence; an `increment` applies exactly once and in any order.
    """

    carries: ClassVar[Literal["state", "increment"]] = "increment"


class Command(Message):
    """An order to the service that owns it. It is always answered: accepted, rejected or duplicate.

    `action` is what its sender must be permitted; without one only our own services may give it, and they need none.
    """

    action: ClassVar[Action | None] = None


class Answered(Event):
    """How a command ended, said to its sender.

    Outcome `accepted` carries numbers and ids in `result`; `rejected` carries `code`, `field` and a sentence;
    `duplicate` repeats the original answer's content with `original` telling how the first one ended. `about` is the
    record that the command named as its subject, if it named one.
    """

    outcome: Literal["accepted", "rejected", "duplicate"]
    command_id: str
    command_type: str
    about: UUID | None = None
    original: Literal["accepted", "rejected"] | None = None
    result: dict[str, object] = {}
    code: str | None = None
    field: str | None = None
    message: str | None = None


class AnnounceAll(Command):
    """Say all current state again into the asker's bulk queue, page by page.

    `only` are the types of the facts that the asker keeps copies from; none stand for all. An asker gives no other
    field; with them the owner goes on from page to page.
    """

    only: tuple[str, ...] = ()
    asker: str | None = None
    kind: Annotated[int, Field(ge=0)] = 0
    after: UUID | None = None


class RenewCopies(Command):
    """Ask the owners of everything this service keeps copies of to say it again."""

    action: ClassVar[Action | None] = Action.RENEW_COPIES
