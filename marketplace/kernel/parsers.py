"""JSON as RFC 8259 has it and as PostgreSQL can keep it."""

import json
from typing import Any, NoReturn

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


class StrictJSONParser(BaseParser):
    """Refuses what json.loads lets pass: NaN, doubled names, NUL, lone surrogates, numbers beyond reach."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return loads(stream.read())


def loads(body: bytes) -> Any:
    """Raises ParseError (400 malformed_json) saying what is wrong and where."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_doubles)
    except UnicodeDecodeError as error:
        raise ParseError(_("The body is not UTF-8 (byte %(at)s).") % {"at": error.start}) from error
    except RecursionError as error:
        raise ParseError(_("The body is nested too deeply.")) from error
    except ValueError as error:
        raise ParseError(_("The body is not valid JSON: %(why)s") % {"why": error}) from error
    if "\\u0000" in text and _has_nul(value):
        raise ParseError(_("The character NUL is not allowed in texts."))
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ParseError(_("A text holds half of a surrogate pair.")) from error
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        raise ValueError(
            f"the name {next(n for n in names if names.count(n) > 1)!r} is given twice in one object"
        )
    return found


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_nul(name) or _has_nul(inner) for name, inner in value.items())
    return isinstance(value, list) and any(map(_has_nul, value))
