"""How far a command is: a bar where somebody watches, a line now and then where nobody does."""

import sys
from collections.abc import Callable

from tqdm import tqdm

STEP = 5  # percent between two lines where nobody watches a bar


def progress(name: str) -> tuple[Callable[[int, int], None], Callable[[], None]]:
    """What to call with bytes done and bytes in all, and what to call at the end."""
    if sys.stderr.isatty():
        bar = tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024)

        def move(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return move, bar.close
    shown = 0

    def line(done: int, total: int) -> None:
        nonlocal shown
        percent = done * 100 // max(total, 1)
        if percent >= shown + STEP:
            shown = percent
            print(f"{name}: {percent} %", file=sys.stderr)

    return line, lambda: None
