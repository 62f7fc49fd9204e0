"""Writes RabbitMQ's definitions for a deployment, from what the services declare.

    python -m deploy.definitions > deploy/definitions.json
    python -m deploy.definitions --vhost VHOST --passwords FILE | rabbitmqadmin import -

Without passwords (a JSON object of user and password) none of the users can log in: that is the file kept in
git, where a change of the topology shows as what it means to the broker. Loading is additive: what is not
declared any more stays until somebody deletes it, so that a release can be taken back.
"""

import argparse
import json
import sys
from pathlib import Path

from deploy.local.definitions import broker_definitions


def main() -> None:
    """Print the definitions."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.definitions", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--vhost", default="quartermaster", help="virtual host (default: quartermaster)")
    parser.add_argument("--passwords", type=Path, help='file: {"requests": "…", …, "admin": "…"}')
    chosen = parser.parse_args()
    passwords = json.loads(chosen.passwords.read_text()) if chosen.passwords else {}
    json.dump(broker_definitions(chosen.vhost, passwords), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
