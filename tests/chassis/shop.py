"""A small service for the runtime's tests: a shop keeps boxes, hears of deliveries from its depot, and counts."""

import os
import signal
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.decision import (
    Cause,
    Decision,
    Delta,
    Early,
    Handler,
    Key,
    Keys,
    Many,
    Record,
    Records,
    Rejection,
    Timer,
    Via,
    timer_id,
)
from libs.chassis.service import Service
from libs.chassis.storage import Storage, table
from libs.chassis.suspects import Suspects
from libs.chassis.waiting import Sweep
from libs.contracts.message import Answered, Command, Event
from libs.contracts.permissions import Action
from libs.contracts.values import derived_id

# What is said


class OpenBox(Command):
    """Open a box under a label nobody else uses."""

    type: ClassVar[str] = "shop.open_box.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    box_id: UUID
    label: str
    serial: str | None = None
    patience_seconds: int = 365 * 24 * 3600


class CloseBox(Command):
    """Close a box; it must be open."""

    type: ClassVar[str] = "shop.close_box.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    subject: ClassVar[str] = "box_id"
    box_id: UUID | None = None
    label: str | None = None


class BreakIn(Command):
    """Only for tests: makes the decision fail in a way named by `how`."""

    type: ClassVar[str] = "shop.break_in.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    box_id: UUID
    how: str


class BoxOpened(Event):
    """A box is open."""

    type: ClassVar[str] = "shop.box_opened.v1"
    subject: ClassVar[str] = "box_id"
    box_id: UUID
    number: int


class BoxCounted(Event):
    """Something was put into the box."""

    type: ClassVar[str] = "shop.box_counted.v1"
    subject: ClassVar[str] = "box_id"
    box_id: UUID
    count: int


class BoxForgotten(Event):
    """Said to ourselves when a box stood open too long."""

    type: ClassVar[str] = "shop.box_forgotten.v1"
    subject: ClassVar[str] = "box_id"
    box_id: UUID


class ShopAnswered(Answered):
    """How a command given to the shop ended."""

    type: ClassVar[str] = "shop.command_answered.v1"


class ItemsSent(Event):
    """The depot has put items into a box."""

    type: ClassVar[str] = "depot.items_sent.v1"
    subject: ClassVar[str] = "box_id"
    box_id: UUID
    count: Annotated[int, Field(ge=-1000)]
    item: str = "mouse"


class PriceChanged(Event):
    """All there is to say about a price."""

    type: ClassVar[str] = "depot.price_changed.v1"
    subject: ClassVar[str] = "price_id"
    carries: ClassVar = "state"
    price_id: UUID
    cents: int


# What is kept


class Status(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Box(Record):
    TRANSITIONS: ClassVar = {Status.OPEN: frozenset({Status.CLOSED}), Status.CLOSED: frozenset()}
    label: str
    number: int
    count: int = 0
    status: Status = Status.OPEN
    serial: str | None = None


@dataclass(frozen=True, kw_only=True)
class Label(Record):
    box_id: UUID


@dataclass(frozen=True, kw_only=True)
class Entry(Record):
    APPEND_ONLY: ClassVar[bool] = True
    box_id: UUID
    line: int
    count: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Price(Record):
    cents: int
    sequence: int = 0


@dataclass(frozen=True, kw_only=True)
class Total(Record):
    item: str
    count: int = 0


STORAGE = Storage(
    table(Box, "boxes", UniqueConstraint("serial", name="serial_taken")),
    table(Label, "labels"),
    table(Entry, "entries"),
    table(Price, "prices"),
    table(Total, "totals", CheckConstraint("count >= 0", name="total_not_negative")),
)


def label_id(label: str) -> UUID:
    return derived_id("label", label)


# Decisions


def box_to_open(command: OpenBox) -> Keys:
    return (
        Key(Box, command.box_id, may_be_new=True),
        Key(Label, label_id(command.label), may_be_new=True),
    )


def open_box(command: OpenBox, held: Records, cause: Cause) -> Decision:
    label = held.find(Label, label_id(command.label))
    if label is not None and label.box_id == command.box_id:
        return Decision(duplicate=True, answer={"box_id": command.box_id})
    if label is not None:
        raise Rejection("serial_taken", field="label", message="Another box has this label.")
    (number,) = cause.numbers["box_number"]
    box = Box(id=command.box_id, label=command.label, number=number, serial=command.serial)
    return Decision(
        save=[box, Label(id=label_id(command.label), box_id=box.id)],
        publish=[BoxOpened(box_id=box.id, number=number)],
        schedule=[
            Timer(
                box.id,
                "forgotten",
                cause.at + timedelta(seconds=command.patience_seconds),
                BoxForgotten(box_id=box.id),
            )
        ],
        answer={"box_id": box.id, "number": number},
    )


def box_to_close(command: CloseBox) -> Keys:
    if command.label is not None:
        return (Key(Box, Via(Label, label_id(command.label), "box_id")),)
    return (Key(Box, command.box_id or derived_id("no box")),)


def close_box(command: CloseBox, held: Records, _: Cause) -> Decision:
    boxes = held.all(Box)
    if not boxes:
        raise Rejection("order_unknown", field="box_id", message="There is no such box.")
    if boxes[0].status is Status.CLOSED:
        raise Rejection("order_cancelled", field="box_id", message="The box is closed already.")
    box = boxes[0].become(Status.CLOSED)
    return Decision(
        save=[box],
        publish=[BoxCounted(box_id=box.id, count=box.count)],
        cancel=[timer_id(box.id, "forgotten")],
    )


def box_sent_to(sent: ItemsSent) -> Keys:
    return (Key(Box, sent.box_id), Many(Entry, by="box_id", value=sent.box_id, order_by="line", limit=1))


def count_items(sent: ItemsSent, held: Records, cause: Cause) -> Decision:
    box = held[Box, sent.box_id]
    entry = Entry(
        id=cause.id("entry"), box_id=box.id, line=box.count, count=sent.count, notes=("counted", sent.item)
    )
    box = replace(box, count=box.count + sent.count)
    total = Total(id=derived_id("total", sent.item), item=sent.item)
    return Decision(
        save=[box, entry],
        add=[Delta(total, {"count": sent.count})],
        publish=[BoxCounted(box_id=box.id, count=box.count)],
    )


def price_changed(changed: PriceChanged) -> Keys:
    return (Key(Price, changed.price_id, may_be_new=True),)


def copy_price(changed: PriceChanged, held: Records, cause: Cause) -> Decision:
    price = held.find(Price, changed.price_id) or Price(id=changed.price_id, cents=0)
    return Decision(save=[replace(price, cents=changed.cents, sequence=cause.sequence or 0)])


def box_to_break(command: BreakIn) -> Keys:
    return (Key(Box, command.box_id, may_be_new=True),)


def break_in(command: BreakIn, held: Records, _: Cause) -> Decision:
    box = held.find(Box, command.box_id)
    match command.how:
        case "death":
            os.kill(os.getpid(), signal.SIGKILL)
        case "bug":
            raise ZeroDivisionError("a bug")
        case "undeclared":
            return Decision(save=[Label(id=command.box_id, version=7, box_id=command.box_id)])
        case "stateless fact":
            return Decision(publish=[BoxCounted(box_id=command.box_id, count=1)])
        case "bad data":
            return Decision(save=[Price(id=command.box_id, cents=2**80)])
        case "below zero":
            return Decision(add=[Delta(Total(id=command.box_id, item="void"), {"count": -1})])
        case "too large" if box is not None:
            return Decision(
                save=[replace(box, label="changed")],
                publish=[BoxOpened.model_construct(box_id=box.id, number="x" * 300_000)],
            )
    return Decision()


def forgotten(fact: BoxForgotten) -> Keys:
    return (Key(Box, fact.box_id),)


def remind(fact: BoxForgotten, held: Records, _: Cause) -> Decision:
    box = held[Box, fact.box_id]
    if box.status is not Status.OPEN:
        return Decision()
    return Decision(save=[box], publish=[BoxCounted(box_id=box.id, count=box.count)])


def one_box_number(_: Any) -> dict[str, int]:
    return {"box_number": 1}


SHOP = Service(
    name="shop",
    queues={
        "inbox": (
            Handler(on=OpenBox, holds=box_to_open, numbers=one_box_number, decide=open_box),
            Handler(on=CloseBox, holds=box_to_close, early=Early.WAIT_10_MINUTES, decide=close_box),
            Handler(on=ItemsSent, holds=box_sent_to, early=Early.WAIT, decide=count_items),
            Handler(on=PriceChanged, holds=price_changed, decide=copy_price),
            Handler(on=BreakIn, holds=box_to_break, decide=break_in),
            Handler(on=BoxForgotten, holds=forgotten, early=Early.WAIT, decide=remind),
        )
    },
    storage=STORAGE,
    routes=APIRouter(),
    sequences=("box_number",),
)


def a_sweep(engine: AsyncEngine, decider: Decider | None = None) -> Sweep:
    """What looks for waiting messages in the process of this decider, else in another one."""
    return Sweep(engine, decider or Decider(SHOP, engine), Suspects(engine, deaths_max=3))
