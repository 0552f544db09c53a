"""Production refuses to start half-configured: each unsafe setting is a Django check error with its remedy.

`manage.py up`, and every other management command, runs these; the embedded set-up makes its own keys and
passes. docs/operating.md lists the variables.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured


@register("recourse")
def production_settings(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    if settings.EMBEDDED:
        return []
    wrong = [*_keys(), *_network(), *_sandbox(), *_staff()]
    messages: list[CheckMessage] = [
        Error(what, hint=hint, id=f"recourse.{number}") for number, what, hint in wrong
    ]
    if "locmem" in settings.CACHES["default"]["BACKEND"]:
        what = "CACHE_URL is missing: each process counts limits and remembers revoked sessions by itself."
        messages.append(Warning(what, hint="CACHE_URL=redis://…", id="recourse.W001"))
    return messages


Wrong = tuple[str, str, str]


def _keys() -> list[Wrong]:
    wrong: list[Wrong] = []
    if len(_secret_key()) < 50:
        wrong.append(("E001", "SECRET_KEY is missing or shorter than 50 characters.", _random(50)))
    if not settings.FIELD_KEYS:
        wrong.append(("E002", "FIELD_KEYS is missing: card secrets cannot be sealed.", f"id:{_random(32)}"))
    names = [item.partition(":")[0] for item in settings.FIELD_KEYS]
    if len(set(names)) < len(names):
        wrong.append(("E003", "FIELD_KEYS names the same id twice.", "Give each key an id of its own."))
    for name, item in zip(names, settings.FIELD_KEYS, strict=True):
        if not 1 <= len(name) <= 255 or _length(item.partition(":")[2]) != 32:
            remedy = 'Write each as "id:base64 of 32 bytes".'
            wrong.append(("E004", f"FIELD_KEYS: the key {name!r} is not 32 bytes in base64.", remedy))
    if _length(settings.FINGERPRINT_KEY) < 32:
        wrong.append(("E005", "FINGERPRINT_KEY is not 32 bytes or more in base64.", _random(32)))
    return wrong


def _secret_key() -> str:
    try:
        return settings.SECRET_KEY
    except ImproperlyConfigured:  # Django's own refusal of an empty one would hide the rest of the list
        return ""


def _network() -> list[Wrong]:
    wrong: list[Wrong] = []
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        remedy = "Name the hosts that serve it: ALLOWED_HOSTS=refunds.example.com"
        wrong.append(("E006", 'ALLOWED_HOSTS is empty or "*".', remedy))
    if settings.CELERY_BROKER_URL.startswith(("filesystem:", "memory:")):
        remedy = "BROKER_URL=redis://… or amqp://…"
        wrong.append(
            ("E007", "BROKER_URL is missing: the file-system broker serves one machine only.", remedy)
        )
    return wrong


def _sandbox() -> list[Wrong]:
    if not settings.SANDBOX_ANSWERS_FOR or settings.ALLOW_SANDBOX:
        return []
    channels = ", ".join(settings.SANDBOX_ANSWERS_FOR)
    remedy = "Set ALLOW_SANDBOX=1 where no real money moves, else empty SANDBOX_ANSWERS_FOR."
    return [("E008", f"The sandbox would answer for {channels}, so that no money is paid back.", remedy)]


def _staff() -> list[Wrong]:
    if settings.STAFF_MFA == "required":
        return []
    remedy = "STAFF_MFA=required, or leave it out."
    return [
        ("E009", f"STAFF_MFA is {settings.STAFF_MFA!r}: staff would sign in with a password alone.", remedy)
    ]


def _length(text: str) -> int:
    """Bytes behind base64 text; 0 where it is none."""
    try:
        return len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return 0


def _random(size: int) -> str:
    return f'python -c "import base64, os; print(base64.b64encode(os.urandom({size})).decode())"'
