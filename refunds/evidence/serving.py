"""The bytes of a file as an answer: never run, never guessed at, never kept by a cache."""

from typing import IO, Any

from django.http import FileResponse

# A page that a file pretends to be has no origin, no script, and nothing to load.
POLICY = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def file_response(file: IO[Any], *, name: str, media_type: str, is_inline: bool) -> FileResponse:
    response = FileResponse(file, as_attachment=not is_inline, filename=name, content_type=media_type)
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
