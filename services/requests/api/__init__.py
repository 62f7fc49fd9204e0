"""The requests service over HTTP, a module for each thing that people do here."""

from fastapi import APIRouter

from services.requests.api import (
    approvals,
    copies,
    delegations,
    order_approvals,
    people,
    policies,
    processes,
    requests,
)

router = APIRouter()
for each in (requests, processes, people, delegations, approvals, order_approvals, policies, copies):
    router.include_router(each.router)
