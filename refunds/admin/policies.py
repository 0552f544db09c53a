"""Policy versions as published, to be read."""

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketplace.identity.admin import ReadOnlyAdmin
from refunds.models import PolicyVersion


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "goods_type", "version", "in_force_at", "published_at")
    list_filter = ("goods_type",)
    ordering = ("goods_type", "-version", "id")
    fields = ("goods_type", "version", "in_force_at", "published_at", "terms_as_published")
    readonly_fields = ("terms_as_published",)

    @admin.display(description=_("terms"))
    def terms_as_published(self, policy: PolicyVersion) -> SafeString:
        return format_html(
            '<pre class="desk-json">{}</pre>',
            json.dumps(policy.terms, ensure_ascii=False, indent=2, sort_keys=True),
        )
