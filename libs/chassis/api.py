"""All that a service offers over HTTP: its own routes and, the same in every service, those of the runtime."""

from typing import Any

from fastapi import FastAPI

from libs.chassis import audit_api, dead_letter_api, parked_api
from libs.chassis.http import create_app, include
from libs.chassis.service import Service

RUNTIME = (dead_letter_api.router, parked_api.router, audit_api.router)


def whole_app(service: Service, **parts: Any) -> FastAPI:
    """What `create_app` makes of these parts, with the runtime's own routes."""
    app = create_app(service, **parts)
    for router in RUNTIME:
        include(app, router)
    return app
