"""Services as small as a test of the broker's side needs them: who handles what, and nothing behind it."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter

from libs.chassis.decision import Cause, Decision, Handler, Records
from libs.chassis.service import Service
from libs.chassis.storage import Storage
from libs.contracts import approvals, assets, catalog, purchasing, receiving, requests
from libs.contracts.message import Command, Message


def _nothing_to_do(_message: Any, _held: Records, _cause: Cause) -> Decision:
    return Decision()


def a_service(
    name: str, queues: Mapping[str, Sequence[type[Message]]], sends: tuple[type[Command], ...] = ()
) -> Service:
    """A service that handles these messages on these queues."""
    return Service(
        name=name,
        queues={
            purpose: tuple(Handler(on=message, decide=_nothing_to_do) for message in messages)
            for purpose, messages in queues.items()
        },
        storage=Storage(),
        routes=APIRouter(),
        sends=sends,
    )


REQUESTS = a_service(
    "requests",
    {
        "inbox": [requests.SubmitRequest, approvals.DecideApproval, catalog.CatalogItemChanged],
        "fulfilment": [
            requests.RequestApproved,
            approvals.ApprovalReminded,
            purchasing.CommandAnswered,
            assets.CommandAnswered,
            assets.AssetsReceived,
        ],
    },
    sends=(purchasing.CreateOrder, purchasing.CancelOrder, purchasing.AnnounceAll, assets.AssignAssets),
)
PURCHASING = a_service(
    "purchasing",
    {
        "inbox": [
            purchasing.CreateOrder,
            purchasing.CancelOrder,
            purchasing.AnnounceAll,
            catalog.DefineVendor,
            receiving.GoodsReceived,
        ]
    },
)  # fmt: skip
RECEIVING = a_service("receiving", {"inbox": [receiving.RecordReceipt, purchasing.OrderSubmitted]})
ASSETS = a_service("assets", {"inbox": [assets.AssignAssets, assets.DefineLocation, receiving.GoodsReceived]})
SERVICES = (REQUESTS, PURCHASING, RECEIVING, ASSETS)
