"""Writing the audit log: one line for one thing done."""

from datetime import datetime
from typing import Any

from marketplace.kernel.http import NOWHERE, Origin

from ..models import AuditEntry, AuditKind, User


def keep(
    kind: AuditKind, *, now: datetime, user: User | None = None, origin: Origin = NOWHERE, **more: Any
) -> None:
    """`more` are the other columns of AuditEntry. Part of the caller's transaction, so that it stands with the deed."""
    ip, device = origin.ip or None, origin.device
    AuditEntry.objects.create(kind=kind, user=user, ip=ip, device=device, at=now, **more)
