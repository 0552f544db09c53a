"""What a back-test found, in words and in the rows of its tables."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketplace.kernel.language import is_english
from marketplace.kernel.templatetags.recourse import money
from refunds.models import BacktestRun, PolicyDraft
from refunds.reasons import reason_label

from .looks import OUTCOMES, look_badge
from .record import in_words

State = BacktestRun.State
MOVES = ("more", "less", "undecided", "open")


def headline(run: BacktestRun) -> str:
    """The result in a sentence or two."""
    if run.state == State.RUNNING:
        return _("Cases are being decided anew.")
    if run.state == State.QUEUED:
        return _("It waits for its turn.")
    if run.state == State.CANCELLED:
        return _("Cancelled before it came to its end.")
    if run.state == State.FAILED:
        return _("It came to no end. It can be run again.")
    if not run.planned:
        return _(
            "No case of these goods was decided in these days, so there was nothing to try the draft on."
        )
    share = _("Of %(cases)s decided cases %(flipped)s (%(drift)s %%) would have ended otherwise.") % {
        "cases": f"{run.cases:,}",
        "flipped": f"{run.flipped:,}",
        "drift": f"{run.drift:.1f}",
    }
    return _sentences(share, *moved(run))


def moved(run: BacktestRun) -> list[str]:
    """A sentence for each way money would have moved, all currencies in it."""
    texts = {
        "more": _("More would have been paid back: %(sums)s."),
        "less": _("Less would have been paid back: %(sums)s."),
        "undecided": _("For people to decide instead of the rules: %(sums)s."),
        "open": _("Not decided yet, so not counted: %(sums)s."),
    }
    found = {
        move: [
            _("%(sum)s (%(cases)s)")
            % {"sum": money(each[move]["amount"], currency), "cases": _cases(each[move]["cases"])}
            for currency, each in run.found["money"].items()
            if move in each
        ]
        for move in MOVES
    }
    return [texts[move] % {"sums": ", ".join(sums)} for move, sums in found.items() if sums]


def gate(draft: PolicyDraft, run: BacktestRun | None) -> str:
    """What still stands between the draft and its publication, or nothing does."""
    if run is None:
        return _(
            "Its terms as saved have not been tried yet. It is published only after a back-test of these very terms."
        )
    known = {"drift": f"{run.drift_at_most:.1f}", "limit": f"{settings.POLICY_DRIFT_PERCENT:g}"}
    if run.drift_at_most > settings.POLICY_DRIFT_PERCENT:
        return (
            _(
                "%(drift)s %% of the cases would have ended otherwise, more than %(limit)s %%: a supervisor publishes it, with a reason."
            )
            % known
        )
    return (
        _("Tried: %(drift)s %% of the cases would have ended otherwise, within the limit of %(limit)s %%.")
        % known
    )


def days_of(run: BacktestRun) -> str:
    return _("from %(since)s to before %(until)s") % {
        "since": in_words(run.since),
        "until": in_words(run.until),
    }


def drawn(run: BacktestRun) -> str:
    if run.sample is None:
        return _("all of them")
    return _("%(sample)s of them, by the draw %(seed)s") % {"sample": f"{run.sample:,}", "seed": run.seed}


def terms_of(run: BacktestRun) -> str:
    text = _("as they were when it was asked for, SHA-256 %(digest)s…") % {"digest": run.digest[:12]}
    same = run.terms == run.draft.terms
    return text if same else f"{text} · " + _("The draft has been changed since.")


def result(run: BacktestRun) -> dict[str, Any]:
    """The panels' context."""
    found = run.found
    most = max((cell["cases"] for cell in found["matrix"] if cell["was"] != cell["would_be"]), default=0)
    return {
        "run": run,
        "cells": [
            {
                "was": look_badge(OUTCOMES[cell["was"]]),
                "would_be": look_badge(OUTCOMES[cell["would_be"]]),
                "cases": cell["cases"],
                "is_flip": cell["was"] != cell["would_be"],
                "bar": round(100 * cell["cases"] / most, 1) if cell["was"] != cell["would_be"] else 0,
                "share": 100 * cell["cases"] / (run.cases or 1),
            }
            for cell in sorted(
                found["matrix"], key=lambda cell: (cell["was"] == cell["would_be"], -cell["cases"])
            )
        ],
        "reasons": [
            {**row, "word": reason_label(row["reason"]), "sums": _sums(row["money"])}
            for row in found["reasons"]
        ],
        "sellers": [{**row, "sums": _sums(row["money"])} for row in found["sellers"]],
        "other_sellers": found["sellers_flipped"] - len(found["sellers"]),
        "review": review(found["review"]),
        "agreement": [
            (_("People"), found["agreement"]["people"]["ruled"], _agreed(found["agreement"]["people"])),
            (_("Arbiters"), found["agreement"]["arbiters"]["ruled"], _agreed(found["agreement"]["arbiters"])),
        ],
        "unreadable": found["unreadable"],
        "named": found["named"],
        "by_program": found["by_program"],
    }


def review(found: Mapping[str, Any]) -> str:
    """Cases into and out of review, and hours where the time a review takes could be measured."""
    known = {"into": f"{found['into']:,}", "out": f"{found['out']:,}"}
    text = _("%(into)s more cases would have come to a reviewer, and %(out)s fewer.") % known
    minutes, intervals = found["minutes"], found["intervals"]
    if minutes is None:
        unknown = _(
            "What that is in hours is not known: too few decisions were made in a row to measure by (%(n)s)."
        )
        return _sentences(text, unknown % {"n": intervals})
    hours = (found["into"] - found["out"]) * minutes / 60
    if not hours:
        return text
    said = (
        _(
            "That costs %(hours)s reviewer hours, at %(minutes)s minutes a review: the median of %(n)s decisions made in a row."
        )
        if hours > 0
        else _(
            "That saves %(hours)s reviewer hours, at %(minutes)s minutes a review: the median of %(n)s decisions made in a row."
        )
    )
    measured = {"hours": f"{abs(hours):,.1f}", "minutes": f"{minutes:g}", "n": f"{intervals:,}"}
    return _sentences(text, said % measured)


def _agreed(found: Mapping[str, Any]) -> list[str]:
    """For what was decided and for the draft: share and counts of those that compare."""
    return [_share(found[name]) for name in ("was", "would_be")]


def _share(found: Mapping[str, int]) -> str:
    if not found["comparable"]:
        return _("nothing to compare")
    percent = 100 * found["agree"] / found["comparable"]
    return _("%(percent)s %% (%(agree)s of %(comparable)s)") % {
        "percent": f"{percent:.1f}",
        "agree": f"{found['agree']:,}",
        "comparable": f"{found['comparable']:,}",
    }


def _sums(sums: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str]]:
    """(more, less) for each currency."""
    return [
        (money(each.get("more", 0), currency), money(each.get("less", 0), currency))
        for currency, each in sorted(sums.items())
        if each.get("more") or each.get("less")
    ]


def _sentences(*texts: str) -> str:
    """Chinese writes no space between them."""
    return (" " if is_english() else "").join(texts)


def _cases(count: int) -> str:
    return ngettext("%(n)s case", "%(n)s cases", count) % {"n": f"{count:,}"}
