from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Keyset pages `{results, next, previous}` by id, which never ties and never counts."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
