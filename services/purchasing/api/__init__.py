"""The purchasing service over HTTP, a module for each thing that people do here."""

from fastapi import APIRouter

from services.purchasing.api import catalog, orders, tolerances

router = APIRouter()
for each in (catalog, orders, tolerances):
    router.include_router(each.router)
