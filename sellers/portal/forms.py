"""Reading what was typed. Whether it may be done is the operation's to say."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from refunds.operations.answer import Ground
from refunds.operations.say import MAX_CHARACTERS


class LongText(forms.CharField):
    """Lines as people count them: a browser sends each line break as two characters."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows})
        super().__init__(max_length=MAX_CHARACTERS, widget=widget, **kwargs)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class AgreeForm(forms.Form):
    note = LongText(
        label=_("Note to the buyer (optional)"), help_text=_("The buyer and the platform read this."),
        required=False, rows=3,
    )  # fmt: skip


class RefuseForm(forms.Form):
    ground = forms.ChoiceField(
        label=_("Ground"),
        choices=Ground.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a ground."),
            "invalid_choice": _("Choose one of the grounds listed."),
        },
    )
    note = LongText(
        label=_("Explanation"),
        help_text=_("Say what it rests on: records, times, the rule. The buyer and the reviewer read this."),
        error_messages={"required": _("Say in a sentence what the ground rests on.")},
        rows=4,
    )


class MessageForm(forms.Form):
    text = LongText(
        label=_("Message"),
        help_text=_("The buyer and the platform read this. Never write a card code or a password here."),
        error_messages={"required": _("Write a message first.")},
        rows=3,
    )
