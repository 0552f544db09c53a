"""Query parameters of lists, as strict as bodies: a name that is not known or a value that cannot be is an error."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

FLAGS = [("true", "true"), ("false", "false")]


@extend_schema_field(bool)
class FlagFilter(filters.ChoiceFilter):
    """`true` or `false`, and nothing that might be meant for one of them. A method of its own gets the word."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=FLAGS, **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        if not value:
            return qs
        return self.get_method(qs)(**{f"{self.field_name}__{self.lookup_expr}": value == "true"})


class StrictFilters(filters.DjangoFilterBackend):
    """Raises ValidationError for names that neither the filters nor the pages know, and for one given twice."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        faults = dict(self._faults(request, queryset, view))
        if faults:
            raise ValidationError(faults)
        return super().filter_queryset(request, queryset, view)

    def _faults(self, request: Request, queryset: Any, view: Any) -> Any:
        filterset = self.get_filterset_class(view, queryset)
        paginator = view.paginator
        known = [
            *(filterset.base_filters if filterset else ()),
            paginator.cursor_query_param,
            paginator.page_size_query_param,
        ]
        for name, values in request.query_params.lists():
            if name not in known:
                text = _("There is no parameter of this name. Parameters: %(known)s.")
                yield name, [ErrorDetail(text % {"known": ", ".join(known)}, "unknown_field")]
            elif len(values) > 1:
                yield name, [ErrorDetail(str(_("Give this once.")), "repeated_field")]
            elif values == [""]:
                yield name, [ErrorDetail(str(_("Give a value, or leave the parameter out.")), "blank")]
