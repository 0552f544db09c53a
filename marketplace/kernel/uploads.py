"""How much of an uploaded file is taken in: judged by its announced length before a byte is read, then as it comes."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .errors import Refusal

FORM_BYTES = 64 * 1024  # of the other fields and of what stands between them


class FileTooLarge(Refusal, RequestDataTooBig):
    """Known to Django as a body too big, so that it ends the reading of a form wherever it is read."""

    code = "file_too_large"
    status = 413
    title = _("The file is too large.")

    def __init__(self, at_most: int, **extra: Any) -> None:
        size = {"size": filesizeformat(at_most)}
        super().__init__(gettext("The file is larger than %(size)s.") % size, at_most=at_most, **extra)


class BoundedUpload(FileUploadHandler):
    """First in FILE_UPLOAD_HANDLERS: raises FileTooLarge, and keeps nothing itself."""

    def handle_raw_input(
        self,
        input_data: Any,
        meta: Any,
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        if content_length > settings.UPLOAD_MAX_BYTES + FORM_BYTES:
            raise FileTooLarge(at_most=settings.UPLOAD_MAX_BYTES)
        self.taken = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.taken += len(raw_data)
        if self.taken > settings.UPLOAD_MAX_BYTES:
            raise FileTooLarge(at_most=settings.UPLOAD_MAX_BYTES)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
