"""Everything an operator can set, read once at the start from QUARTERMASTER_… and frozen.

`.env.example` is `documentation()`; a name of our prefix that nothing reads stops the start: a misspelt
limit is worse than none.
"""

import json
import os
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticUndefined

from libs.chassis.decision import Grant
from libs.contracts.message import what_is_wrong

PREFIX = "QUARTERMASTER_"

READ_ELSEWHERE: Mapping[str, str] = {
    "POSTGRES_URL": "URL of a PostgreSQL to use instead of starting one (local stack and tests only)",
    "RABBITMQ_URL": "AMQP URL of a RabbitMQ to use instead of starting one (local stack and tests only)",
    "RABBITMQ_MANAGEMENT_URL": "URL of that RabbitMQ's management API (local stack and tests only)",
    "STACK": "which step of the ladder the local stack must take: env, docker, local",
    "POSTGRES_BIN": "folder of the PostgreSQL programs the local stack runs",
    "POSTGRES_IMAGE": "container image of PostgreSQL the local stack runs",
    "RABBITMQ_BIN": "folder of the RabbitMQ programs the local stack runs",
    "RABBITMQ_IMAGE": "container image of RabbitMQ the local stack runs",
    "CRASH_AT": "name:n, the crash point at which a test kills the process; never set it otherwise",
}
"""Variables of our prefix that others read, by their name without it: the local stack, the crash points."""

Positive = Annotated[int, Field(ge=1)]


class SettingsInvalid(ValueError):
    """What is wrong with the environment, one line each; the process must not start."""


class Settings(BaseModel):
    """The settings of one process. Each field's description ends with its unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str = Field(
        pattern=r"^postgres(ql)?://",
        repr=False,
        description="PostgreSQL database of this service, with its user and password. URL",
    )
    broker_url: str = Field(
        pattern=r"^amqps?://",
        repr=False,
        description="RabbitMQ with this service's user, password and virtual host. URL",
    )
    environment: Literal["development", "production"] = Field(
        "production", description="In production a moved test clock makes the service unready. Name"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important log line that is written. Name"
    )

    oidc_issuer: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Whose tokens are believed; needed wherever the API is served. http only to ourselves. URL",
    )
    oidc_audience: str = Field(
        "quartermaster", min_length=1, description="For whom a token must have been made out. Name"
    )
    oidc_roles_claim: str = Field(
        "roles",
        min_length=1,
        description="Claim of a token that lists roles, dotted like realm_access.roles. Name",
    )
    act_as: Mapping[str, tuple[Grant, ...]] = Field(
        {},
        description="For whom integrations may act: their names to lists of"
        ' {"persons": ["person-17" or "*"], "roles": ["requester"]}. JSON',
    )

    http_host: str = Field("127.0.0.1", description="Where HTTP listens, without encryption. Address")
    http_port: int = Field(
        8000, ge=0, le=65535, description="Port of API, health and metrics; 0 picks one. Number"
    )
    http_body_bytes_max: Positive = Field(4 * 1024 * 1024, description="Largest request body. Bytes")
    http_upload_bytes_max: Positive = Field(
        64 * 1024 * 1024, description="Largest file that is uploaded to be imported. Bytes"
    )
    http_request_seconds_max: Positive = Field(
        30, description="Longest time a request may take, its body included, or a part of a file. Seconds"
    )

    queues: str = Field(
        "",
        pattern=r"^([a-z_]+( [a-z_]+)*)?$",
        description='Which of its queues a worker takes, such as "invoices"; all of them if empty. Names',
    )
    batch_size_max: Positive = Field(
        200, le=5000, description="Messages decided in one transaction. Messages"
    )
    batch_bytes_max: Positive = Field(8 * 1024 * 1024, description="Bodies in one transaction. Bytes")
    batch_units_max: Positive = Field(
        5000, description="Declared weight (units of goods) in one transaction. Units"
    )
    linger_ms: int = Field(
        5, ge=0, le=1000, description="How long an unfilled batch waits for more. Milliseconds"
    )
    prefetch: Positive = Field(
        400, le=65535, description="Unacknowledged messages per consumer, at least two batches. Messages"
    )
    poison_deaths_max: Positive = Field(
        3, description="Deaths of a process over one message before it is quarantined. Deaths"
    )
    outage_release_seconds: Positive = Field(
        300, description="How long an outage holds messages before they are given back to the broker. Seconds"
    )
    drain_seconds_max: Positive = Field(
        20, description="How long a stopping process may finish what it has begun. Seconds"
    )

    broker_heartbeat_seconds: Positive = Field(
        10, description="Heartbeat of broker connections; a cut cable is noticed after three. Seconds"
    )
    publish_timeout_seconds: Positive = Field(10, description="Longest wait for a publisher confirm. Seconds")
    relay_window: Positive = Field(
        500, le=1000, description="Unconfirmed messages per relay channel. Messages"
    )
    relay_poll_ms: Positive = Field(
        50, le=60_000, description="How often an idle relay looks at the outbox unasked. Milliseconds"
    )
    relay_attempts_max: Positive = Field(
        20, description="Failed attempts to publish one message before it is parked. Attempts"
    )

    database_pool_size: Positive = Field(
        10, le=200, description="Database connections per process. Connections"
    )

    outbox_age_alert_seconds: Positive = Field(
        60, description="Age of the oldest unpublished message that makes the service unready. Seconds"
    )
    waiting_alert_seconds: Positive = Field(
        3600, description="How long a message may wait for its record before it is an alert. Seconds"
    )

    @field_validator("act_as", mode="before")
    @classmethod
    def read_json(cls, value: Any) -> Any:
        """It is written as JSON."""
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError("it must be JSON") from None

    @model_validator(mode="after")
    def keep_tokens_secret(self) -> Self:
        """Keys fetched over a network that anybody may write to would let anybody in."""
        issuer = urlsplit(self.oidc_issuer)
        if issuer.scheme == "http" and not (
            self.environment == "development" and is_loopback(issuer.hostname)
        ):
            raise ValueError(f"{PREFIX}OIDC_ISSUER must be https; http is for loopback in development alone")
        return self

    @property
    def sqlalchemy_url(self) -> str:
        """The database's URL with the driver we use."""
        return sqlalchemy_url(self.database_url)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read QUARTERMASTER_…; an empty variable is unset. Raises SettingsInvalid naming every mistake."""
        ours = {name[len(PREFIX) :]: value for name, value in environment.items() if name.startswith(PREFIX)}
        fields = {name.upper(): name for name in cls.model_fields}
        wrong = [
            f"{PREFIX}{name} is not a setting (see .env.example)"
            for name in sorted(ours.keys() - fields.keys() - READ_ELSEWHERE.keys())
        ]
        given = {fields[name]: value for name, value in ours.items() if name in fields and value}
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            # Without the input: a URL has a password.
            wrong += [
                f"{PREFIX}{str(each['loc'][0]).upper()}: {_place(each['loc'])}{what_is_wrong(each)}"
                if each["loc"]
                else what_is_wrong(each)
                for each in error.errors(include_input=False, include_url=False)
            ]
        if wrong:
            raise SettingsInvalid("\n".join(wrong))
        return settings


def _place(location: Sequence[int | str]) -> str:
    """Where inside a setting that has parts."""
    return ".".join(map(str, location[1:])) + " " if len(location) > 1 else ""


def is_loopback(host: str | None) -> bool:
    """Whether an address leads nowhere but to this machine."""
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def sqlalchemy_url(database_url: str) -> str:
    """A PostgreSQL URL as people write it, with asyncpg named as the driver."""
    return "postgresql+asyncpg://" + database_url.partition("://")[2]


def documentation() -> str:
    """The text of `.env.example`: every setting with its meaning, unit and default."""
    lines = [
        "# Every setting of a service, with its default. The three URLs have none.",
        "# Any other QUARTERMASTER_ variable stops the start.",
        "",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is PydanticUndefined else field.default
        lines += [
            f"# {field.description}",
            f"{'' if default == '' else '#'}{PREFIX}{name.upper()}={default}",
            "",
        ]
    lines += ["# Not settings of a service, read by the local stack and the tests:", ""]
    for name, meaning in READ_ELSEWHERE.items():
        lines += [f"# {meaning}", f"#{PREFIX}{name}=", ""]
    return "\n".join(lines)
