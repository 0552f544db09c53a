"""Closed lists of the trade: goods types, unit events (requirements A1, A3)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class GoodsType(models.TextChoices):
    CARD_CODE = "card_code", _("Game card code")
    DIRECT_TOPUP = "direct_topup", _("Direct top-up")
    MEMBERSHIP = "membership", _("Membership")
    POINT_COUPON = "point_coupon", _("Point coupon")
    GAME_ITEM = "game_item", _("Game item")
    ACCOUNT = "account", _("Account")
    SOFTWARE_LICENCE = "software_licence", _("Software licence")
    LIVE_COINS = "live_coins", _("Live-stream coins")


class Place(models.TextChoices):
    """A unit's place among those that stand for one thing bought: of them one alone is in place (G2)."""

    IN_PLACE = "in_place", _("In place")
    OFFERED = "offered", _("Offered as a replacement")  # not confirmed by its buyer
    REPLACED = "replaced", _("Replaced")
    TAKEN_BACK = "taken_back", _("Taken back")  # offered, and not confirmed in the end


class EventType(models.TextChoices):
    STOCKED = "stocked", _("Stocked")
    RESERVED = "reserved", _("Reserved")
    DELIVERED = "delivered", _("Delivered")
    REVEALED = "revealed", _("Revealed")
    ACTIVATED = "activated", _("Activated")
    REDEEMED = "redeemed", _("Redeemed")
    LOGGED_IN = "logged_in", _("Logged in")
    GIFTED = "gifted", _("Gifted")
    SPENT = "spent", _("Spent")
    EXPIRED = "expired", _("Expired")
    VOIDED = "voided", _("Voided")
    REPLACED = "replaced", _("Replaced")
