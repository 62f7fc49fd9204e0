"""The page `docs/permissions.md`: the table of roles and actions, made from the code that is asked."""

from __future__ import annotations

from itertools import groupby

from libs.contracts.permissions import PERMISSIONS, Role

INTRODUCTION = """\
# Who may do what

Written by `make docs`; a test keeps it current. The table is
[`libs/contracts/permissions.py`](../libs/contracts/permissions.py), and every service asks it alone.

- A person's roles come from their token: the claim `QUARTERMASTER_OIDC_ROLES_CLAIM` of a token that the issuer
  `QUARTERMASTER_OIDC_ISSUER` has signed for the audience `QUARTERMASTER_OIDC_AUDIENCE`. Several roles add up; roles of
  other systems in the same claim are ignored.
- What is not in the table is denied. Every route and every command declares its action; a test visits them all.
- The table says what somebody may do at all. To whose requests or assets, and whether it is their turn, is checked with
  the records: who lacks `requests.see_all` sees their own, and those they may decide on; nobody decides on their own.
- Another system is an *integration*, known by its user on the broker, or over HTTP by a client-credentials token. For a
  person it acts with the roles of a grant in `QUARTERMASTER_ACT_AS`, or with that person's token:
  [why](decisions/0009-acting-for-persons.md).
- Our own services need no role for the commands they give each other; the broker lets each give only those it declares.
- Who did what, as whom and from where is kept for ever: `GET /api/v1/audit` of each service (`runtime.see_audit`).
"""


def page() -> str:
    """The whole page."""
    sections = [INTRODUCTION]
    for service, actions in groupby(PERMISSIONS, lambda action: action.partition(".")[0]):
        title = "Every service" if service == "runtime" else service.capitalize()
        heads = " | ".join(role.replace("_", " ") for role in Role)
        rows = [f"| action | {heads} |", "|---|" + ":-:|" * len(Role)]
        for action in actions:
            cells = " | ".join("✓" if role in PERMISSIONS[action] else "" for role in Role)
            rows.append(f"| `{action}` | {cells} |")
        sections.append(f"## {title}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(sections)
