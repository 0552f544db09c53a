from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """Django's admin, entered as site.py says."""

    default_site = "marketplace.identity.desk.site.DeskSite"
