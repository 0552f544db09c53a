"""What leaves the house as a file is written down before it does (requirement K5)."""

from datetime import datetime

from marketplace.kernel.errors import NotPermitted

from ..models import ListExport, User

PERMISSION = "identity.export_lists"


def note_export(*, user: User, list: str, query: str, form: str, rows: int, now: datetime) -> ListExport:
    """Raises NotPermitted."""
    if not user.has_perm(PERMISSION):
        raise NotPermitted()
    return ListExport.objects.create(by=user, list=list, query=query[:2000], form=form, rows=rows, at=now)
