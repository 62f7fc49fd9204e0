"""The receiving service over HTTP, a module for each thing that people do at the dock."""

from fastapi import APIRouter

from services.receiving.api import (
    expected,
    imports,
    invoiced,
    labels,
    places,
    policies,
    receipts,
    scans,
    shipments,
    taking_back,
    unexpected,
)

router = APIRouter()
for each in (
    receipts,
    taking_back,
    unexpected,
    invoiced,
    policies,
    shipments,
    imports,
    expected,
    labels,
    places,
    scans,
):
    router.include_router(each.router)
