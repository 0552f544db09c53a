"""Short-lived links to a file: signed, and good for one file, one viewer and five minutes (requirement D3)."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.core import signing
from django.urls import reverse

SALT = "evidence-link"
LIFE = timedelta(minutes=5)
BUYER, USER = "b", "u"


class Viewer(NamedTuple):
    """Whom a link was made for: a buyer, or somebody who signs in to a screen."""

    kind: str
    id: int


class Link(NamedTuple):
    evidence_id: int
    viewer: Viewer
    is_small: bool


class BadLink(Exception):
    """Not ours, altered, or too old."""


def link(evidence_id: int, viewer: Viewer, now: datetime, *, is_small: bool = False) -> str:
    """The path of a file, or of its thumbnail, for this viewer from now on."""
    expires = int((now + LIFE).timestamp())
    token = signing.dumps([evidence_id, viewer.kind, viewer.id, int(is_small), expires], salt=SALT)
    return reverse("evidence_file", args=[token])


def read(token: str, now: datetime) -> Link:
    """Raises BadLink."""
    try:
        evidence_id, kind, viewer_id, is_small, expires = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadLink from error
    if now.timestamp() >= expires:
        raise BadLink
    return Link(evidence_id, Viewer(kind, viewer_id), bool(is_small))
