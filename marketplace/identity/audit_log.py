"""The audit log as it is read: our own entries and the admin's, in one order, page by page (requirement K3)."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .models import AuditEntry, AuditKind
from .operations.prove import CODE, PASSWORD, RECOVERY
from .roles import Role

Kind = AuditKind
CHANGED = "changed"  # what the admin's own log says
GROUPS: dict[str, tuple[str | Promise, tuple[str, ...]]] = {
    "sign_ins": (
        _("Sign-ins"),
        (Kind.SIGNED_IN, Kind.SIGNED_OUT, Kind.SIGN_IN_FAILED, Kind.LOCKED, Kind.CODE_WRONG, Kind.RECOVERY_USED),
    ),
    "views": (_("Codes and documents seen"), (Kind.CODE_SHOWN, Kind.IDENTITY_OPENED)),
    "proofs": (_("Fresh proofs"), (Kind.PROVED, Kind.PROOF_WRONG)),
    "accounts": (
        _("Accounts, roles and sessions"),
        (
            Kind.ENROLLED, Kind.CODES_RENEWED, Kind.FACTOR_REMOVED, Kind.FACTOR_RESET, Kind.PASSWORD_CHANGED,
            Kind.SESSION_ENDED, Kind.ROLE_CHANGED,
        ),
    ),
    CHANGED: (_("Rows changed"), ()),
}  # fmt: skip
PROOFS = {CODE: _("Code of the app"), RECOVERY: _("Recovery code"), PASSWORD: _("Password")}


class Place(NamedTuple):
    """Where a line stands: by time, then our own before the admin's, then by id. Compared as it is ordered."""

    at: datetime
    is_ours: bool
    id: int


class Line(NamedTuple):
    place: Place
    kind: str
    word: str | Promise
    who: str  # "" for nobody we know
    about: str
    subject: str
    number: str
    reason: str
    ip: str
    device: str


class Wanted(NamedTuple):
    since: datetime
    until: datetime
    who: str = ""  # a user name, as typed
    group: str = ""  # of GROUPS; "" for all


def page(wanted: Wanted, before: Place | None, size: int) -> list[Line]:
    """`size` lines at most, the latest first, from `before` on."""
    found: list[Line] = []
    if wanted.group != CHANGED:
        found += map(_ours, _entries(wanted, before)[:size])
    if wanted.group in ("", CHANGED):
        found += map(_admins, _changes(wanted, before)[:size])
    return sorted(found, key=lambda line: line.place, reverse=True)[:size]


def every(wanted: Wanted, most: int, size: int = 1000) -> Iterator[Line]:
    """Line after line, `most` of them at most."""

    def walk() -> Iterator[Line]:
        before: Place | None = None
        while lines := page(wanted, before, size):
            yield from lines
            before = lines[-1].place

    return islice(walk(), most)


def _entries(wanted: Wanted, before: Place | None) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(at__gte=wanted.since, at__lt=wanted.until)
    if wanted.who:
        who = wanted.who
        rows = rows.filter(Q(user__username=who) | Q(about__username=who) | Q(name=who))
    if wanted.group:
        rows = rows.filter(kind__in=GROUPS[wanted.group][1])
    rows = rows.filter(_below(before, "at", is_ours=True))
    return rows.select_related("user", "about").order_by("-at", "-id")


def _changes(wanted: Wanted, before: Place | None) -> QuerySet[LogEntry]:
    rows = LogEntry.objects.filter(action_time__gte=wanted.since, action_time__lt=wanted.until)
    if wanted.who:
        rows = rows.filter(user__username=wanted.who)
    rows = rows.filter(_below(before, "action_time", is_ours=False))
    return rows.select_related("user", "content_type").order_by("-action_time", "-id")


def _below(before: Place | None, at: str, *, is_ours: bool) -> Q:
    """Rows of one of the two tables that come after the place, written so that an index by time serves it."""
    if before is None:
        return Q()
    if is_ours == before.is_ours:
        same = Q(**{at: before.at, "id__lt": before.id})
    else:  # of the same instant ours are all before the admin's
        same = Q(**{at: before.at}) if before.is_ours else Q(pk__in=[])
    return Q(**{f"{at}__lte": before.at}) & (Q(**{f"{at}__lt": before.at}) | same)


def _ours(row: AuditEntry) -> Line:
    return Line(
        Place(row.at, True, row.pk), row.kind, AuditKind(row.kind).label, str(row.user or row.name),
        str(row.about or ""), _subject(row), row.number, row.reason, row.ip or "", row.device,
    )  # fmt: skip


def _subject(row: AuditEntry) -> str:
    """Codes of ours in words, the rest as it is."""
    if row.kind == AuditKind.PROVED:
        return str(PROOFS.get(row.subject, row.subject))
    if row.kind == AuditKind.ROLE_CHANGED:
        return " → ".join(
            str(Role(code).label) if code in Role.values else code for code in row.subject.split(" → ")
        )
    return row.subject


def _admins(row: LogEntry) -> Line:
    subject = f"{row.content_type} {row.object_repr}" if row.content_type else row.object_repr
    return Line(
        Place(row.action_time, False, row.pk), CHANGED, row.get_action_flag_display(), str(row.user), "",
        subject, "", row.get_change_message(), "", "",
    )  # fmt: skip
