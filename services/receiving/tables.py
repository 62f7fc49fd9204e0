"""How receiving keeps its records: parents before children, the order in which they are locked.

Without foreign keys: a decision holds the parent that it gives a child to; a check would be paid per unit.
"""

from sqlalchemy import CheckConstraint, Column, Index, Numeric, text

from libs.chassis.storage import Storage, table
from services.receiving.expectation import (
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    OrderName,
    TakenAmendment,
)
from services.receiving.invoiced import InvoicedDelivery
from services.receiving.item import Item, ItemGtin
from services.receiving.label import RegisteredLabel
from services.receiving.manifest import AnnouncedSerial, Package
from services.receiving.parts import DeliveryInParts
from services.receiving.place import Place
from services.receiving.receipt import Receipt, ReceiptLine, ReceiptUnit
from services.receiving.returning import Return, ReturnLine
from services.receiving.scan_receipt import ScanReceipt
from services.receiving.scan_session import ScanSession
from services.receiving.serial import RegisteredSerial
from services.receiving.shipment import Shipment, ShipmentName, TrackingNumber
from services.receiving.strictness import ReceiptTolerance, ReceivingPolicy
from services.receiving.taken_scan import TakenScan
from services.receiving.taking_back import TakenBackUnit
from services.receiving.unexpected import UnexpectedDelivery
from services.receiving.verdict import Finding

STORAGE = Storage(
    table(Place, "places", Index("places_by_code", "code", unique=True)),
    table(ReceivingPolicy, "receiving_policies"),
    table(ReceiptTolerance, "receipt_tolerances", Column("percent", Numeric(7, 4), nullable=True)),
    table(DeliveryInParts, "deliveries_in_parts"),
    table(InvoicedDelivery, "invoiced_deliveries", Index("invoiced_deliveries_by_order", "order_id")),
    table(
        UnexpectedDelivery,
        "unexpected_deliveries",
        Index("unexpected_deliveries_by_number", "number", unique=True),
        Index("unexpected_deliveries_by_order", "order_id"),
        Index("unexpected_deliveries_recorded", "number", postgresql_where=text("status = 'recorded'")),
    ),
    table(ScanSession, "scan_sessions", Index("scan_sessions_by_order", "order_id")),
    table(ScanReceipt, "scan_receipts", Index("scan_receipts_by_session", "session_id", "part")),
    table(
        TakenScan,
        "taken_scans",
        Index("taken_scans_by_session", "session_id"),
        Index("taken_scans_by_unit", "unit_key"),
    ),
    table(Finding, "scan_findings", Index("scan_findings_by_session", "session_id", "verdict", "id")),
    table(Item, "items"),
    table(ItemGtin, "item_gtins"),
    table(
        ExpectedOrder,
        "expected_orders",
        Index("expected_orders_by_requisition_number", "requisition_number", unique=True),
        Index("expected_orders_by_request", "request_id"),
    ),
    table(OrderName, "order_names"),
    table(TakenAmendment, "taken_amendments"),
    table(
        ExpectedLine,
        "expected_lines",
        CheckConstraint("asked >= 0 AND accepted >= 0 AND rejected >= 0", name="figures_are_counts"),
        CheckConstraint("returned BETWEEN 0 AND accepted AND credited >= 0", name="what_went_back_was_here"),
        CheckConstraint("units_made >= ordered", name="units_are_numbered"),
        Index("expected_lines_by_order", "order_id"),
        Index("expected_lines_by_request", "request_id", postgresql_where=text("request_id IS NOT NULL")),
        Index(
            "expected_lines_open",
            "order_id",
            postgresql_where=text("ordered + returned > accepted + asked + credited"),
        ),
    ),
    table(
        ExpectedUnit,
        "expected_units",
        Index("expected_units_by_line", "order_line_id", "unit_number", unique=True),
        Index("expected_units_by_tag", "tag", postgresql_where=text("tag IS NOT NULL")),
        Index("expected_units_by_receipt", "receipt_id", postgresql_where=text("receipt_id IS NOT NULL")),
        Index("expected_units_again", "line_again", postgresql_where=text("line_again IS NOT NULL")),
    ),
    table(RegisteredSerial, "registered_serials"),
    table(RegisteredLabel, "registered_labels"),
    table(
        Shipment,
        "shipments",
        Index("shipments_by_number", "number", unique=True),
        Index("shipments_by_ordinal", "ordinal", unique=True),
        Index("shipments_by_order", "order_id", "ordinal"),
        Index("shipments_by_status", "status", "ordinal"),
        Index("shipments_by_words", text("to_tsvector('simple', words)"), postgresql_using="gin"),
    ),
    table(ShipmentName, "shipment_names"),
    table(TrackingNumber, "tracking_numbers"),
    table(Package, "packages"),
    table(
        AnnouncedSerial,
        "announced_serials",
        Index("announced_serials_by_serial", "serial_id"),
        Index("announced_serials_by_shipment", "shipment_id"),
        Index("announced_serials_by_order", "order_id"),
    ),
    table(
        Receipt,
        "receipts",
        Index("receipts_by_number", "number", unique=True),
        Index("receipts_by_order", "order_id"),
    ),
    table(
        ReceiptLine,
        "receipt_lines",
        CheckConstraint("(location IS NULL) = (storage_space IS NULL)", name="a_quantity_is_in_one_place"),
        Index("receipt_lines_by_receipt", "receipt_id"),
    ),
    table(ReceiptUnit, "receipt_units", Index("receipt_units_by_line", "receipt_line_id")),
    table(
        Return,
        "returns",
        CheckConstraint("purpose IN ('replacement', 'credit')", name="purpose_is_known"),
        Index("returns_by_number", "number", unique=True),
        Index("returns_by_order", "order_id"),
    ),
    table(
        ReturnLine,
        "return_lines",
        CheckConstraint("quantity > 0 AND credited BETWEEN 0 AND quantity", name="figures_are_counts"),
        Index("return_lines_by_return", "return_id"),
        Index("return_lines_by_receipt", "receipt_id", postgresql_where=text("receipt_id IS NOT NULL")),
    ),
    table(TakenBackUnit, "taken_back_units", Index("taken_back_units_by_take_back", "take_back_id")),
)
