"""What the four applications share: the broker, the database session, and how a message is said."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

from faststream.exceptions import NackMessage
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from bench.baseline.messages import Message

PREFETCH = int(os.environ.get("BASELINE_PREFETCH", "50"))
POOL_SIZE = int(os.environ.get("BASELINE_POOL_SIZE", "20"))
# A fact can be handled before the one that tells of its record: another queue, another consumer.
PATIENCE_SECONDS, PAUSE_SECONDS = 10, 0.05

broker = RabbitBroker(
    os.environ.get("BASELINE_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1/"),
    default_channel=Channel(prefetch_count=PREFETCH),
    # A line for what fails; the usual two lines for every message are for development.
    logger=logging.getLogger("baseline"),
)
engine = create_async_engine(
    os.environ.get("BASELINE_DATABASE_URL", "postgresql+asyncpg://postgres@127.0.0.1/baseline"),
    pool_size=POOL_SIZE,
    max_overflow=0,
    pool_timeout=60,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)

P = ParamSpec("P")


def commands(service: str) -> RabbitExchange:
    """Where the commands to a service are published."""
    return RabbitExchange(f"{service}.commands", type=ExchangeType.TOPIC)


def events(service: str) -> RabbitExchange:
    """Where a service publishes its facts."""
    return RabbitExchange(f"{service}.events", type=ExchangeType.TOPIC)


def queue(service: str, message: type[Message]) -> RabbitQueue:
    """A service's queue for one type of message."""
    return RabbitQueue(
        f"{service}.{message.type}", queue_type=QueueType.QUORUM, durable=True, routing_key=message.type
    )


async def say(message: Message, exchange: RabbitExchange) -> None:
    """Publish and wait for the broker's confirmation."""
    await broker.publish(message, exchange=exchange, routing_key=message.type, persist=True)


def patiently(handle: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Try again while a record is missing that a message in flight will bring; give up by requeueing."""

    @wraps(handle)
    async def handling(*args: P.args, **kwargs: P.kwargs) -> None:
        for _ in range(int(PATIENCE_SECONDS / PAUSE_SECONDS)):
            try:
                await handle(*args, **kwargs)
            except NoResultFound:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return
        raise NackMessage

    return handling
