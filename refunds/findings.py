"""A decision's findings in the reader's language."""

from collections.abc import Iterable, Mapping
from typing import Any

from marketplace.kernel.language import is_english

from .policy import render


def findings_json(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Stored findings (or would_change entries) with `text`, and without the key that picked it.

    Which signals stand against a buyer is staff's knowledge (refunds.admin reads the stored facts themselves).
    """
    language = "en" if is_english() else "zh-hans"
    return [
        {
            **{name: value for name, value in finding.items() if name != "key"},
            "facts": {} if finding["rule"] == "risk" else finding["facts"],
            "text": render(finding, language),
        }
        for finding in findings
    ]
