"""How the desk looks: names, colours and the side bar. Texts and counts come from refunds/admin/sidebar.py."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Recourse",
    "SITE_HEADER": "Recourse",
    "SITE_SYMBOL": "currency_exchange",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "6px",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("desk/favicon.svg")},
    ],
    "STYLES": [
        lambda request: static("desk/theme.css"),
        lambda request: static("desk/desk.css"),
        lambda request: static("desk/case.css"),
        lambda request: static("desk/account.css"),
    ],
    "ACCOUNT": {
        "navigation": [
            {"title": _("My account"), "link": reverse_lazy("admin:account")},
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
        ]
    },
    "GLOBAL_CALLBACK": "refunds.admin.palette.site_context",
    "DASHBOARD_CALLBACK": "refunds.admin.sidebar.home",
    "SIDEBAR": {"navigation": "refunds.admin.sidebar.navigation"},
}
