"""Email through Django's backend: plain text, and the same as simple HTML."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string

from ..texts import Rendered
from .base import Outcome, Parcel, Result


def is_on() -> bool:
    """Without a mail server nothing is queued: yesterday's news are not sent when one is set up at last."""
    return bool(settings.EMAIL_HOST)


def send(parcel: Parcel, text: Rendered) -> Result:
    """One try. The Message-ID stays the same over all tries, so that a mail that came twice is seen as one."""
    message = EmailMultiAlternatives(
        subject=text.title,
        body=text.plain(),
        to=[parcel.to],
        headers={
            "Message-ID": f"<delivery-{parcel.delivery_id}@{settings.EMAIL_DOMAIN}>",
            "Auto-Submitted": "auto-generated",
        },
        connection=get_connection(timeout=settings.EMAIL_TIMEOUT),
    )
    page = render_to_string("notices/email.html", {"text": text, "language": parcel.language})
    message.attach_alternative(page, "text/html")
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        status, reason = next(iter(error.recipients.values()))
        return _said(status, reason)
    except smtplib.SMTPDataError as error:
        return _said(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        return Result(Outcome.RETRY, f"{type(error).__name__}: {error}")
    except ValueError as error:  # an address no mail can be written to
        return Result(Outcome.REFUSED, str(error))
    return Result(Outcome.SENT)


def _said(status: int, reason: bytes | str) -> Result:
    """The server's word on this one mail: 5xx is for good (RFC 5321), anything else for now."""
    words = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return Result(Outcome.REFUSED if 500 <= status < 600 else Outcome.RETRY, words, status)
