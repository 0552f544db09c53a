"""Request bodies of the buyer's refund calls, and the shapes of their answers for the API document."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from marketplace.kernel.money import Money
from marketplace.kernel.schema import MoneyShape
from marketplace.kernel.serializers import MoneyField, StrictBooleanField, StrictSerializer, TextField
from marketplace.payments.channels import Channel
from marketplace.payments.models import Transfer

from ..faults import SHARED_BY, Fault, Outcome
from ..filing_channels import FilingChannel
from ..machine import Clock, Party, State
from ..models import Appeal, OfferAnswer, OfferKind
from ..models.appeals import MAX_CLAUSE
from ..models.evidence import KIND_CHOICES, MEDIA_TYPES
from ..operations.appeal import MOST_CLAUSES
from ..operations.file import Filing
from ..policy.description import PARTS
from ..reasons import REASON_CHOICES, REMEDY_CHOICES


class DetailsField(StrictSerializer):
    """What helps to find the payment and the goods; for coins see requirement C7."""

    user_id = TextField(max_length=128, required=False)
    account = TextField(max_length=128, required=False)
    server = TextField(max_length=128, required=False)
    package = TextField(max_length=128, required=False)
    payment_method = TextField(max_length=64, required=False)
    exact_amount = TextField(max_length=32, required=False)
    card_last4 = serializers.RegexField(
        r"^[0-9]{4}\Z",
        required=False,
        error_messages={"invalid": _("Give the last four digits, and never more.")},
    )
    channel_reference = TextField(max_length=128, required=False)
    balance_before = TextField(max_length=64, required=False)
    balance_after = TextField(max_length=64, required=False)
    troubleshooting = TextField(max_length=1000, required=False)


class FilingSerializer(StrictSerializer):
    order = TextField(max_length=20)
    reason = serializers.ChoiceField(choices=REASON_CHOICES)
    description = TextField(max_length=4000, required=False, allow_blank=True, default="")
    remedy = serializers.ChoiceField(choices=REMEDY_CHOICES, required=False, default="refund")
    units = serializers.ListField(
        child=TextField(max_length=64), min_length=1, max_length=1000, required=False
    )
    amount = MoneyField(required=False)
    details = DetailsField(required=False)
    file_when_allowed = StrictBooleanField(required=False, default=False)

    def filing(self) -> Filing:
        data = self.validated_data
        return Filing(
            order_no=data["order"],
            reason=data["reason"],
            remedy=data["remedy"],
            description=data["description"],
            units=tuple(data["units"]) if "units" in data else None,
            amount=Money(**data["amount"]) if "amount" in data else None,
            details=data.get("details"),
            file_when_allowed=data["file_when_allowed"],
        )


class MessageSerializer(StrictSerializer):
    text = TextField(max_length=4000)


class AppealSerializer(StrictSerializer):
    clauses = serializers.ListField(
        child=TextField(max_length=MAX_CLAUSE), min_length=1, max_length=MOST_CLAUSES,
        help_text="The clauses relied on, as the findings and the judgement name them.",
    )  # fmt: skip
    text = TextField(max_length=4000)


class WithdrawSerializer(StrictSerializer):
    note = TextField(max_length=1000, required=False, allow_blank=True, default="")


class RespondOfferSerializer(StrictSerializer):
    accept = StrictBooleanField()
    note = TextField(max_length=1000, required=False, allow_blank=True, default="")


class SealedOfferSerializer(StrictSerializer):
    amount = MoneyField(help_text="The least you would settle for. The seller never sees it.")


class EligibilityQuery(StrictSerializer):
    reason = serializers.ChoiceField(choices=REASON_CHOICES)
    remedy = serializers.ChoiceField(choices=REMEDY_CHOICES, required=False, default="refund")
    units = TextField(max_length=2000, required=False, help_text="Refs of the units, separated by commas.")
    description = TextField(max_length=4000, required=False, allow_blank=True)


# --- Answers, for the API document -----------------------------------------------------------------------


class FindingShape(serializers.Serializer[Any]):
    rule = serializers.CharField()
    result = serializers.ChoiceField(["met", "unmet", "unknown"])
    clause = serializers.CharField(help_text="The requirement the rule rests on.")
    facts = serializers.DictField()
    text = serializers.CharField()


class ChangeShape(serializers.Serializer[Any]):
    rule = serializers.CharField()
    facts = serializers.DictField()
    text = serializers.CharField()


class DecisionShape(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(["approve", "reject", "ask_seller", "review", "wait"])
    amount = MoneyShape()
    policy = serializers.CharField(help_text="Goods type and version, e.g. card_code@1.")
    at = serializers.DateTimeField()
    findings = FindingShape(many=True)
    would_change = ChangeShape(many=True)


class JudgementShape(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(Outcome.choices)
    amount = MoneyShape(help_text="What goes back; nothing for a rejection.")
    fault = serializers.ChoiceField(Fault.choices)
    fault_shares = serializers.DictField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text=f"Percent by party ({', '.join(SHARED_BY)}), 100 together; null where the fault is not divided.",
    )
    clause = serializers.CharField()
    note = serializers.CharField()
    at = serializers.DateTimeField()


class UnsaidShape(serializers.Serializer[Any]):
    code = serializers.ChoiceField(PARTS)
    text = serializers.CharField()


class DeadlineShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(Clock.choices)
    started_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="It may be put off, and never comes sooner.")


def _move_shape() -> type[serializers.Serializer[Any]]:
    """`from` is a word of Python's, so this shape is made by name."""
    fields: dict[str, Any] = {
        "at": serializers.DateTimeField(),
        "event": serializers.CharField(),
        "from": serializers.ChoiceField(State.choices, allow_null=True),
        "to": serializers.ChoiceField(State.choices),
        "by": serializers.ChoiceField(Party.choices),
        "clause": serializers.CharField(),
        "note": serializers.CharField(),
    }
    return type("MoveShape", (serializers.Serializer,), fields)


MoveShape = _move_shape()


class SpokenShape(serializers.Serializer[Any]):
    by = serializers.ChoiceField(Party.choices)
    text = serializers.CharField()
    at = serializers.DateTimeField()


class EvidenceShape(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Number within the case, from 1.")
    kind = serializers.ChoiceField(KIND_CHOICES)
    by = serializers.ChoiceField(Party.choices)
    name = serializers.CharField()
    note = serializers.CharField()
    media_type = serializers.ChoiceField(MEDIA_TYPES)
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField(help_text="Of the file as it is kept, in hex.")
    original_sha256 = serializers.CharField(help_text="Of the file as it was sent, in hex.")
    at = serializers.DateTimeField()
    url = serializers.CharField(
        allow_null=True,
        help_text="Path of the file, good for five minutes. Null in answers to a POST: read the case.",
    )


class NeededEvidenceShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(KIND_CHOICES)
    satisfied = serializers.BooleanField()


class EvidenceAskedShape(serializers.Serializer[Any]):
    kinds = serializers.ListField(child=serializers.ChoiceField(KIND_CHOICES))
    note = serializers.CharField()
    at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()


class AppealShape(serializers.Serializer[Any]):
    clauses = serializers.ListField(child=serializers.CharField())
    text = serializers.CharField()
    at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="When a supervisor is to have decided it.")
    outcome = serializers.ChoiceField(
        [outcome.value for outcome in Appeal.OF_BUYER], allow_null=True, help_text="Null while it waits."
    )
    note = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)


class TransferShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    state = serializers.ChoiceField(Transfer.State.choices)
    channel = serializers.ChoiceField(Channel.choices)
    amount = MoneyShape()
    settled_at = serializers.DateTimeField(allow_null=True)


class RefundShape(serializers.Serializer[Any]):
    state = serializers.ChoiceField(Transfer.State.choices)
    waiting_for = serializers.ChoiceField(
        ["identity"], allow_null=True, help_text="Identity: nothing is paid before it has been checked."
    )
    fx_rate = serializers.CharField(
        allow_null=True, help_text="The order's: CNY for one major unit of its currency; null for CNY."
    )
    channel = serializers.ChoiceField(Channel.choices)
    expected_by = serializers.DateTimeField()
    transfers = TransferShape(many=True)


class OfferShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(OfferKind.choices)
    amount = MoneyShape(allow_null=True, help_text="Of a part.")
    promised_for = serializers.DateTimeField(
        allow_null=True, help_text="Of a promise: unconfirmed by then, it counts as broken."
    )
    note = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(["open", *OfferAnswer.values])
    units = serializers.ListField(
        child=serializers.CharField(), help_text="New units of a replacement: reveal them as any other."
    )


class SealedOffersShape(serializers.Serializer[Any]):
    buyer = serializers.BooleanField(help_text="Whether the buyer has made one.")
    seller = serializers.BooleanField(help_text="Whether the seller has made one.")
    result = serializers.ChoiceField(["settled", "no_overlap"], allow_null=True)


class RefundRequestShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    order = serializers.CharField()
    reason = serializers.ChoiceField(REASON_CHOICES)
    remedy = serializers.ChoiceField(REMEDY_CHOICES)
    description = serializers.CharField()
    units = serializers.ListField(child=serializers.CharField())
    amount = MoneyShape()
    approved_amount = MoneyShape(allow_null=True)
    state = serializers.ChoiceField(State.choices)
    channel = serializers.ChoiceField(FilingChannel.choices, help_text="How the request came in.")
    filed_at = serializers.DateTimeField()
    decision = DecisionShape(allow_null=True)
    judgement = JudgementShape(allow_null=True, help_text="What a person decided last.")
    deadlines = DeadlineShape(many=True)
    timeline = MoveShape(many=True)
    messages = SpokenShape(many=True)
    evidence = EvidenceShape(many=True)
    evidence_needed = NeededEvidenceShape(
        many=True,
        help_text="What the terms ask for this reason, once it was judged; nothing where the books answer.",
    )
    offer = OfferShape(allow_null=True, help_text="What the seller offered last.")
    sealed_offers = SealedOffersShape()
    evidence_asked = EvidenceAskedShape(
        allow_null=True, help_text="What a reviewer waits for from you; null while nothing is asked of you."
    )
    appeal = AppealShape(allow_null=True, help_text="Yours, against a rejection.")
    refund = RefundShape(allow_null=True)


class FiledShape(RefundRequestShape):
    description_missing = UnsaidShape(
        many=True, help_text="What would help a person to judge; nothing is refused for want of it."
    )


class EligibilityShape(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(["approve", "reject", "ask_seller", "review", "wait"])
    amount = MoneyShape()
    one_click = serializers.BooleanField()
    findings = FindingShape(many=True)
    would_change = ChangeShape(many=True)
    evidence_needed = serializers.ListField(child=serializers.CharField())
    warning = serializers.CharField(allow_null=True)
    description_missing = UnsaidShape(
        many=True, help_text="What the description given would lack; nothing where none is asked."
    )
