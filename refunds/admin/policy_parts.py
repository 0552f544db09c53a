"""Parts of the pages of versions and drafts: what changes and whom it serves, the text the public reads, all terms."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string

from marketplace.kernel.language import language
from refunds.policy import Terms
from refunds.policy.plain import plain
from refunds.policy.term_changes import Change, name
from refunds.policy.term_table import GROUPS, TERMS, completed
from refunds.policy.term_words import in_words
from refunds.policy_queries import changes_between

from .looks import SIDES, look_badge

LANGUAGES = {"zh-hans": "中文", "en": "English"}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[Change, str]]:
    """Each change with the badge of whom it serves."""
    return [(change, look_badge(SIDES[change.side])) for change in changes_between(before, after, language())]


def in_both_languages(terms: Mapping[str, Any]) -> list[tuple[str, str, list[dict[str, str]]]]:
    """(code, name, clauses) as the public reads them, the reader's own language first."""
    model = Terms.model_validate(terms)
    codes = sorted(LANGUAGES, key=lambda code: code != language())
    return [(code, LANGUAGES[code], plain(model, code)) for code in codes]


def changes_panel(title: str, changes: Sequence[tuple[Change, str]], note: str = "") -> str:
    return render_to_string("desk/policies/changes.html", {"title": title, "changes": changes, "note": note})


def text_panel(terms: Mapping[str, Any]) -> str:
    return render_to_string("desk/policies/text.html", {"texts": in_both_languages(terms)})


def terms_panel(terms: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """All terms by group; groups in which none differs from the version before are folded away."""
    whole = completed(terms)
    changed = {change.path for change in changes_between(before, terms, language())}
    currency = whole["chargeback_fee"]["currency"]
    groups = []
    for key, names in GROUPS.items():
        rows = [
            (name(term, language()), in_words(term, term.of(whole), language(), currency), path in changed)
            for path, term in TERMS.items()
            if term.group == key
        ]
        groups.append((names[language() == "en"], rows, sum(row[2] for row in rows)))
    return render_to_string("desk/policies/terms.html", {"groups": groups})
