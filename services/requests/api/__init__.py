"""The requests service over HTTP, a module for each thing that people do here."""

from fastapi import APIRouter

from services.requests.api import requests

router = APIRouter()
for each in (requests,):
    router.include_router(each.router)
