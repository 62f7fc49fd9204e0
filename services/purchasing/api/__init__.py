"""The purchasing service over HTTP, a module for each thing that people do here."""

from fastapi import APIRouter

from services.purchasing.api import catalog, documents, exchange_rates, imports, orders, tolerances, vendors

router = APIRouter()
for each in (vendors, catalog, exchange_rates, imports, orders, documents, tolerances):
    router.include_router(each.router)
