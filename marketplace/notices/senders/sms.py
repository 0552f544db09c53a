"""SMS, by whichever provider is set. In China each text is a template the provider has approved, so what is sent is
the template's code and its few values; where a topic has no template, nothing is sent."""

import logging
from datetime import datetime
from typing import Protocol

from django.conf import settings

from ..texts import Rendered
from .aliyun import AliyunSms
from .base import Outcome, Parcel, Result

log = logging.getLogger(__name__)


class SmsProvider(Protocol):
    def send(self, parcel: Parcel, text: Rendered, now: datetime) -> Result:
        """One try, within a timeout. Providers cannot be asked twice without paying and sending twice."""


class Console:
    """Writes the message to the log: for trying things out."""

    def send(self, parcel: Parcel, text: Rendered, now: datetime) -> Result:
        log.warning("SMS to %s: %s", parcel.to, text.title)
        return Result(Outcome.SENT)


PROVIDERS: dict[str, type[SmsProvider]] = {"console": Console, "aliyun": AliyunSms}


def is_on() -> bool:
    return settings.SMS_PROVIDER in PROVIDERS


def send(parcel: Parcel, text: Rendered, now: datetime) -> Result:
    if not is_on():
        return Result(Outcome.REFUSED, "no provider")
    return PROVIDERS[settings.SMS_PROVIDER]().send(parcel, text, now)
