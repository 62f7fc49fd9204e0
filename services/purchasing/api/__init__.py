"""The purchasing service over HTTP, a module for each thing that people do here."""

from fastapi import APIRouter

from services.purchasing.api import (
    amendments,
    catalog,
    documents,
    exchange_rates,
    imports,
    invoice_export,
    invoices,
    order_commands,
    orders,
    policies,
    tolerances,
    vendors,
)

router = APIRouter()
for each in (
    vendors,
    catalog,
    exchange_rates,
    imports,
    orders,
    amendments,
    order_commands,
    policies,
    documents,
    invoices,
    invoice_export,
    tolerances,
):
    router.include_router(each.router)
