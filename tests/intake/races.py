"""Calls made at the same moment, each on a connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.utils import timezone

from marketplace.intake import operations, validation
from marketplace.orders.models import Shop

from . import bodies


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls at once, each on its own connection; return what each returned or raised."""
    results: list[Any] = [None] * len(calls)

    def run(index: int) -> None:
        try:
            results[index] = calls[index]()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def take(shop: Shop, **changes: Any) -> Callable[[], Any]:
    record = validation.order_record(bodies.order(**changes), now=timezone.now())
    return lambda: operations.take_order(shop=shop, record=record, key=None, now=timezone.now())


def after(barrier: threading.Barrier, call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, and behind a thread's first one it waits for the others of `barrier`."""
    met = threading.local()

    def called(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        if not getattr(met, "done", False):
            met.done = True
            try:
                barrier.wait()
            except threading.BrokenBarrierError:
                pass  # a lock lets only one through at a time, which is what is tested
        return result

    return called


def amid(meanwhile: Callable[[], Any], call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, and behind the first one made of it `meanwhile` runs from beginning to end, on another connection."""
    once = threading.Lock()

    def called(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        if once.acquire(blocking=False):
            together(meanwhile)
        return result

    return called
