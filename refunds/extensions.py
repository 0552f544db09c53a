"""Extensions of a case's clocks, as both sides and staff read them (requirement E7)."""

from typing import NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from .models import Deadline, Extension, RefundRequest


class PutOff(NamedTuple):
    """One clock put off once. Staff's names are for staff: screens of others leave `extension.user` out."""

    clock: Deadline
    extension: Extension
    why: str


def put_off(request: RefundRequest) -> list[PutOff]:
    """Of all clocks of the case, oldest first, in one query."""
    rows = Extension.objects.filter(deadline__request=request)
    return [
        PutOff(row.deadline, row, why(row))
        for row in rows.select_related("deadline", "outage", "user").order_by("id")
    ]


def why(extension: Extension) -> str:
    """The person's words, or which outage it was."""
    outage = extension.outage
    if outage is None or outage.ended_at is None:
        return extension.note
    since, until = (
        date_format(timezone.localtime(at), "Y-m-d H:i") for at in (outage.started_at, outage.ended_at)
    )
    return _("The platform was out from %(since)s to %(until)s.") % {"since": since, "until": until}
