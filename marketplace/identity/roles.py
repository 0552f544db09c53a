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
_CASES = {"refunds.view_refundrequest", "orders.view_order", "identity.view_buyer", "sellers.view_seller"}
_MONEY = {"payments.view_capture", "payments.view_transfer", "ledger.view_transaction", "ledger.view_account"}
_RULES = {"refunds.view_policyversion"}

PERMISSIONS: dict[str, set[str]] = {
    Role.SUPPORT: _CASES | _RULES,
    Role.REVIEWER: _CASES | _RULES | _MONEY,
    Role.SUPERVISOR: _CASES | _RULES | _MONEY | {"risk.view_signal", "risk.add_signal", "risk.change_signal"},
    Role.ARBITER: set(),
    Role.FINANCE: _CASES | _MONEY,
    Role.RISK: _CASES | _MONEY | {"risk.view_signal", "risk.add_signal", "risk.change_signal"},
    Role.POLICY_EDITOR: _RULES,
    Role.AUDITOR: _CASES | _RULES | _MONEY | {"risk.view_signal", "identity.view_user", "orders.view_shop"},
}
