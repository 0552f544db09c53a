"""Closed lists of what is said against a side: a seller's ground to refuse (F2), whose fault a person found (F5)."""

from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _


class Fault(models.TextChoices):
    SELLER = "seller", _("The seller")
    PLATFORM = "platform", _("The platform")
    BUYER = "buyer", _("The buyer")
    PROVIDER = "provider", _("The provider of the goods")
    NONE = "none", _("Nobody")


# At fault like this the refund is due: it needs no answer of the seller's, and no rejection can rest on it.
FORCES_REFUND = frozenset({Fault.SELLER})

# Who can bear a share of the fault where it is divided: percent, 100 together.
SHARED_BY = (Fault.SELLER, Fault.PLATFORM, Fault.BUYER, Fault.PROVIDER)


class Outcome(models.TextChoices):
    """What a person decided."""

    APPROVE = "approve", _("Approved in full")
    PART = "part", _("Approved in part")
    REJECT = "reject", _("Rejected")


FOR_BUYER = frozenset({Outcome.APPROVE, Outcome.PART})


def shares_words(shares: Mapping[str, int]) -> str:
    """ "The seller 70 %, The buyer 30 %", the largest first."""
    largest_first = sorted(shares.items(), key=lambda share: (-share[1], share[0]))
    return ", ".join(f"{Fault(party).label} {percent} %" for party, percent in largest_first)


class Ground(models.TextChoices):
    """Why a seller refuses."""

    RULE_DISALLOWS = "rule_disallows", _("The rules do not allow it")
    ALREADY_USED = "already_used", _("The goods were used")
    OTHER = "other", _("Another ground")
