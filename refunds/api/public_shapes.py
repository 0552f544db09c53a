"""Shapes of the public answers, for the API document."""

from typing import Any

from rest_framework import serializers

from marketplace.orders.goods import GoodsType

from ..models.evidence import KIND_CHOICES, MEDIA_TYPES
from ..reasons import REASON_CHOICES


class ClauseShape(serializers.Serializer[Any]):
    clause = serializers.CharField()
    text = serializers.CharField()


class VersionShape(serializers.Serializer[Any]):
    policy = serializers.CharField(help_text="Goods type and version, e.g. card_code@1.")
    in_force_at = serializers.DateTimeField()


class TermChangeShape(serializers.Serializer[Any]):
    term = serializers.CharField(help_text="Its path in `terms`, e.g. clocks.seller_reply_hours.")
    name = serializers.CharField()
    text = serializers.CharField(help_text="Before and after, in words.")
    for_buyer = serializers.ChoiceField(["kinder", "stricter", "neither"])


class AnnouncedVersionShape(VersionShape):
    title = serializers.CharField()
    why = serializers.CharField(help_text="As whoever wrote it says.")
    changes = TermChangeShape(many=True, help_text="Against the version in force.")


class SaidVersionShape(VersionShape):
    text = ClauseShape(many=True, help_text="In plain language.")
    terms = serializers.DictField(help_text="As data: days, hours, minutes; amounts in fen.")


class SaidAnnouncedShape(SaidVersionShape, AnnouncedVersionShape):
    pass


class PolicyRowShape(VersionShape):
    goods_type = serializers.ChoiceField(GoodsType.choices)
    name = serializers.CharField()
    next = AnnouncedVersionShape(allow_null=True, help_text="The version published ahead, if there is one.")


class PoliciesShape(serializers.Serializer[Any]):
    results = PolicyRowShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class PolicyShape(SaidVersionShape):
    goods_type = serializers.ChoiceField(GoodsType.choices)
    name = serializers.CharField()
    next = SaidAnnouncedShape(allow_null=True)


class FiguresShape(serializers.Serializer[Any]):
    days = serializers.IntegerField(help_text="The figures are of so many days until now.")
    cases = serializers.IntegerField(allow_null=True, help_text="Refund requests filed.")
    refund_rate = serializers.FloatField(
        allow_null=True, help_text="Of orders paid, those paid back: 0.025 is 2.5 %."
    )
    silence_rate = serializers.FloatField(
        allow_null=True, help_text="Of requests the seller was asked about, those not answered in time."
    )
    median_answer_hours = serializers.FloatField(allow_null=True)


class SellerShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    verified = serializers.BooleanField()
    figures = FiguresShape()


class GoodsFigureShape(serializers.Serializer[Any]):
    goods_type = serializers.ChoiceField(GoodsType.choices)
    name = serializers.CharField()
    cases = serializers.IntegerField(allow_null=True, help_text="Decided for the first time in these days.")
    success_rate = serializers.FloatField(
        allow_null=True, help_text="Of these, those granted, in whole or in part: 0.75 is 75 %."
    )
    median_decision_hours = serializers.FloatField(
        allow_null=True, help_text="From filing to the first decision, right to within 9 %."
    )
    median_payment_hours = serializers.FloatField(
        allow_null=True, help_text="From filing to the arrival of the money, right to within 9 %."
    )


class GoodsFiguresShape(serializers.Serializer[Any]):
    since = serializers.DateField()
    until = serializers.DateField(help_text="Included.")
    results = GoodsFigureShape(many=True)


class KindShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(KIND_CHOICES)
    group = serializers.ChoiceField(["transaction", "goods", "breach", "person"])
    name = serializers.CharField()
    example = serializers.CharField(help_text="What a good one shows.")


class ReasonNeedsShape(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(REASON_CHOICES)
    name = serializers.CharField()
    needed = serializers.ListField(child=serializers.ChoiceField(KIND_CHOICES))


class GoodsNeedShape(serializers.Serializer[Any]):
    goods_type = serializers.ChoiceField(GoodsType.choices)
    name = serializers.CharField()
    policy = serializers.CharField()
    reasons = ReasonNeedsShape(many=True)


class FileTypeShape(serializers.Serializer[Any]):
    media_type = serializers.ChoiceField(MEDIA_TYPES)
    max_bytes = serializers.IntegerField()


class FileRulesShape(serializers.Serializer[Any]):
    types = FileTypeShape(many=True)
    max_pixels = serializers.IntegerField()
    max_pages = serializers.IntegerField()
    max_files = serializers.IntegerField()


class StandardsShape(serializers.Serializer[Any]):
    kinds = KindShape(many=True)
    goods = GoodsNeedShape(many=True)
    files = FileRulesShape()
