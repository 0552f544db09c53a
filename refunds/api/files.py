"""The bytes of a file, by its link."""

from django.http import FileResponse, Http404, HttpRequest
from django.utils import timezone
from django.views.decorators.http import require_safe

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound

from ..evidence.serving import file_response
from ..operations.open_evidence import open_evidence


@require_safe
def evidence_file(request: HttpRequest, token: str) -> FileResponse:
    user = request.user if isinstance(request.user, User) else None
    try:
        opened = open_evidence(token=token, user=user, now=timezone.now())
    except NotFound as refusal:
        raise Http404 from refusal
    evidence = opened.evidence
    return file_response(
        opened.file,
        name=evidence.name,
        media_type="image/webp" if opened.is_small else evidence.media_type,
        is_inline=evidence.shown_inline,
    )
