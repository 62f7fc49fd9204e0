"""A virtual host of its own on the shared broker, as each of its users sees it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import aiormq
import httpx2
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed
from yarl import URL

from deploy.local.provision import provision, unprovision
from deploy.local.servers import Servers
from libs.chassis import topology
from tests.chassis.declared import SERVICES
from tests.conftest import unique_name

Define = Callable[[str, Mapping[str, str]], Mapping[str, Any]]


def the_four_services(vhost: str, passwords: Mapping[str, str]) -> Mapping[str, Any]:
    """The definitions of the services that tests declare."""
    return topology.definitions(SERVICES, vhost, passwords)


@asynccontextmanager
async def a_room(servers: Servers, define: Define = the_four_services) -> AsyncIterator["Room"]:
    """Set up from its definitions, and removed afterwards."""
    name = unique_name()
    environments = await provision(servers, name=name, define=define)
    urls = {user: settings["QUARTERMASTER_BROKER_URL"] for user, settings in environments.items()}
    urls["admin"] = str(URL(servers.rabbitmq_url).with_path(f"/{name}"))
    try:
        async with httpx2.AsyncClient(base_url=servers.rabbitmq_management_url, timeout=30) as management:
            yield Room(name, urls, management)
    finally:
        await unprovision(servers, name)


class Room:
    """The broker as its users see it."""

    def __init__(self, name: str, urls: Mapping[str, str], management: httpx2.AsyncClient) -> None:
        self.name, self.urls, self._management = name, urls, management

    async def exported(self) -> Any:
        """What the broker holds, as definitions."""
        return (await self._management.get(f"/api/definitions/{self.name}")).json()

    async def governed(self) -> dict[str, str | None]:
        """Each queue's policy; the management API learns of a new queue only after seconds."""
        found = (await self._management.get(f"/api/queues/{self.name}")).json()
        return {queue["name"]: queue.get("policy") for queue in found}

    @asynccontextmanager
    async def channel(self, user: str) -> AsyncIterator[AbstractChannel]:
        """A channel of this user's."""
        async with (
            await aio_pika.connect(self.urls[user]) as connection,
            connection.channel(on_return_raises=True) as channel,
        ):
            yield channel

    async def publish(
        self,
        user: str,
        exchange: str,
        key: str,
        *,
        user_id: str | None = None,
        body: bytes = b"{}",
        content_type: str | None = None,
    ) -> str:
        """What the broker said: routed, unroutable, rejected, refused (no right), forged (another's name).

        Signed with the user's name unless `user_id` is another one, or empty for none.
        """
        properties = aiormq.spec.Basic.Properties(
            content_type=content_type, delivery_mode=2, user_id=user if user_id is None else user_id or None
        )
        async with self.channel(user) as channel:
            underlay = await channel.get_underlay_channel()
            try:
                await underlay.basic_publish(
                    body,
                    exchange=exchange,
                    routing_key=key,
                    properties=properties,
                    mandatory=True,
                    timeout=10,
                )
            except aiormq.exceptions.PublishError:
                return "unroutable"
            except aiormq.exceptions.DeliveryError:
                return "rejected"
            except ChannelAccessRefused:
                return "refused"
            except ChannelPreconditionFailed:
                return "forged"
        return "routed"

    async def take(self, user: str, queue: str, count: int = 1) -> Sequence[AbstractIncomingMessage]:
        """The next messages, acknowledged."""
        taken: list[AbstractIncomingMessage] = []
        async with self.channel(user) as channel:
            await channel.set_qos(prefetch_count=count)
            reader = await channel.get_queue(queue, ensure=False)
            async with asyncio.timeout(30), reader.iterator() as messages:
                async for message in messages:
                    taken.append(message)
                    await message.ack()
                    if len(taken) == count:
                        break
        return taken

    async def hear_all(self, user: str, queue: str, wanted: set[bytes]) -> list[bytes]:
        """Take messages until each of these bodies has come; what came, in order."""
        heard: list[bytes] = []
        missing = set(wanted)
        async with self.channel(user) as channel:
            await channel.set_qos(prefetch_count=200)
            reader = await channel.get_queue(queue, ensure=False)
            async with asyncio.timeout(60), reader.iterator() as messages:
                async for message in messages:
                    heard.append(message.body)
                    await message.ack()
                    missing.discard(message.body)
                    if not missing:
                        break
        return heard
