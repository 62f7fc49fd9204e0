"""The assets service over HTTP, a module for each thing that people do here."""

from fastapi import APIRouter

from services.assets.api import assets, locations

router = APIRouter()
for each in (assets, locations):
    router.include_router(each.router)
