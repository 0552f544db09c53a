"""Figures: on screen as they come, at the end as a table beside their targets, and as JSON."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

LATEST = Path(__file__).resolve().parent / "latest.json"
_begun = time.monotonic()


class Figure(NamedTuple):
    """`ratio` is how near ours comes to the floor, higher is better: ours/floor for rates, floor/ours for times."""

    ours: float
    floor: float
    ratio: float
    unit: str
    spread: str = ""  # the ratios of the single rounds
    growth: float = 1.0  # our cost against our cost with a tenth of the rows, where that is the question


class Target(NamedTuple):
    text: str
    reached: Callable[[Figure], bool]


def at_least(ratio: float) -> Target:
    return Target(f"ratio >= {ratio}", lambda figure: figure.ratio >= ratio)


def under(limit: float) -> Target:
    return Target(f"< {limit:g} s", lambda figure: figure.ours < limit)


def flat(limit: float) -> Target:
    """Ten times the rows may not cost `limit` times as much."""
    return Target(f"x10 rows < x{limit}", lambda figure: figure.growth < limit)


def say(text: str) -> None:
    elapsed = int(time.monotonic() - _begun)
    sys.stdout.write(f"{elapsed // 60:3}:{elapsed % 60:02}  {text}\n")
    sys.stdout.flush()


def table(figures: dict[str, Figure], targets: dict[str, Target]) -> str:
    head = f"{'':20} {'ours':>10} {'floor':>10} {'ratio':>6}  {'rounds':<10} {'target':<15} {'':<8} unit"
    lines = [head, "-" * len(head)]
    for name, figure in figures.items():
        target = targets[name]
        reached = "reached" if target.reached(figure) else "MISSED"
        lines.append(
            f"{name:20} {_short(figure.ours):>10} {_short(figure.floor):>10} {figure.ratio:>6.2f}"
            f"  {figure.spread:<10} {target.text:<15} {reached:<8} {figure.unit}"
        )
    return "\n".join(lines)


def write(figures: dict[str, Figure]) -> None:
    """A run of some figures leaves the others of the file as they were."""
    known = json.loads(LATEST.read_text()) if LATEST.exists() else {}
    for name, figure in figures.items():
        known[name] = {
            "ours": round(figure.ours, 4),
            "floor": round(figure.floor, 4),
            "ratio": round(figure.ratio, 4),
            "unit": figure.unit,
        }
    LATEST.write_text(json.dumps(known, indent=2) + "\n")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3f}" if value < 10 else f"{value:.1f}"
