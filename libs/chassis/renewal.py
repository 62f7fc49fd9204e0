"""A service whose database is new asks for what it keeps copies of: of what was said before, it heard nothing."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.envelope import Outgoing, exchange_for, outbox_row
from libs.chassis.ids import timed_id
from libs.chassis.output import encoded, save_outbox
from libs.chassis.service import Service

# Whatever was handled in the last weeks left a row; after a longer sleep asking once more does no harm.
_NEVER_HEARD = text(
    "SELECT chassis.app_now() AS now, NOT EXISTS (SELECT FROM chassis.inbox)"
    " AND NOT EXISTS (SELECT FROM chassis.stranger_inbox) AS is_new"
)


async def ask_if_new(service: Service, engine: AsyncEngine) -> bool:
    """Tell ourselves to renew our copies, if no message was ever handled here; whether that was so.

    Of several processes that start at once each may ask: what is said twice changes nothing.
    """
    if service.renews is None:
        return False
    async with engine.begin() as connection:
        found = (await connection.execute(_NEVER_HEARD)).one()
        if not found.is_new:
            return False
        command = service.renews()
        id = timed_id(found.now, service.name, command.type)
        said = Outgoing(
            message_id=id,
            type=command.type,
            sender=service.name,
            exchange=exchange_for(type(command), service.name),
            routing_key=command.type,
            ordering_key=id,
            time=found.now,
            correlation_id=str(id),
            body=encoded(command),
        )
        await save_outbox(connection, [outbox_row(said)])
    return True
