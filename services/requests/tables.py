"""Where requests keeps its records: one table per record type, in the order in which they are locked."""

from sqlalchemy import Column, Index, Numeric, UniqueConstraint, text

from libs.chassis.storage import Storage, table
from services.requests.approval import Approval
from services.requests.catalog_entry import CatalogEntry
from services.requests.process import FulfilmentProcess, ProcessLine, ProcessStep, ProcessUnit
from services.requests.purchase_request import PurchaseRequest, RequestLine

STORAGE = Storage(
    table(CatalogEntry, "catalog_entries", UniqueConstraint("sku", name="catalog_entries_sku")),
    table(
        PurchaseRequest,
        "purchase_requests",
        Column("total", Numeric(19, 4), nullable=False),
        UniqueConstraint("number", name="purchase_requests_number"),
        UniqueConstraint("reference_id", "source", name="external_reference_reused"),
        Index("purchase_requests_by_status", "status", "number"),
        Index("purchase_requests_by_requester", "requester", "number"),
        Index(
            "purchase_requests_by_awaiting_role",
            "awaiting_role",
            "number",
            postgresql_where=text("awaiting_role IS NOT NULL"),
        ),
    ),
    table(
        RequestLine,
        "request_lines",
        Column("line_total", Numeric(19, 4), nullable=False),
        Index("request_lines_by_request", "request_id", "position"),
    ),
    table(Approval, "approvals", Index("approvals_by_request", "request_id", "step")),
    table(FulfilmentProcess, "fulfilment_processes"),
    table(ProcessLine, "process_lines", Index("process_lines_by_request", "request_id")),
    table(ProcessUnit, "process_units", Index("process_units_by_request", "request_id")),
    table(ProcessStep, "process_steps", Index("process_steps_by_request", "request_id", "number")),
)
