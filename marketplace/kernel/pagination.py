"""Pages of lists."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """Keyset pages `{results, next, previous}` by id, which never ties and never counts."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Any:
        """Raises ValidationError where the cursor is not one that `next` or `previous` gave."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise _no_cursor(self.cursor_query_param) from None
        if cursor and cursor.position is not None and not _is_id(str(cursor.position)):
            raise _no_cursor(self.cursor_query_param)
        return cursor

    def get_page_size(self, request: Request) -> int | None:
        """Raises ValidationError for what is not a number of rows."""
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if not (given.isascii() and given.isdigit() and len(given) <= 6 and int(given) >= 1):
            text = _("Give a number of rows from 1 to %(most)s.") % {"most": self.max_page_size}
            raise ValidationError({self.page_size_query_param: [ErrorDetail(str(text), "invalid")]})
        return min(int(given), self.max_page_size)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": 999_999, "default": self.page_size}
                parameter["description"] = (
                    f"Rows of a page; more than {self.max_page_size} are given as so many."
                )
        return parameters


def _is_id(position: str) -> bool:
    return position.isascii() and position.isdigit() and len(position) <= 18


def _no_cursor(name: str) -> ValidationError:
    text = _("This is no cursor of this list. Follow next and previous as they are given.")
    return ValidationError({name: [ErrorDetail(str(text), "invalid")]})
