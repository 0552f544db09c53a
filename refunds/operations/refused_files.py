"""Why a file was not taken, in words its owner can act on. Nothing in the case has changed."""

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from marketplace.kernel.uploads import FileTooLarge

from ..evidence.faults import Fault, Unacceptable


class FileRefused(Refusal):
    status = 422
    code = "file_refused"
    title = _("The file was not taken.")


class FileEmpty(FileRefused):
    code = Fault.EMPTY.value
    title = _("The file is empty. Choose it again.")


class FileType(FileRefused):
    code = Fault.TYPE.value
    title = _("Only PNG, JPEG, WebP, PDF and MP4 files are taken. What counts is the content, not the name.")


class FileDamaged(FileRefused):
    code = Fault.DAMAGED.value
    title = _("The file is damaged or incomplete. Open it on your device, save it anew, and send that.")


class FileAnimated(FileRefused):
    code = Fault.ANIMATED.value
    title = _("Moving pictures are not taken. Send a still picture, or an MP4 recording.")


class TooManyPixels(FileRefused):
    code = Fault.TOO_MANY_PIXELS.value
    title = _("The picture is too large in pixels. Send it smaller, or the part that matters.")


class TooManyPages(FileRefused):
    code = Fault.TOO_MANY_PAGES.value
    title = _("The document has too many pages. Send the pages that matter.")


class FileEncrypted(FileRefused):
    code = Fault.ENCRYPTED.value
    title = _("The document is protected. Save it without a password, or send screenshots.")


class FileActive(FileRefused):
    code = Fault.ACTIVE.value
    title = _(
        "The file holds scripts, forms, attachments or media. Print it to a new PDF, or send screenshots."
    )


class FileTooComplex(FileRefused):
    code = Fault.TOO_COMPLEX.value
    title = _("The file takes too much work to open. Save it anew in a simpler form, or send screenshots.")


class FileInfected(FileRefused):
    code = "file_infected"
    title = _("The virus scanner found something in the file. It was not kept.")


class ScanUnavailable(FileRefused):
    code = "scan_unavailable"
    status = 503
    title = _(
        "Files cannot be checked for viruses at the moment. Your case is safe; send the file again later."
    )


class StorageUnavailable(FileRefused):
    code = "storage_unavailable"
    status = 503
    title = _("Files cannot be kept at the moment. Your case is safe; send the file again later.")


REFUSALS: dict[str, type[Refusal]] = {
    Fault.TOO_LARGE: FileTooLarge,
    **{refusal.code: refusal for refusal in FileRefused.__subclasses__()},
}


def refusal_of(unacceptable: Unacceptable) -> Refusal:
    return REFUSALS[unacceptable.fault](pointer="/file", **unacceptable.facts)
