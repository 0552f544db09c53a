"""An appeal as the seller of the case sees it: their own, its state, and the buyer's."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from refunds.machine import Party
from refunds.models import Appeal, RefundRequest
from refunds.operations.appealed import appealable

from .looks import Look

LOOKS: dict[str, Look] = {
    "": Look("clock", "info", _("With a supervisor"), _("A supervisor who took no part in the decision reads it.")),
    Appeal.Outcome.UPHELD: Look("scales", "calm", _("Decision upheld"), _("You bear the refund. This is final on the platform.")),
    Appeal.Outcome.OVERTURNED: Look("check", "good", _("You were right"), _("The platform makes this good to you; the buyer keeps the refund.")),
    Appeal.Outcome.HEARD: Look("undo", "info", _("Heard"), _("The case was opened again, and a reviewer decides anew.")),
    Appeal.Outcome.ESCALATED: Look("scales", "info", _("Taken to arbitration"), _("A ruling ends the case.")),
    Appeal.Outcome.DISMISSED: Look("cross", "calm", _("Dismissed"), _("The decision stands.")),
}  # fmt: skip


def appeal_shown(case: RefundRequest, now: datetime) -> dict[str, Any]:
    """For portal/case/appeal.html, of a case as case.load() reads it."""
    try:
        appealable(case, Party.SELLER, now)
    except Refusal:
        may_appeal = False
    else:
        may_appeal = True
    return {
        "may_appeal": may_appeal,
        "appeals": [
            (LOOKS[appeal.outcome], appeal, appeal.party == Party.SELLER) for appeal in case.appeals.all()
        ],
    }
