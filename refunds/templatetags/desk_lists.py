"""What stands above each list of the desk: the views kept of it, keeping one, and taking it out as a file."""

from typing import Any

from django import template
from django.http import HttpRequest, QueryDict

register = template.Library()


@register.inclusion_tag("desk/list_tools.html", takes_context=True)
def list_tools(context: dict[str, Any], changelist: Any) -> dict[str, Any]:
    # The theme renders a template while it is imported, and for that all tags are loaded: before the desk is there.
    from refunds.admin.exports import may_export
    from refunds.admin.lists import LISTS
    from refunds.admin.saved_views import kept_query, kept_views

    request: HttpRequest = context["request"]
    label = changelist.model._meta.label_lower
    if label not in LISTS or changelist.is_popup:
        return {}
    shown = kept_query(request.META.get("QUERY_STRING", ""))
    views = [view for view in kept_views(request) if view.list == label]
    return {
        "label": label,
        "views": [(view, QueryDict(view.query) == QueryDict(shown)) for view in views],
        "shown": shown,
        "may_export": may_export(request, label),
        "may_keep": request.user.has_perm("identity.add_savedview"),
        "csrf_token": context.get("csrf_token"),
    }
