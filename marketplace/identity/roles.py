"""Staff roles (requirement K3): what each may do, declared once. Whatever is not listed is denied."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    SUPPORT = "support", _("Support")
    REVIEWER = "reviewer", _("Reviewer")
    SUPERVISOR = "supervisor", _("Supervisor")
    ARBITER = "arbiter", _("Arbiter")
    FINANCE = "finance", _("Finance")
    RISK = "risk", _("Risk")
    POLICY_EDITOR = "policy_editor", _("Policy editor")
    AUDITOR = "auditor", _("Auditor")


# Django permission names (app.action_model) by role; decisions are guarded by refunds/permissions.py.
_CASES = {
    "refunds.view_refundrequest", "refunds.view_deadline", "orders.view_order", "identity.view_buyer", "sellers.view_seller",
}  # fmt: skip
_CLOCKS = {"refunds.view_outage", "refunds.view_peak", "refunds.view_calendarday"}  # read by all staff
_FILES = {"refunds.add_refundrequest"}  # for a buyer who phones or writes
_MONEY = {
    "payments.view_capture", "payments.view_transfer", "payments.view_payout", "ledger.view_transaction",
    "ledger.view_account",
}  # fmt: skip
_BREAKS = {"payments.view_break", "payments.view_reconciliation", "payments.view_notification"}
_FUNDS = {"payments.view_withdrawal", "payments.view_settlement"}
_FIGURES = {"refunds.view_casefigure"}  # over all cases, and how much each person decides
_RULES = {"refunds.view_policyversion", "refunds.view_policydraft"}
_PUBLISHES = {"refunds.publish_policydraft"}  # what others wrote
_LAB = {"refunds.view_backtestrun"}
_TRIES = _LAB | {"refunds.add_backtestrun"}  # a draft on decided cases
_DISPUTES = {"risk.view_dispute", "risk.add_dispute", "risk.change_dispute"}
_PAYS = {"payments.change_payout"}  # by hand, two of them; and what a stuck transfer needs
_NOTICES = {"notices.view_notice", "notices.view_delivery", "notices.view_endpoint"}
_AUDITS = {"identity.view_auditentry"}
_RESENDS = {"notices.change_delivery", "notices.change_endpoint"}

_OWN: dict[str, set[str]] = {
    Role.SUPPORT: _CASES | _FILES | _NOTICES | _RULES,
    Role.REVIEWER: _CASES | _FILES | _RULES | _MONEY,
    Role.SUPERVISOR: _CASES
    | _FILES
    | _NOTICES
    | _RESENDS
    | _DISPUTES
    | _RULES
    | _TRIES
    | _MONEY
    | _PAYS
    | _FUNDS
    | _BREAKS
    | _FIGURES
    | {"identity.change_buyer", "risk.view_signal", "risk.add_signal", "risk.change_signal"}
    | _PUBLISHES
    | {"refunds.view_appeal"}
    | _AUDITS
    | {"identity.view_user", "identity.change_user"},
    # Of cases, those alone that a supervisor has seated them in (refunds.permissions.reach).
    Role.ARBITER: {"refunds.view_refundrequest"},
    Role.FINANCE: _CASES
    | _DISPUTES
    | _MONEY
    | _PAYS
    | _FUNDS
    | _BREAKS
    | _FIGURES
    | {"payments.change_break", "payments.move_funds"},
    Role.RISK: _CASES
    | _DISPUTES
    | _MONEY
    | _AUDITS
    | {"identity.change_buyer", "risk.view_signal", "risk.add_signal", "risk.change_signal"},
    Role.POLICY_EDITOR: _RULES
    | _TRIES
    | _FIGURES
    | _PUBLISHES
    | {"refunds.add_policydraft", "refunds.change_policydraft"},
    Role.AUDITOR: _CASES
    | _NOTICES
    | _RULES
    | _LAB
    | _MONEY
    | _FUNDS
    | _BREAKS
    | _FIGURES
    | _AUDITS
    | {
        "refunds.view_appeal",
        "risk.view_signal",
        "risk.view_dispute",
        "identity.view_user",
        "orders.view_shop",
    },
}
PERMISSIONS: dict[str, set[str]] = {role: granted | _CLOCKS for role, granted in _OWN.items()}
