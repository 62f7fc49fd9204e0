"""Where requests keeps its records: one table per record type, in the order in which they are locked."""

from sqlalchemy import CheckConstraint, Column, Index, Numeric, UniqueConstraint, literal_column, text

from libs.chassis.storage import Storage, table
from services.requests.approval_round import Approval, ApprovalRound, ApprovalSeat
from services.requests.copies import CatalogEntry, KnownLocation, KnownVendor
from services.requests.delegation import Delegation, DelegationBook
from services.requests.directory import CostCentre, Group, Person
from services.requests.exchange_rate import KnownRate
from services.requests.order_to_approve import OrderToApprove
from services.requests.policy import ApprovalPolicy, ApprovalPolicyVersion
from services.requests.process import FulfilmentProcess, ProcessStep, ProcessUnit
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import PurchaseRequest, RequestLine, RequestRevision

STORAGE = Storage(
    table(
        Person,
        "people",
        UniqueConstraint("person_id", name="people_person_id"),
        Index(
            "people_by_beginning_of_id",
            literal_column("lower(person_id)").label("beginning"),
            postgresql_ops={"beginning": "text_pattern_ops"},
        ),
        Index(
            "people_by_beginning_of_name",
            literal_column("lower(name)").label("beginning"),
            postgresql_ops={"beginning": "text_pattern_ops"},
        ),
        Index("people_by_authority", "roles", "groups", "cost_centres", postgresql_using="gin"),
    ),
    table(Group, "groups", UniqueConstraint("code", name="groups_code")),
    table(CostCentre, "cost_centres", UniqueConstraint("code", name="cost_centres_code")),
    table(DelegationBook, "delegation_books"),
    table(
        Delegation,
        "delegations",
        CheckConstraint("from_date <= until_date", name="delegations_dates"),
        Index("delegations_by_status", "book_id", "status"),
        Index("delegations_by_delegator", "delegator", "id"),
        Index("delegations_by_delegate", "delegate", "id"),
    ),
    table(CatalogEntry, "catalog_entries", UniqueConstraint("sku", name="catalog_entries_sku")),
    table(
        KnownRate,
        "known_rates",
        Column("rate", Numeric(19, 10), nullable=False),
        Index("known_rates_by_currency", "currency_id"),
    ),
    table(ApprovalPolicy, "approval_policies"),
    table(
        ApprovalPolicyVersion,
        "approval_policy_versions",
        UniqueConstraint("number", name="approval_policy_versions_number"),
    ),
    table(KnownVendor, "known_vendors", UniqueConstraint("number", name="known_vendors_number")),
    table(KnownLocation, "known_locations", UniqueConstraint("code", name="known_locations_code")),
    table(
        PurchaseRequest,
        "purchase_requests",
        Column("total", Numeric(19, 4), nullable=False),
        Column("approved_total", Numeric(19, 4)),
        UniqueConstraint("ordinal", name="purchase_requests_ordinal"),
        UniqueConstraint("reference_id", "source", name="external_reference_reused"),
        # Every one of these is written with each change of a status: none without a question that needs it.
        Index("purchase_requests_by_status", "status", "ordinal"),
        Index("purchase_requests_by_requester", "requester", "ordinal"),
        Index(
            "purchase_requests_by_receiver",
            "on_behalf_of",
            "ordinal",
            postgresql_where=text("on_behalf_of IS NOT NULL"),
        ),
        Index(
            "purchase_requests_by_submitter",
            "submitted_by",
            "ordinal",
            postgresql_where=text("submitted_by <> source AND submitted_by <> requester"),
        ),
        Index("purchase_requests_by_cost_centre", "cost_centre", "ordinal"),
        Index("purchase_requests_by_source", "source", "status", "ordinal"),
        Index("purchase_requests_by_words", text("to_tsvector('simple', words)"), postgresql_using="gin"),
    ),
    table(
        RequestLine,
        "request_lines",
        Column("line_total", Numeric(19, 4), nullable=False),
        Index("request_lines_by_request", "request_id", "position"),
    ),
    table(
        RequestRevision,
        "request_revisions",
        Column("total", Numeric(19, 4), nullable=False),
        Index("request_revisions_by_request", "request_id", "number"),
    ),
    table(OrderToApprove, "orders_to_approve", Column("total", Numeric(19, 4), nullable=False)),
    table(
        ApprovalRound,
        "approval_rounds",
        Column("total", Numeric(19, 4), nullable=False),
        Index("approval_rounds_by_request", "request_id", "number"),
        Index(
            "approval_rounds_open", "purpose", "ordinal", "number", postgresql_where=text("status = 'open'")
        ),
    ),
    table(
        ApprovalSeat,
        "approval_seats",
        Index("approval_seats_open", "approver", "ordinal", "round", postgresql_where=text("open")),
        Index("approval_seats_open_by_request", "request_id", postgresql_where=text("open")),
    ),
    table(Approval, "approvals", Index("approvals_by_request", "request_id", "round", "step")),
    table(FulfilmentProcess, "fulfilment_processes", Index("fulfilment_processes_by_stage", "stage", "id")),
    table(ProcessLine, "process_lines", Index("process_lines_by_request", "request_id")),
    table(ProcessUnit, "process_units", Index("process_units_by_request", "request_id", "id")),
    table(ProcessStep, "process_steps", Index("process_steps_by_request", "request_id", "number")),
)
