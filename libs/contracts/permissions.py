"""Who may do what: the one table of roles and actions. What is not in it is denied.

Every route and every command that strangers or persons may give declares its action; a service asks the table alone.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody works as; a person can hold several roles, and may do what any of them may."""

    PROCUREMENT_MANAGER = "procurement_manager"
    STORAGE_MANAGER = "storage_manager"
    ASSET_MANAGER = "asset_manager"
    ASSET_ADMINISTRATOR = "asset_administrator"
    MOBILE_ASSET_MANAGER = "mobile_asset_manager"
    REQUESTER = "requester"
    INTEGRATION = "integration"


class Action(StrEnum):
    """Something that can be done; the first word is the service that lets it be done, or `runtime` for each of them."""

    SUBMIT_REQUESTS = "requests.submit"
    SUBMIT_FOR_OTHERS = "requests.submit_for_others"
    SEE_OWN_REQUESTS = "requests.see_own"
    SEE_ALL_REQUESTS = "requests.see_all"
    EDIT_OWN_REQUESTS = "requests.edit_own"
    EDIT_ALL_REQUESTS = "requests.edit_all"
    CANCEL_REQUESTS = "requests.cancel"
    DECIDE_APPROVALS = "requests.decide_approvals"
    DELEGATE_APPROVALS = "requests.delegate_approvals"
    DELEGATE_FOR_OTHERS = "requests.delegate_for_others"
    SEE_POLICIES = "requests.see_policies"
    MANAGE_POLICIES = "requests.manage_policies"
    MANAGE_PROCESSES = "requests.manage_processes"
    SEE_PEOPLE = "requests.see_people"
    MANAGE_PEOPLE = "requests.manage_people"

    SEE_CATALOG = "purchasing.see_catalog"
    MANAGE_CATALOG = "purchasing.manage_catalog"
    MANAGE_VENDORS = "purchasing.manage_vendors"
    SEE_ORDERS = "purchasing.see_orders"
    MANAGE_ORDERS = "purchasing.manage_orders"
    CONFIRM_SERVICES = "purchasing.confirm_services"
    SEE_INVOICES = "purchasing.see_invoices"
    RECORD_INVOICES = "purchasing.record_invoices"
    SETTLE_INVOICES = "purchasing.settle_invoices"
    MANAGE_TOLERANCES = "purchasing.manage_tolerances"
    MANAGE_PURCHASING_POLICY = "purchasing.manage_policy"
    COPY_PURCHASING = "purchasing.copy"

    SEE_DELIVERIES = "receiving.see_deliveries"
    TAKE_DELIVERY = "receiving.take_delivery"
    MANAGE_SHIPMENTS = "receiving.manage_shipments"
    REVERSE_RECEIPTS = "receiving.reverse_receipts"
    RETURN_GOODS = "receiving.return_goods"
    SETTLE_UNEXPECTED = "receiving.settle_unexpected"
    MANAGE_RECEIPT_TOLERANCES = "receiving.manage_tolerances"
    MANAGE_RECEIVING_POLICY = "receiving.manage_policy"

    SEE_OWN_ASSETS = "assets.see_own"
    SEE_ASSETS = "assets.see_assets"
    SEE_LOCATIONS = "assets.see_locations"
    MANAGE_LOCATIONS = "assets.manage_locations"
    ASSIGN_ASSETS = "assets.assign"
    ISSUE_STOCK = "assets.issue_stock"
    ACKNOWLEDGE_HANDOVERS = "assets.acknowledge_handovers"

    RENEW_COPIES = "runtime.renew_copies"
    MANAGE_DEAD_LETTERS = "runtime.manage_dead_letters"
    SEE_AUDIT = "runtime.see_audit"


_PM, _SM, _AM = Role.PROCUREMENT_MANAGER, Role.STORAGE_MANAGER, Role.ASSET_MANAGER
_AA, _MOBILE = Role.ASSET_ADMINISTRATOR, Role.MOBILE_ASSET_MANAGER
_REQUESTER, _SYSTEM = Role.REQUESTER, Role.INTEGRATION
_MANAGERS = (_PM, _SM, _AM, _AA)
_PERSONS = (*_MANAGERS, _MOBILE, _REQUESTER)

PERMISSIONS: Mapping[Action, frozenset[Role]] = {
    action: frozenset(roles)
    for action, roles in {
        Action.SUBMIT_REQUESTS: (*_MANAGERS, _REQUESTER, _SYSTEM),
        Action.SUBMIT_FOR_OTHERS: (*_MANAGERS, _SYSTEM),
        Action.SEE_OWN_REQUESTS: (*_MANAGERS, _REQUESTER, _SYSTEM),
        Action.SEE_ALL_REQUESTS: _MANAGERS,
        Action.EDIT_OWN_REQUESTS: (*_MANAGERS, _REQUESTER, _SYSTEM),
        Action.EDIT_ALL_REQUESTS: (_PM, _AM, _AA),
        Action.CANCEL_REQUESTS: (_PM, _AM, _AA, _SYSTEM),
        Action.DECIDE_APPROVALS: (*_MANAGERS, _REQUESTER),
        Action.DELEGATE_APPROVALS: (*_MANAGERS, _REQUESTER),
        Action.DELEGATE_FOR_OTHERS: (_AA,),
        Action.SEE_POLICIES: _MANAGERS,
        Action.MANAGE_POLICIES: (_AA,),
        Action.MANAGE_PROCESSES: (_AA,),
        Action.SEE_PEOPLE: (*_MANAGERS, _SYSTEM),
        Action.MANAGE_PEOPLE: (_AA, _SYSTEM),
        Action.SEE_CATALOG: (*_MANAGERS, _REQUESTER, _SYSTEM),
        Action.MANAGE_CATALOG: (_PM, _AM, _AA, _SYSTEM),
        Action.MANAGE_VENDORS: (_PM, _AM, _AA, _SYSTEM),
        Action.SEE_ORDERS: (*_MANAGERS, _SYSTEM),
        Action.COPY_PURCHASING: (_SYSTEM,),
        Action.MANAGE_ORDERS: (*_MANAGERS, _SYSTEM),
        Action.CONFIRM_SERVICES: (*_MANAGERS, _SYSTEM),
        Action.SEE_INVOICES: (*_MANAGERS, _SYSTEM),
        Action.RECORD_INVOICES: (*_MANAGERS, _SYSTEM),
        Action.SETTLE_INVOICES: (*_MANAGERS, _SYSTEM),
        Action.MANAGE_TOLERANCES: (_PM, _AM, _AA),
        Action.MANAGE_PURCHASING_POLICY: (_AA,),
        Action.SEE_DELIVERIES: (*_MANAGERS, _MOBILE, _SYSTEM),
        Action.TAKE_DELIVERY: (*_MANAGERS, _MOBILE, _SYSTEM),
        Action.MANAGE_SHIPMENTS: (*_MANAGERS, _SYSTEM),
        Action.REVERSE_RECEIPTS: (*_MANAGERS, _SYSTEM),
        Action.RETURN_GOODS: (*_MANAGERS, _SYSTEM),
        Action.SETTLE_UNEXPECTED: (*_MANAGERS, _SYSTEM),
        Action.MANAGE_RECEIPT_TOLERANCES: (_PM, _AM, _AA),
        Action.MANAGE_RECEIVING_POLICY: (_AA,),
        Action.SEE_OWN_ASSETS: (*_MANAGERS, _REQUESTER),
        Action.SEE_ASSETS: (*_MANAGERS, _SYSTEM),
        Action.SEE_LOCATIONS: (*_PERSONS, _SYSTEM),
        Action.MANAGE_LOCATIONS: (_SM, _AM, _AA, _SYSTEM),
        Action.ASSIGN_ASSETS: (_AM, _AA, _SYSTEM),
        Action.ISSUE_STOCK: (_SM, _AM, _AA, _SYSTEM),
        Action.ACKNOWLEDGE_HANDOVERS: (*_MANAGERS, _REQUESTER),
        Action.RENEW_COPIES: (_AA,),
        Action.MANAGE_DEAD_LETTERS: (_AA,),
        Action.SEE_AUDIT: (_AA,),
    }.items()
}


def permitted(roles: Iterable[Role], action: Action) -> bool:
    """Whether any of these roles may do this."""
    return not PERMISSIONS[action].isdisjoint(roles)
