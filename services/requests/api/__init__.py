"""The requests service over HTTP, a module for each thing that people do here."""

from fastapi import APIRouter

from services.requests.api import approvals, delegations, people, policies, requests

router = APIRouter()
for each in (requests, people, delegations, approvals, policies):
    router.include_router(each.router)
