"""A card code shown to staff (requirement K3): with a reason, and with a line in the audit log before it is seen."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import AuditKind, User
from marketplace.identity.operations.keep import keep
from marketplace.identity.operations.second_factor import reason_of
from marketplace.kernel.crypto import CannotDecrypt
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.http import Origin
from marketplace.orders import secrets
from marketplace.orders.models import Unit

from ..models import RefundRequest
from ..permissions import reach, require_deed


class NoCode(Refusal):
    code = "no_code"
    title = _("This unit has no code.")


class CodeUnreadable(Refusal):
    code = "code_unreadable"
    title = _("The code cannot be read: its key is missing.")


def show_code(*, number: str, ref: str, reason: str, user: User, origin: Origin, now: datetime) -> str:
    """The code of a unit of the case's order. Each call is one view, kept for good.

    Raises NotPermitted, NotFound, ReasonNeeded, NoCode, CodeUnreadable.
    """
    require_deed(user, "show_code")
    reason = reason_of(reason)
    case = RefundRequest.objects.select_related("order").filter(reach(user), number=number).first()
    unit = Unit.objects.filter(order=case.order_id, ref=ref).first() if case else None
    if case is None or unit is None:
        raise NotFound()
    if unit.sealed_secret is None:
        raise NoCode()
    with transaction.atomic(durable=True):
        subject = f"{case.order.no}/{unit.ref}"
        keep(
            AuditKind.CODE_SHOWN, user=user, subject=subject, number=number, reason=reason, origin=origin, now=now
        )  # fmt: skip
    try:
        return secrets.unseal(unit, case.order.no)
    except CannotDecrypt as error:
        raise CodeUnreadable() from error
