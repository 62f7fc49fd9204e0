"""The receiving service over HTTP, a module for each thing that people do at the dock."""

from fastapi import APIRouter

from services.receiving.api import expected, places, receipts

router = APIRouter()
for each in (receipts, expected, places):
    router.include_router(each.router)
