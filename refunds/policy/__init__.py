"""Policy: facts in, a decision with its reasons out. No Django, no clock, no database, no files.

decision = decide(facts, Terms.model_validate(DEFAULTS["card_code"]), now)
[render(finding, "zh-hans") for finding in decision.findings]
"""

from .case import UnknownReason
from .decision import Decision, Finding, decide, deciding, kinder
from .defaults import DEFAULTS
from .evidence import EVIDENCE_KINDS, EvidenceKind
from .facts import CaptureFacts, EventFacts, Facts, FactsUnreadable, UnitFacts
from .goods import CHANNELS, GOODS_TYPES, Channel, GoodsType
from .reasons import ORDINARY_REASONS, PERSON_REASONS, REASONS, Reason
from .render import render
from .terms import ChargebackFee, Clocks, Terms
from .texts import TEXTS
from .usage import UnitUse, unit_use
from .verdicts import VERDICTS

__all__ = [
    "CHANNELS",
    "DEFAULTS",
    "EVIDENCE_KINDS",
    "GOODS_TYPES",
    "ORDINARY_REASONS",
    "PERSON_REASONS",
    "REASONS",
    "TEXTS",
    "VERDICTS",
    "CaptureFacts",
    "Channel",
    "ChargebackFee",
    "Clocks",
    "Decision",
    "EventFacts",
    "EvidenceKind",
    "Facts",
    "FactsUnreadable",
    "Finding",
    "GoodsType",
    "Reason",
    "Terms",
    "UnitFacts",
    "UnitUse",
    "UnknownReason",
    "decide",
    "deciding",
    "kinder",
    "render",
    "unit_use",
]
