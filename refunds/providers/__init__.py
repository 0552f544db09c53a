"""Recharge partners: one file a way of speaking to them."""

from typing import Any

from django.conf import settings

from .base import NoProvider, Provider
from .http import HttpProvider


def partner() -> Provider:
    """The partner whose keys are set. Raises NoProvider."""
    keys: dict[str, Any] = settings.PROVIDER
    return HttpProvider(
        name=keys["name"],
        url=keys["url"],
        key_id=keys["key_id"],
        secret=keys["secret"],
        timeout=keys["timeout"],
    )


def partner_name() -> str:
    """Empty where none is set up, so that no button promises what nobody answers."""
    try:
        return partner().name
    except NoProvider:
        return ""
