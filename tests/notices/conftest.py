from collections.abc import Iterator

import pytest
from pytest_django import Settings

from .receivers import Mailbox, Receiver, mail_server


@pytest.fixture
def private(settings: Settings) -> None:
    """Receivers on this machine may be sent to."""
    settings.WEBHOOK_ALLOW_PRIVATE = True


@pytest.fixture
def receiver(private: None) -> Iterator[Receiver]:
    with Receiver().running() as running:
        yield running


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    with mail_server() as (box, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "Recourse <refunds@example.com>"
        settings.EMAIL_DOMAIN = "example.com"
        yield box
