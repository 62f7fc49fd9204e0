"""Settings are read once, completely, and a mistake in them stops the start."""

import pytest

from libs.chassis.settings import READ_ELSEWHERE, Settings, SettingsInvalid, documentation
from tests.conftest import ROOT

REQUIRED = {
    "QUARTERMASTER_DATABASE_URL": "postgresql://assets:hidden@db/assets",
    "QUARTERMASTER_BROKER_URL": "amqp://assets:hidden@broker/main",
}
UNITS = [
    "URL",
    "Name",
    "Address",
    "Number",
    "Seconds",
    "Milliseconds",
    "Bytes",
    "Messages",
    "Units",
    "Deaths",
    "Attempts",
    "Connections",
    "JSON",
    "Names",
]


def test_env_example_lists_every_setting() -> None:
    assert (ROOT / ".env.example").read_text() == documentation()


def test_every_setting_says_its_unit() -> None:
    without = [name for name, field in Settings.model_fields.items() if not says_unit(field.description)]

    assert without == []


def says_unit(description: str | None) -> bool:
    return (description or "").rpartition(". ")[2] in UNITS


def test_settings_have_defaults_but_for_the_two_urls() -> None:
    settings = Settings.from_environment(REQUIRED)

    assert settings.database_url == "postgresql://assets:hidden@db/assets"
    assert settings.sqlalchemy_url == "postgresql+asyncpg://assets:hidden@db/assets"
    assert (settings.http_host, settings.batch_size_max, settings.environment) == (
        "127.0.0.1",
        200,
        "production",
    )


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_environment(REQUIRED | {"QUARTERMASTER_LINGER_MS": ""}).linger_ms == 5


def test_a_misspelt_setting_stops_the_start() -> None:
    with pytest.raises(SettingsInvalid) as stopped:
        Settings.from_environment(REQUIRED | {"QUARTERMASTER_PREFECH": "10"})

    assert str(stopped.value) == "QUARTERMASTER_PREFECH is not a setting (see .env.example)"


def test_variables_of_the_local_stack_are_not_ours_to_judge() -> None:
    theirs = {f"QUARTERMASTER_{name}": "anything" for name in READ_ELSEWHERE}

    assert Settings.from_environment(REQUIRED | theirs) == Settings.from_environment(REQUIRED)


def test_every_mistake_is_named_and_no_password_shown() -> None:
    wrong = {
        "QUARTERMASTER_DATABASE_URL": "mysql://root:hidden@db",
        "QUARTERMASTER_HTTP_PORT": "eighty",
        "QUARTERMASTER_BATCH_SIZE_MAX": "0",
    }

    with pytest.raises(SettingsInvalid) as stopped:
        Settings.from_environment(wrong)

    said = str(stopped.value)
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "QUARTERMASTER_DATABASE_URL",
        "QUARTERMASTER_BROKER_URL",
        "QUARTERMASTER_HTTP_PORT",
        "QUARTERMASTER_BATCH_SIZE_MAX",
    ]
    assert "hidden" not in said


def test_settings_do_not_change_and_do_not_show_passwords() -> None:
    settings = Settings.from_environment(REQUIRED)

    assert "hidden" not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.http_port = 1
