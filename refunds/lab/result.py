"""What the page of a run says, made once of what its parts counted, and kept with the run as JSON."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sellers.models import Seller

from ..models import RefundRequest
from .judging import VERDICTS
from .minutes import Measured
from .tally import Kind, Tally

SELLERS = 20  # named; the others are counted

Sums = dict[str, dict[str, int]]  # {"CNY": {"more": 4900}}: minor units by currency and move


def result_of(tally: Tally, measured: Measured, kept: int) -> dict[str, Any]:
    """`kept`: how many flipped cases are listed."""
    into = _count(tally, lambda kind: kind.would_be == "review" != kind.was)
    out = _count(tally, lambda kind: kind.was == "review" != kind.would_be)
    return {
        "by_program": tally.by_program,
        "unreadable": tally.unreadable,
        "named": _named(tally),
        "matrix": _matrix(tally),
        "money": {
            currency: {
                move: {"cases": cases, "amount": tally.money[currency, move]}
                for (held, move), cases in sorted(tally.moved.items())
                if held == currency
            }
            for currency in sorted({currency for currency, _move in tally.moved})
        },
        "reasons": _reasons(tally),
        "sellers": _sellers(tally),
        "sellers_flipped": len(tally.sellers),
        "review": {"into": into, "out": out, "minutes": measured.minutes, "intervals": measured.intervals},
        "agreement": {
            "people": _agreement(tally, arbitrated=False),
            "arbiters": _agreement(tally, arbitrated=True),
        },
        "flips_kept": kept,
    }


def _count(tally: Tally, holds: Callable[[Kind], bool]) -> int:
    return sum(count for kind, count in tally.kinds.items() if holds(kind))


def _matrix(tally: Tally) -> list[dict[str, Any]]:
    cells: Counter[tuple[str, str]] = Counter()
    for kind, count in tally.kinds.items():
        cells[kind.was, kind.would_be] += count
    return [
        {"was": was, "would_be": would_be, "cases": count} for (was, would_be), count in sorted(cells.items())
    ]


def _reasons(tally: Tally) -> list[dict[str, Any]]:
    cases: Counter[str] = Counter()
    flipped: Counter[str] = Counter()
    for kind, count in tally.kinds.items():
        cases[kind.reason] += count
        flipped[kind.reason] += count * (kind.was != kind.would_be)
    sums = _sums_by((key[0], key[1:], amount) for key, amount in tally.by_reason.items())
    order = sorted(cases, key=lambda reason: (-flipped[reason], -cases[reason], reason))
    return [
        {"reason": reason, "cases": cases[reason], "flipped": flipped[reason], "money": sums.get(reason, {})}
        for reason in order
    ]


def _sellers(tally: Tally) -> list[dict[str, Any]]:
    most = sorted(tally.sellers.items(), key=lambda entry: (-entry[1], entry[0]))[:SELLERS]
    known = Seller.objects.in_bulk([seller for seller, _count in most])
    sums = _sums_by((key[0], key[1:], amount) for key, amount in tally.by_seller.items())
    return [
        {
            "id": seller,
            "code": known[seller].code,
            "name": known[seller].name,
            "flipped": count,
            "money": sums.get(seller, {}),
        }
        for seller, count in most
    ]


def _sums_by(entries: Iterable[tuple[Any, tuple[str, str], int]]) -> Mapping[Any, Sums]:
    sums: dict[Any, Sums] = defaultdict(lambda: defaultdict(dict))
    for key, (currency, move), amount in entries:
        sums[key][currency][move] = amount
    return sums


def _agreement(tally: Tally, *, arbitrated: bool) -> dict[str, Any]:
    """Where both a person and the policy gave a verdict: how often it is the same, for what was and what would be."""
    ruled = {
        kind: count for kind, count in tally.kinds.items() if kind.ruling and kind.arbitrated == arbitrated
    }
    found: dict[str, Any] = {"ruled": sum(ruled.values())}
    for name in ("was", "would_be"):
        verdicts = {kind: count for kind, count in ruled.items() if getattr(kind, name) in VERDICTS}
        agree = sum(count for kind, count in verdicts.items() if getattr(kind, name) == kind.ruling)
        found[name] = {"comparable": sum(verdicts.values()), "agree": agree}
    return found


def _named(tally: Tally) -> list[dict[str, str]]:
    numbers = dict(
        RefundRequest.objects.filter(pk__in=[request_id for request_id, _why in tally.named]).values_list(
            "pk", "number"
        )
    )
    return [{"number": numbers[request_id], "why": why} for request_id, why in tally.named]
