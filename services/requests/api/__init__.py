"""The requests service over HTTP, a module for each thing that people do here."""

from fastapi import APIRouter

from services.requests.api import people, requests

router = APIRouter()
for each in (requests, people):
    router.include_router(each.router)
