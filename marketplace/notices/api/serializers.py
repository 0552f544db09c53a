"""Bodies of the buyer's calls about notices, and the shapes of their answers for the API document."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from marketplace.kernel.serializers import StrictBooleanField, StrictIntegerField, StrictSerializer, instant

from ..models import Notice
from ..queries import groups_told, unwanted
from ..texts import render
from ..topics import TOPIC_CHOICES, RecipientKind, Way

MOST_AT_ONCE = 200
MAX_ID = 2**63 - 1
GROUPS_OF_BUYERS = groups_told(RecipientKind.BUYER)


class ReadSerializer(StrictSerializer):
    """Some of them by id, or all up to one: exactly one of the two."""

    ids = serializers.ListField(
        child=StrictIntegerField(min_value=1, max_value=MAX_ID),
        min_length=1,
        max_length=MOST_AT_ONCE,
        required=False,
    )
    up_to = StrictIntegerField(min_value=1, max_value=MAX_ID, required=False)

    def validate(self, attrs: Any) -> Any:
        if len(attrs) != 1:
            raise serializers.ValidationError(_("Give either ids or up_to."), "ids_or_up_to")
        return attrs


class NoticeShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    topic = serializers.ChoiceField(TOPIC_CHOICES)
    request = serializers.CharField(help_text="Number of the refund request it is about.")
    title = serializers.CharField()
    body = serializers.CharField(help_text="Plain text, a paragraph a line, in the language of the call.")
    data = serializers.DictField(  # type: ignore[assignment]  # a field, not Serializer.data
        help_text="What the text is made from: codes, numbers, amounts, instants."
    )
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class ReadShape(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="How many were unread until now.")
    unread = serializers.IntegerField(help_text="How many still are.")


class PreferenceSerializer(StrictSerializer):
    group = serializers.ChoiceField(
        [(name, group.label) for name, group in GROUPS_OF_BUYERS.items() if group.is_optional]
    )
    way = serializers.ChoiceField([(way.value, way.label) for way in (Way.EMAIL, Way.SMS)])
    wanted = StrictBooleanField()


class PreferenceShape(serializers.Serializer[Any]):
    group = serializers.ChoiceField([(name, group.label) for name, group in GROUPS_OF_BUYERS.items()])
    title = serializers.CharField()
    optional = serializers.BooleanField(help_text="False: it is told in any case, because the law wants it.")
    email = serializers.BooleanField()
    sms = serializers.BooleanField()


class PreferencesShape(serializers.Serializer[Any]):
    results = PreferenceShape(many=True)


def represent_preferences(buyer_id: int) -> dict[str, Any]:
    off = {way: unwanted(RecipientKind.BUYER, buyer_id, way) for way in (Way.EMAIL, Way.SMS)}
    return {
        "results": [
            {
                "group": name,
                "title": str(group.label),
                "optional": group.is_optional,
                "email": name not in off[Way.EMAIL],
                "sms": name not in off[Way.SMS],
            }
            for name, group in GROUPS_OF_BUYERS.items()
        ]
    }


def represent(notice: Notice) -> dict[str, Any]:
    text = render(notice.topic, notice.recipient_kind, notice.data)
    return {
        "id": notice.pk,
        "topic": notice.topic,
        "request": notice.subject,
        "title": text.title,
        "body": text.body,
        "data": notice.data,
        "created_at": instant(notice.created_at),
        "read_at": instant(notice.read_at) if notice.read_at else None,
    }
