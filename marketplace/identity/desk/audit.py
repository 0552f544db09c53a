"""The audit log's page: who did what, by person, kind and days, and as a file."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.csvfile import csv_file

from ..audit_log import GROUPS, Line, Place, Wanted, every, page
from ..models import AuditKind
from .devices import device_in_words

ROWS = 100
MOST_IN_FILE = 100_000
USUAL = timedelta(days=7)
INSTANT = "%Y-%m-%d %H:%M:%S"
# How a line looks: an icon and a tone beside its word.
LOOKS = {
    AuditKind.SIGN_IN_FAILED: ("person_off", "warn"),
    AuditKind.LOCKED: ("lock", "bad"),
    AuditKind.CODE_WRONG: ("pin", "warn"),
    AuditKind.PROOF_WRONG: ("pin", "warn"),
    AuditKind.RECOVERY_USED: ("key", "warn"),
    AuditKind.FACTOR_REMOVED: ("phonelink_erase", "warn"),
    AuditKind.FACTOR_RESET: ("phonelink_erase", "warn"),
    AuditKind.ROLE_CHANGED: ("badge", "info"),
    AuditKind.CODE_SHOWN: ("visibility", "info"),
    AuditKind.IDENTITY_OPENED: ("visibility", "info"),
}


def _day(label: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))


class LogForm(forms.Form):
    """Days of Beijing, both included."""

    who = forms.CharField(
        label=gettext_lazy("User name"), required=False, max_length=150,
        widget=forms.TextInput({"placeholder": gettext_lazy("All"), "autocomplete": "off"}),
    )  # fmt: skip
    group = forms.ChoiceField(
        label=gettext_lazy("What"),
        required=False,
        choices=[("", gettext_lazy("All")), *((key, word) for key, (word, _kinds) in GROUPS.items())],
    )
    since = _day(gettext_lazy("From"))
    until = _day(gettext_lazy("Until and including"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["until"] < data["since"]:
            self.add_error("until", _("%(until)s lies before %(since)s: choose a later day.") % data)
        return data


def audit_page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    today = timezone.now().astimezone(SHANGHAI).date()
    usual = {"who": "", "group": "", "since": today - USUAL, "until": today}
    form = LogForm(request.GET if {"since", "until"} & request.GET.keys() else None, initial=usual)
    chosen = usual if not form.is_bound else form.cleaned_data if form.is_valid() else None
    wanted = _wanted(chosen) if chosen else None
    if wanted and "csv" in request.GET:
        return _file(wanted)
    lines = page(wanted, _place(request.GET.get("before", "")), ROWS + 1) if wanted else []
    query = request.GET.copy()
    if len(lines) > ROWS:
        query["before"] = _mark(lines[ROWS - 1].place)
        query.setdefault("since", str(usual["since"]))
        query.setdefault("until", str(usual["until"]))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Audit log"),
        "form": form,
        "lines": [_shown(line) for line in lines[:ROWS]],
        "older": query.urlencode() if len(lines) > ROWS else "",
        "may_read_cases": request.user.has_perm("refunds.view_refundrequest"),
    }
    return TemplateResponse(request, "desk/audit.html", context, status=422 if form.errors else 200)


def _wanted(chosen: dict[str, Any]) -> Wanted:
    since = datetime.combine(chosen["since"], time.min, SHANGHAI)
    until = datetime.combine(chosen["until"] + timedelta(days=1), time.min, SHANGHAI)
    return Wanted(since, until, chosen["who"].strip(), chosen["group"])


def _shown(line: Line) -> dict[str, Any]:
    icon, tone = LOOKS.get(line.kind, ("chevron_right", "calm"))  # type: ignore[call-overload]
    device = device_in_words(line.device) if line.device else ""
    return {"line": line, "icon": icon, "tone": tone, "device": device}


def _mark(place: Place) -> str:
    return f"{place.at.isoformat()}_{int(place.is_ours)}_{place.id}"


def _place(mark: str) -> Place | None:
    """None, the first page, for what is no mark of ours."""
    at, _bar, rest = mark.partition("_")
    is_ours, _bar, row = rest.partition("_")
    try:
        place = Place(datetime.fromisoformat(at), is_ours == "1", int(row))
    except ValueError:
        return None
    return place if place.at.tzinfo and 0 < place.id < 2**63 else None


def _file(wanted: Wanted) -> HttpResponse:
    header = [
        _("Time"), _("What"), _("User name"), _("About"), _("Subject"), _("Case"), _("Reason"), _("IP address"),
        _("Device"),
    ]  # fmt: skip
    rows = (
        [
            f"{timezone.localtime(line.place.at):{INSTANT}}", line.word, _plain(line.who), _plain(line.about),
            _plain(line.subject), line.number, _plain(line.reason), line.ip, _plain(line.device),
        ]
        for line in every(wanted, MOST_IN_FILE)
    )  # fmt: skip
    return csv_file(
        f"audit-{wanted.since:%Y%m%d}-{wanted.until - timedelta(days=1):%Y%m%d}.csv", header, rows
    )


def _plain(text: str) -> str:
    """What somebody typed is no formula to the spreadsheet that opens it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
