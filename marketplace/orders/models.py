"""What was bought: an order as it stood at purchase, its units, and what happened to each unit since."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import Buyer
from marketplace.kernel.appendonly import append_only
from marketplace.kernel.money import Money
from sellers.models import Seller

from .goods import EventType, GoodsType, Place

# What was replaced never comes back, and what takes its place does so after it has made room.
PLACE_CHANGES_ONCE = """
    IF NEW.replaces_id IS DISTINCT FROM OLD.replaces_id OR (OLD.place, NEW.place) NOT IN
        (('offered', 'in_place'), ('offered', 'taken_back'), ('in_place', 'replaced'))
       OR NEW.place = 'in_place' AND NOT EXISTS (
        SELECT 1 FROM orders_unit WHERE id = NEW.replaces_id AND place = 'replaced') THEN
        RAISE EXCEPTION 'unit_in_place: unit % cannot go from % to %', NEW.id, OLD.place, NEW.place
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""
OFFERED_FIRST = """
    RAISE EXCEPTION 'unit_in_place: a replacement is offered before it takes a place' USING ERRCODE = 'check_violation';
"""


class Shop(models.Model):
    """A sales channel that pushes orders, with its own signing secret."""

    code = models.CharField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    sealed_secret = models.BinaryField()  # whsec_… sealed under context "shop:<code>"
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("shop")
        verbose_name_plural = _("shops")

    def __str__(self) -> str:
        return self.code


class Product(models.Model):
    """What a seller offers under a SKU, as last seen; each order keeps its own snapshot."""

    seller = models.ForeignKey(Seller, on_delete=models.PROTECT)
    sku = models.CharField(_("SKU"), max_length=128)
    title = models.CharField(_("title"), max_length=500)
    goods_type = models.CharField(_("goods type"), max_length=32, choices=GoodsType)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seller", "sku"], name="product_once_per_seller")]

    def __str__(self) -> str:
        return self.title


class Order(models.Model):
    """An order. Amounts are minor units; the snapshot is what the buyer was shown and binds (requirement A2)."""

    no = models.CharField(_("order number"), max_length=20, unique=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, verbose_name=_("shop"))
    external_no = models.CharField(_("shop's order number"), max_length=128)
    buyer = models.ForeignKey(Buyer, on_delete=models.PROTECT, related_name="orders", verbose_name=_("buyer"))
    seller = models.ForeignKey(
        Seller, on_delete=models.PROTECT, related_name="+", verbose_name=_("seller"), db_index=False
    )
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", verbose_name=_("product")
    )
    goods_type = models.CharField(_("goods type"), max_length=32, choices=GoodsType)
    snapshot = models.JSONField(_("as shown at purchase"))  # {sku, title, page_text, terms{window_days, …}}
    quantity = models.PositiveIntegerField(_("quantity"))
    total = models.BigIntegerField(_("total"))
    currency = models.CharField(_("currency"), max_length=3)
    # CNY for one major unit of `currency`; null for CNY itself.
    fx_rate = models.DecimalField(_("FX rate"), max_digits=18, decimal_places=8, null=True, blank=True)
    region = models.CharField(_("region"), max_length=8)
    target = models.JSONField(_("target"), default=dict)
    consent = models.JSONField(_("consent to immediate delivery"), null=True)
    placed_at = models.DateTimeField(_("placed at"))
    paid_at = models.DateTimeField(_("paid at"), null=True)
    completed_at = models.DateTimeField(_("completed at"), null=True)
    taken_at = models.DateTimeField(_("taken in at"), db_default=Now())

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(fields=["shop", "external_no"], name="order_once_per_shop"),
            models.CheckConstraint(condition=models.Q(total__gt=0), name="order_total_positive"),
        ]
        indexes = [
            models.Index(fields=["buyer", "-id"], name="order_by_buyer"),
            models.Index(fields=["seller", "paid_at"], name="order_by_seller"),
            models.Index(fields=["external_no"], name="order_by_external_no"),
        ]

    def __str__(self) -> str:
        return self.no

    @property
    def money(self) -> Money:
        return Money(self.total, self.currency)

    @property
    def title(self) -> str:
        return str(self.snapshot["title"])


class Unit(models.Model):
    """One card code, one top-up, one membership, one coin grant. `amount` is its exact share of the total.

    A replacement is a unit of its own, worth what is left of the one it `replaces`. Of all that stand for one thing
    bought, one is in place: the others take no money (triggers here and on refunds.RefundItem; requirement G2).
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="units")
    ref = models.CharField(_("unit"), max_length=64)
    amount = models.BigIntegerField(_("amount"))
    sealed_secret = models.BinaryField(null=True)  # sealed under context "unit:<order no>:<ref>"
    secret_fingerprint = models.BinaryField(max_length=32, null=True)
    paid_coins = models.BigIntegerField(_("paid coins"), null=True)
    promo_coins = models.BigIntegerField(_("promo coins"), null=True)
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, db_index=False, related_name="replacements"
    )
    place = models.CharField(
        _("place"), max_length=10, choices=Place, default=Place.IN_PLACE, db_default=Place.IN_PLACE
    )

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        constraints = [
            models.UniqueConstraint(fields=["order", "ref"], name="unit_once_per_order"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="unit_amount_not_negative"),
            models.UniqueConstraint(
                fields=["replaces"],
                condition=models.Q(replaces__isnull=False, place__in=[Place.IN_PLACE, Place.REPLACED]),
                name="unit_replaced_once",
            ),
            models.CheckConstraint(
                condition=models.Q(replaces__isnull=False)
                | models.Q(place__in=[Place.IN_PLACE, Place.REPLACED]),
                name="unit_bought_is_not_offered",
            ),
        ]
        indexes = [
            models.Index(
                fields=["secret_fingerprint"],
                name="unit_by_fingerprint",
                condition=models.Q(secret_fingerprint__isnull=False),
            )
        ]
        triggers = [
            pgtrigger.Trigger(
                name="place_changes_once",
                operation=pgtrigger.UpdateOf("place", "replaces_id"),
                when=pgtrigger.Before,
                condition=pgtrigger.AnyChange("place", "replaces"),
                func=PLACE_CHANGES_ONCE,
            ),
            pgtrigger.Trigger(
                name="offered_first",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__replaces__isnull=False) & ~pgtrigger.Q(new__place=Place.OFFERED),
                func=OFFERED_FIRST,
            ),
        ]

    def __str__(self) -> str:
        return self.ref


class UnitEvent(models.Model):
    """Something that happened to a unit, told by its shop or seen here (requirement A3). Never changed."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="events")
    type = models.CharField(_("event"), max_length=16, choices=EventType)
    at = models.DateTimeField(_("at"))
    ref = models.CharField(max_length=128)
    data = models.JSONField(default=dict)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("unit event")
        verbose_name_plural = _("unit events")
        constraints = [models.UniqueConstraint(fields=["unit", "ref"], name="event_once_per_unit")]
        triggers = append_only()
