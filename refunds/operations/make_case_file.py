"""A case file is made for a reader who may see the case, and that it was made is history (requirement D6)."""

import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, NotPermitted, Refusal
from sellers.models import Membership

from ..casefile.build import Built, Wanted, build, bytes_to_pack
from ..casefile.purposes import CONTENTS, Language, Purpose
from ..casefile.reading import Record, read
from ..models import CaseFileMade, RefundRequest
from ..models.case_files import Reader
from ..permissions import is_outside, reach

MAY_READ_CASES = "refunds.view_refundrequest"
MEDIA_TYPES = {CaseFileMade.Form.PDF: "application/pdf", CaseFileMade.Form.ZIP: "application/zip"}


class UnknownChoice(Refusal):
    """`extra` names the field, what was given, and what it can be."""

    code = "unknown_choice"
    status = 422
    title = _("There is no such purpose, language or form.")


class CaseFileTooLarge(Refusal):
    code = "case_file_too_large"
    status = 422
    title = _(
        "The files of this case are too large for one archive. Take the PDF, which lists each, and open them there."
    )


class TooManyCaseFiles(Refusal):
    code = "too_many_case_files"
    status = 429
    title = _("Too many files were made of this case within the hour. Try again later, or use the last one.")


class CaseFile(NamedTuple):
    """Ready to be sent: an open file that is nowhere else any more."""

    file: IO[bytes]
    name: str
    media_type: str
    made: CaseFileMade


def make_as_staff(
    *,
    number: str,
    user: User,
    purpose: str,
    language: str,
    form: str,
    now: datetime,
    with_notes: bool = False,
) -> CaseFile:
    """`with_notes`: the internal ones too, where the purpose stays in the house.

    Raises NotPermitted, NotFound (also for an arbiter who has no seat in the case), UnknownChoice, CaseFileTooLarge,
    TooManyCaseFiles.
    """
    if not (user.is_active and user.is_staff and user.has_perm(MAY_READ_CASES)):
        raise NotPermitted()
    if is_outside(user) and not RefundRequest.objects.filter(reach(user), number=number).exists():
        raise NotFound()
    wanted = _wanted(Reader.STAFF, purpose, language, form, now, with_notes)
    return _make(number, wanted, form, user, {})


def make_as_seller(
    *, number: str, user: User, purpose: str, language: str, form: str, now: datetime
) -> CaseFile:
    """Raises NotFound for a case of another seller, UnknownChoice, CaseFileTooLarge, TooManyCaseFiles."""
    seller_id = Membership.objects.filter(user=user).values_list("seller_id", flat=True).first()
    if not user.is_active or seller_id is None:
        raise NotFound()
    wanted = _wanted(Reader.SELLER, purpose, language, form, now)
    return _make(number, wanted, form, user, {"seller_id": seller_id})


def make_as_buyer(
    *, number: str, buyer_id: int, purpose: str, language: str, form: str, now: datetime
) -> CaseFile:
    """Raises NotFound for another buyer's case, UnknownChoice, CaseFileTooLarge, TooManyCaseFiles."""
    wanted = _wanted(Reader.BUYER, purpose, language, form, now)
    return _make(number, wanted, form, None, {"buyer_id": buyer_id})


def _wanted(
    reader: Reader, purpose: str, language: str, form: str, now: datetime, with_notes: bool = False
) -> Wanted:
    given = {"purpose": purpose, "language": language, "format": form}
    allowed = {"purpose": Purpose.values, "language": Language.values, "format": CaseFileMade.Form.values}
    for field, value in given.items():
        if value not in allowed[field]:
            raise UnknownChoice(field=field, value=value[:64], allowed=allowed[field])
    return Wanted(purpose, language, reader, with_notes and CONTENTS[purpose].may_be_internal, now)


def _make(number: str, wanted: Wanted, form: str, user: User | None, scope: Mapping[str, Any]) -> CaseFile:
    record = read(number, **scope)
    _bound(record, wanted, form, user)
    folder = Path(tempfile.mkdtemp(prefix="case-file-"))
    try:
        with translation.override(wanted.language):
            built = build(record, wanted, folder)
        made = _log(record, wanted, form, user, built)
        path = built.pdf if form == CaseFileMade.Form.PDF else built.archive
        # Opened before the folder goes: what is sent lives as long as it is being read.
        return CaseFile(
            path.open("rb"), f"{number}-{wanted.purpose}.{form}", MEDIA_TYPES[CaseFileMade.Form(form)], made
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bound(record: Record, wanted: Wanted, form: str, user: User | None) -> None:
    size, limit = bytes_to_pack(record), settings.CASE_FILE_MAX_BYTES
    if form == CaseFileMade.Form.ZIP and size > limit:
        raise CaseFileTooLarge(size=size, limit=limit)
    lately = CaseFileMade.objects.filter(
        request=record.request, by=wanted.reader, user=user, at__gt=wanted.at - timedelta(hours=1)
    )
    if lately.count() >= settings.CASE_FILES_AN_HOUR:
        raise TooManyCaseFiles(limit=settings.CASE_FILES_AN_HOUR)


def _log(record: Record, wanted: Wanted, form: str, user: User | None, built: Built) -> CaseFileMade:
    return CaseFileMade.objects.create(
        request=record.request,
        purpose=wanted.purpose,
        language=wanted.language,
        form=form,
        is_internal=wanted.is_internal,
        by=wanted.reader,
        user=user,
        at=wanted.at,
        manifest_sha256=built.manifest_sha256,
        pdf_sha256=built.pdf_sha256,
    )
