"""What counts as evidence, published (requirements D2, J1): kinds with examples, and what each reason needs."""

from typing import Any

from django.conf import settings
from django.utils import timezone

from marketplace.kernel.language import is_english

from .evidence.sniff import EXTENSIONS, MP4
from .policies import NoPolicy, in_force
from .policy import EVIDENCE_KINDS, GOODS_TYPES, REASONS
from .policy.worked_examples import WORKED


def standards() -> dict[str, Any]:
    """In the reader's language; the terms in force now."""
    english = is_english()
    return {
        "kinds": [
            {
                "kind": row.code,
                "group": row.group,
                "name": row.en if english else row.zh,
                "example": row.example_en if english else row.example_zh,
                "worked_example": WORKED[row.code].en if english else WORKED[row.code].zh,
            }
            for row in EVIDENCE_KINDS.values()
        ],
        "goods": [goods for code in GOODS_TYPES if (goods := _goods(code, english))],
        "files": {
            "types": [
                {
                    "media_type": kind,
                    "max_bytes": settings.EVIDENCE_MAX_VIDEO_BYTES
                    if kind == MP4
                    else settings.EVIDENCE_MAX_BYTES,
                }
                for kind in EXTENSIONS
            ],
            "max_pixels": settings.EVIDENCE_MAX_PIXELS,
            "max_pages": settings.EVIDENCE_MAX_PAGES,
            "max_files": settings.EVIDENCE_MAX_FILES,
        },
    }


def _goods(code: str, english: bool) -> dict[str, Any] | None:
    try:
        policy = in_force(code, timezone.now())
    except NoPolicy:
        return None
    row = GOODS_TYPES[code]
    return {
        "goods_type": code,
        "name": row.en if english else row.zh,
        "policy": policy.ref,
        "reasons": [
            {
                "reason": reason.code,
                "name": reason.en if english else reason.zh,
                "needed": list(policy.terms.evidence[reason.code]),
            }
            for reason in REASONS.values()
        ],
    }
