"""Parts of a path: any text PostgreSQL can hold, so that a NUL is a 404 and not a 500."""

from django.urls import register_converter
from django.urls.converters import StringConverter


class Name(StringConverter):
    regex = "[^/\x00]{1,128}"


register_converter(Name, "name")
