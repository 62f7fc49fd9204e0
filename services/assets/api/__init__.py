"""The assets service over HTTP, a module for each thing that people do here."""

from fastapi import APIRouter

from services.assets.api import assets, entitlements, locations, lots

router = APIRouter()
for each in (assets, entitlements, lots, locations):
    router.include_router(each.router)
