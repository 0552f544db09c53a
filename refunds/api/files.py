"""The bytes of a file, by its link: never run, never guessed at, never kept by a cache."""

from django.http import FileResponse, Http404, HttpRequest
from django.utils import timezone
from django.views.decorators.http import require_safe

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound
from marketplace.kernel.http import client_address

from ..operations.open_evidence import open_evidence

# A page that a file pretends to be has no origin, no script, and nothing to load.
POLICY = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@require_safe
def evidence_file(request: HttpRequest, token: str) -> FileResponse:
    user = request.user if isinstance(request.user, User) else None
    try:
        opened = open_evidence(token=token, user=user, ip=client_address(request), now=timezone.now())
    except NotFound as refusal:
        raise Http404 from refusal
    evidence = opened.evidence
    response = FileResponse(
        opened.file,
        as_attachment=not evidence.shown_inline,
        filename=evidence.name,
        content_type="image/webp" if opened.is_small else evidence.media_type,
    )
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
