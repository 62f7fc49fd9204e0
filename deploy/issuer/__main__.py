"""`python -m deploy.issuer`: serve it; `rotate` its key; print a `token`. For development alone."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import TypeAdapter, ValidationError

from deploy.issuer.app import issuer_app
from deploy.issuer.keys import Keys
from deploy.local.servers import ROOT
from libs.contracts.permissions import Role
from libs.contracts.values import PersonId

app = typer.Typer(
    invoke_without_command=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
Home = Annotated[Path, typer.Option(help="Where keys and passwords are kept.")]
HOME = ROOT / ".local"
REFUSED = 2


@app.callback()
def serve(
    context: typer.Context,
    home: Home = HOME,
    port: Annotated[int, typer.Option(help="Where it listens.", envvar="QUARTERMASTER_HTTP_PORT")] = 8080,
) -> None:
    """Be an issuer on this machine: everybody is whoever they say they are."""
    environment = os.environ.get("QUARTERMASTER_ENVIRONMENT", "production")
    serves = context.invoked_subcommand is None
    if environment == "production" and (serves or "QUARTERMASTER_ENVIRONMENT" in os.environ):
        sys.stderr.write(
            "The development issuer makes anybody anything; it refuses to start in production."
            " On a developer's machine say QUARTERMASTER_ENVIRONMENT=development.\n"
        )
        raise typer.Exit(REFUSED)
    if serves:
        issuer = issuer_app(f"http://127.0.0.1:{port}", home)
        uvicorn.run(issuer, host="127.0.0.1", port=port, log_level="warning", access_log=False)


@app.command()
def rotate(home: Home = HOME) -> None:
    """Sign with a new key from now on; tokens signed with the one before stay valid."""
    print(f"tokens are signed with the key {Keys(home).rotate()} from now on")


@app.command()
def token(
    person: Annotated[str, typer.Option(help="Who, such as person-17.")],
    role: Annotated[list[Role], typer.Option(help="As what; can be repeated.")],
    home: Home = HOME,
    issuer: Annotated[str, typer.Option(help="Whose token; else the issuer that runs here.")] = "",
) -> None:
    """Print a token: curl -H "Authorization: Bearer $(…)"."""
    try:
        TypeAdapter(PersonId).validate_python(person)
    except ValidationError:
        raise typer.BadParameter(f"{person!r} cannot be a person's id", param_hint="--person") from None
    print(Keys(home).token(issuer or _running(home), person, role))


def _running(home: Path) -> str:
    recorded = home / "services.json"
    issuer = json.loads(recorded.read_text()).get("issuer") if recorded.exists() else None
    if issuer is None:
        sys.stderr.write("No issuer runs here. Start it: make up\n")
        raise typer.Exit(1)
    return str(issuer["url"])


if __name__ == "__main__":
    app()
