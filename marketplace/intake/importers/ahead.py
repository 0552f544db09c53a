"""Reading ahead: the next rows are read and judged while the database works on the last ones."""

import gc
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.utils import translation

Item = TypeVar("Item")
COLLECT_AFTER = (
    500_000  # objects, about two batches; Python's own 700 had the collector walk each batch a dozen times
)


@contextmanager
def ahead(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """`items` as another thread makes them, one waiting at most; what making them raises is raised here.

    The thread never touches the database. It ends when the block is left, however that happens.
    """
    ready: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(maxsize=1)
    left = threading.Event()

    def hand_over(item: Item | None, error: BaseException | None = None) -> bool:
        while not left.is_set():
            try:
                ready.put((item, error), timeout=0.1)
                return True
            except queue.Full:
                continue  # the database is slower; look now and then whether anybody still waits
        return False

    language = translation.get_language()  # each thread has its own, and reasons are written in it

    def make() -> None:
        try:
            with translation.override(language):
                for item in items:
                    if not hand_over(item):
                        return
            hand_over(None)
        except BaseException as error:
            hand_over(None, error)

    def taken() -> Iterator[Item]:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item

    thread = threading.Thread(target=make, name="read-ahead", daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        left.set()
        thread.join()


class _Rare:
    """How many imports of this process want rare collections: the last one out puts back what the first one found."""

    lock = threading.Lock()
    users = 0
    kept = (0, 0, 0)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Rows are trees, freed by their counts; cycles that errors leave behind are still found, only later."""
    with _Rare.lock:
        if _Rare.users == 0:
            _Rare.kept = gc.get_threshold()
            gc.set_threshold(COLLECT_AFTER, *_Rare.kept[1:])
        _Rare.users += 1
    try:
        yield
    finally:
        with _Rare.lock:
            _Rare.users -= 1
            if _Rare.users == 0:
                gc.set_threshold(*_Rare.kept)
