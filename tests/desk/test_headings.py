"""The desk's lists speak Chinese: a field without a name of its own would be headed by its name in the code."""

import re

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.utils.translation import override

NAMES = {"Webhook"}  # that Chinese has too


def test_no_list_has_an_english_heading() -> None:
    english = []
    with override("zh-hans"):
        for model, of_model in admin.site._registry.items():
            shown = [str(model._meta.verbose_name)]
            for name in of_model.list_display:
                if name not in ("action_checkbox", "__str__"):
                    shown.append(str(label_for_field(name, model, of_model)))
            words = {word for text in shown for word in re.findall(r"[A-Za-z]{3,}", text)} - NAMES
            english += [f"{model._meta.label}: {word}" for word in sorted(words)]
    assert english == []
