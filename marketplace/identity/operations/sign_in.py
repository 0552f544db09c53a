"""Signing a buyer in."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal

from ..models import Buyer
from ..tokens import Token, issue


class WrongCredentials(Refusal):
    code = "wrong_credentials"
    status = 401
    title = _("The email or the password is wrong.")


def sign_in(*, email: str, password: str, now: datetime, ip: str, user_agent: str) -> Token:
    """Raises WrongCredentials, in the same time whether the email is known or not."""
    buyer = Buyer.objects.filter(email__iexact=email).exclude(password="").first()
    if buyer is None:
        make_password(password)
        raise WrongCredentials()
    if not buyer.check_password(password):
        raise WrongCredentials()
    return issue(buyer, issued_to="login", now=now, ip=ip, user_agent=user_agent)
