"""Every error code we ever answer with. Codes are never reused; a new refusal is a new row here.

The HTTP status says which kind it is: 404 unknown, 409 the state forbids it, 422 the content is wrong.
"""

CODES: dict[str, tuple[int, str]] = {
    # what happens to any message
    "invalid_content": (422, "The content breaks the message's contract."),
    "message_id_reused": (422, "This message id was used before with other content."),
    "idempotency_key_reused": (422, "This Idempotency-Key was used before with other content."),
    "not_entitled": (403, "The sender may not say this."),
    "conflict": (409, "Something else changed the same records; try again."),
    # what only HTTP answers
    "body_unparsable": (400, "The body is not JSON."),
    "person_unknown": (401, "Who acts is not said."),
    "address_unknown": (404, "There is nothing at this address."),
    "method_not_allowed": (405, "This address does not know the method."),
    "body_too_slow": (408, "The body did not arrive in time."),
    "body_too_large": (413, "The body is larger than is allowed."),
    "media_type_unsupported": (415, "The body must be application/json."),
    "internal_error": (500, "Something went wrong on our side."),
    "precondition_failed": (412, "It has changed since you looked."),
    "precondition_missing": (428, "Say with If-Match which version you have seen."),
    "unavailable": (503, "The service cannot be reached right now; try again."),
    # dead letters
    "dead_letter_unknown": (404, "No such dead letter."),
    "parked_message_unknown": (404, "No message of this id is parked."),
    "dead_letter_not_replayable": (409, "The message must not be said, in whatever wording."),
    "dead_letter_not_open": (409, "The dead letter was replayed or discarded already."),
    # requests
    "sku_unknown": (422, "No active catalog item has this SKU."),
    "kind_unsupported": (422, "Items of this kind cannot be requested."),
    "total_too_large": (422, "The total is larger than an amount can be."),
    "currency_mismatch": (422, "The item is priced in another currency."),
    "external_reference_reused": (409, "This source used the reference before with other content."),
    "request_unknown": (404, "No such request."),
    "request_not_awaiting_approval": (409, "The request does not wait for approval."),
    "request_not_editable": (409, "Only what waits for approval can be changed."),
    "request_not_withdrawable": (409, "Only what waits for approval can be withdrawn."),
    "request_not_cancellable": (409, "There is nothing left to cancel."),
    "fulfilment_not_stuck": (409, "Nothing was refused and nothing is unanswered."),
    "cost_centre_unknown": (422, "No active cost centre has this code."),
    "own_request": (409, "Nobody decides on their own request."),
    "reason_missing": (422, "A no needs a reason."),
    # purchasing
    "vendor_unknown": (422, "No active vendor has this number."),
    "no_such_vendor": (404, "No such vendor."),
    "no_such_catalog_item": (404, "No such catalog item."),
    "order_unknown": (404, "No such order."),
    "order_cancelled": (409, "The order was cancelled."),
    "approved_amount_exceeded": (409, "The order would cost more than was approved."),
    # receiving
    "order_line_unknown": (422, "The order has no such line."),
    "order_line_repeated": (422, "A receipt names each order line once."),
    "receipt_exceeds_open": (409, "More was received than is open on the order line."),
    "receipt_empty": (422, "A receipt line accepts or rejects at least one unit."),
    "rejection_reason_missing": (422, "A rejected quantity needs a reason."),
    "serial_taken": (409, "Another unit of this item already has this serial number."),
    "serial_repeated": (422, "The same serial number stands twice in one receipt."),
    "kind_not_received": (422, "Goods of this kind are not received unit by unit."),
    "tag_taken": (409, "Another unit already has this tag."),
    "receipt_unknown": (404, "No such receipt."),
    "unit_not_open": (409, "The named unit is not open."),
    "location_unknown": (422, "No active location has this code."),
    "storage_space_unknown": (422, "The location has no such storage space."),
    # assets
    "asset_unknown": (404, "No such asset."),
    "asset_ambiguous": (409, "Assets of several items have this serial number."),
    "asset_for_other_request": (409, "The asset was ordered for another request."),
    "asset_not_in_stock": (409, "Only an asset in stock can be assigned."),
}
