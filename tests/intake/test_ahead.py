"""What an import leans on: rows read ahead by another thread, and order numbers drawn many at once."""

import gc
import re
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from django.utils import timezone

from marketplace.intake.importers.ahead import ahead, rare_collections
from marketplace.kernel import ids


def test_items_come_in_order_and_whole() -> None:
    with ahead(iter(range(1, 100))) as items:
        assert list(items) == list(range(1, 100))


def test_what_reading_raises_is_raised_behind_the_rows_before_it() -> None:
    def rows() -> Iterator[int]:
        yield 1
        raise LookupError("the second")

    seen = []
    with pytest.raises(LookupError, match="the second"), ahead(rows()) as items:
        for item in items:
            seen.append(item)
    assert seen == [1]


def test_reading_ends_when_writing_fails() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), ahead(iter(range(1, 10**9))) as items:
        next(items)
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_collector_is_as_before_when_the_last_of_two_imports_is_through() -> None:
    before = gc.get_threshold()
    first, second = rare_collections(), rare_collections()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] > before[0]
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_numbers_drawn_at_once_are_as_those_drawn_alone() -> None:
    now = timezone.now()
    drawn = ids.numbers("OD", now, 5000)
    assert len(set(drawn)) == 5000
    assert all(re.fullmatch(f"OD\\d{{6}}[{ids.ALPHABET}]{{8}}", no) for no in (*drawn, ids.number("OD", now)))
    # No letter is likelier than another: each stands for as many of the 256 bytes.
    assert set(Counter(ids._LETTER_OF_BYTE).values()) == {256 // len(ids.ALPHABET)}
