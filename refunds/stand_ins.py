"""Other numbers and the present time for a case that is shown again: what was read, in memory, and never saved.

Each number is replaced by one of the same form, the same each time it is shown, and wherever it stands: also in what
people wrote. Names of people, sellers and shops stay.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from django.db.models import CharField, DateTimeField, JSONField, Model, TextField

from marketplace.identity.models import Buyer, User
from marketplace.kernel.ids import ALPHABET, SHANGHAI
from marketplace.kernel.serializers import instant
from marketplace.orders.models import Product, Shop
from sellers.models import Seller

from .models import PolicyVersion

STAY = (User, Buyer, Seller, Shop, Product, PolicyVersion)
SHORTEST = 5  # shorter ones are replaced where they are a number's own field, and not inside a text

_OURS = re.compile(rf"([A-Z]{{2}})(\d{{6}})([{ALPHABET}]{{8}})")
_BEGINS = re.compile(r"[A-Za-z]*[-_]?")
_DATE = re.compile(r"(?<!\d)20\d{6}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)")


class StandIns:
    """`key` makes the stand-ins of one showing unlike those of another."""

    def __init__(self, *, key: str, by: timedelta) -> None:
        self.by, self._key = by, key
        self._of: dict[str, str] = {}
        self._seen: set[int] = set()

    def hide(self, number: str, stand_in: str = "") -> None:
        """Show another in its place."""
        if number:
            self._of[number] = stand_in or self._made(number)

    def over(self, found: Any) -> Any:
        """Rows, with what they hold in memory, changed in place; lists, tuples and texts made anew."""
        if isinstance(found, Model):
            return self._row(found)
        if isinstance(found, str):
            return self._text(found)
        if isinstance(found, datetime):
            return found + self.by
        if isinstance(found, Mapping):
            return {name: self.over(value) for name, value in found.items()}
        if isinstance(found, tuple) and hasattr(found, "_fields"):
            return type(found)(*(self.over(value) for value in found))
        if isinstance(found, list | tuple):
            return type(found)(self.over(value) for value in found)
        return found

    def _row(self, row: Model) -> Model:
        if isinstance(row, STAY) or id(row) in self._seen:
            return row
        self._seen.add(id(row))
        for field in row._meta.concrete_fields:
            value = row.__dict__.get(field.attname)
            if value and isinstance(field, CharField | TextField | DateTimeField | JSONField):
                row.__dict__[field.attname] = self.over(value)
        for other in row._state.fields_cache.values():
            self.over(other)
        for rows in getattr(row, "_prefetched_objects_cache", {}).values():
            self.over(list(rows))
        return row

    def _text(self, text: str) -> str:
        if text in self._of:
            return self._of[text]
        for number, stand_in in self._of.items():
            if len(number) >= SHORTEST and number in text:
                text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(number)}(?![0-9A-Za-z])", stand_in, text)
        return _INSTANT.sub(self._later, text)

    def _later(self, found: re.Match[str]) -> str:
        return instant(datetime.fromisoformat(found[0]) + self.by)

    def _made(self, number: str) -> str:
        """Of our own form with another end. Of others the end changes, and what a shop or channel begins with stays."""
        letters = hashlib.blake2b(number.encode(), key=self._key.encode()[:64]).digest()
        if found := _OURS.fullmatch(number):
            end = "".join(ALPHABET[byte % len(ALPHABET)] for byte in letters[:8])
            return found[1] + self._day(found[2], "%y%m%d") + end
        begins = max(len(_BEGINS.match(number)[0]), len(number) - 8)  # type: ignore[index]
        begin = _DATE.sub(lambda found: self._day(found[0], "%Y%m%d"), number[:begins])
        return begin + "".join(map(_another, number[begins:], letters))

    def _day(self, day: str, written: str) -> str:
        """As many days later; what looks like a day and is none stays."""
        try:
            return (datetime.strptime(day, written).replace(tzinfo=SHANGHAI) + self.by).strftime(written)
        except ValueError:
            return day


def _another(character: str, byte: int) -> str:
    """Never the same."""
    for letters in (digits, ascii_lowercase, ascii_uppercase):
        if character in letters:
            return letters[(letters.index(character) + 1 + byte % (len(letters) - 1)) % len(letters)]
    return character
