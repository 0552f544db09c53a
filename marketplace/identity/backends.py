from typing import Any

from django.contrib.auth.backends import ModelBackend

from .models import User
from .roles import PERMISSIONS


class RoleBackend(ModelBackend):
    """Permissions come from the role table in code, not from rows somebody may edit."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if (
            not isinstance(user_obj, User)
            or not user_obj.is_active
            or not user_obj.is_staff
            or obj is not None
        ):
            return set()
        return PERMISSIONS.get(user_obj.role, set())

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return perm in self.get_all_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(perm.startswith(f"{app_label}.") for perm in self.get_all_permissions(user_obj))
