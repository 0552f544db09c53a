"""Telling the sides of a case what happened in it (requirements F11, E8): moves, messages, and that nothing has happened.

Each runs twice without harm: what was told is known by its source. telling.py says who is told of which move.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.outbox import take
from marketplace.kernel.serializers import instant
from marketplace.notices.case_words import RULES_ABOUT_THE_BUYER
from marketplace.notices.operations.tell import News, language_for, tell
from marketplace.notices.topics import RecipientKind
from marketplace.orders.goods import GoodsType
from marketplace.orders.models import Unit

from ..machine import CLOCKS, OPEN, TARGET, Party, State
from ..masking import masked
from ..models import RefundRequest
from ..permissions import STAFF_PARTIES
from ..policies import NoPolicy, in_force
from ..telling import ASKED_OF_SELLER, BUYER, SELLER, TELLS

FEW = 500
BATCH = 5000
LONGEST_REASONS = 1000  # characters that a letter carries; the case has all

# What a notice may know of a request: numbers, codes and amounts. Of what people wrote, the reasons that staff give with
# a move alone, which are written for both sides; internal notes are messages, and never leave the case.
_CASE = """
    r.number, r.state, r.buyer_id, r.seller_id, r.reason, r.amount, r.approved_amount, r.currency,
    o.no AS "order", o.external_no, o.shop_id, b.region
"""
_JOINED = """
JOIN orders_order o ON o.id = r.order_id JOIN identity_buyer b ON b.id = r.buyer_id
"""
_MOVES = f"""
SELECT {_CASE}, r.order_id, t.sequence, t.event, t.to_state, t.clause, t.at, t.due_at, (
    SELECT d.findings FROM refunds_decision d WHERE d.request_id = r.id AND t.event LIKE 'policy_%%' AND d.at <= t.at
    ORDER BY d.id DESC LIMIT 1) AS findings,
    (SELECT e.of FROM refunds_evidencedemand e WHERE e.request_id = r.id AND e.sequence = t.sequence) AS asked,
    (SELECT d.kind FROM refunds_deadline d
     WHERE d.request_id = r.id AND d.sequence = t.sequence AND d.kind <> 'first_reply') AS due_kind,
    CASE WHEN t.actor = ANY(%(staff)s::text[]) AND t.event <> 'file' THEN t.note ELSE '' END AS note
FROM unnest(%(ids)s::bigint[], %(sequences)s::int[]) AS m(request_id, sequence)
JOIN refunds_transition t USING (request_id, sequence) JOIN refunds_refundrequest r ON r.id = t.request_id {_JOINED}
ORDER BY t.id
"""


_MESSAGES = f"""
SELECT {_CASE}, m.id, m.author, m.at FROM refunds_message m JOIN refunds_refundrequest r ON r.id = m.request_id {_JOINED}
WHERE m.id = ANY(%(ids)s::bigint[]) AND NOT m.is_internal ORDER BY m.id
"""


def tell_waiting(now: datetime) -> int:
    """Tell of all moves and messages that wait to be told, FEW jobs at a time; return how many notices are new.

    The jobs are taken in the transaction that tells, so that none is lost with a worker, and none told twice.
    """
    told = 0
    while True:
        with transaction.atomic(durable=True):
            moves = [move for [moves] in take("batch.tell", FEW) for move in moves]
            messages = [message_id for [message_id] in take("batch.tell_message", FEW)]
            versions = [version_id for [version_id] in take("batch.tell_version", FEW)]
            if not moves and not messages and not versions:
                return told
            news = [*_news_of_moves(moves), *_news_of_messages(messages), *_news_of_versions(versions)]
            told += tell(news, now)


def _news_of_moves(moves: Sequence[Sequence[int]]) -> list[News]:
    """Of each (request id, sequence)."""
    parameters = {
        "ids": [move[0] for move in moves],
        "sequences": [move[1] for move in moves],
        "staff": sorted(STAFF_PARTIES),
    }
    rows = _rows(_MOVES, parameters) if moves else []
    codes = _codes({row["order_id"] for row in rows if row["note"]})
    return [each for row in rows for each in _news_of_move(row, codes[row["order_id"]])]


def _codes(orders: set[int]) -> dict[int, set[bytes]]:
    """Fingerprints of what was sold in each order: by them a code is found in a text without being known."""
    found: dict[int, set[bytes]] = defaultdict(set)
    units = Unit.objects.filter(order__in=orders, secret_fingerprint__isnull=False).order_by("id")
    for order_id, fingerprint in units.values_list("order", "secret_fingerprint") if orders else ():
        found[order_id].add(bytes(fingerprint or b""))
    return found


def _news_of_messages(ids: Sequence[int]) -> list[News]:
    """The other side, or both where staff wrote, hears that there is a message; its words stay in the case."""
    news = []
    for row in _rows(_MESSAGES, {"ids": ids}) if ids else []:
        data = _data(row) | {"by": row["author"], "at": instant(row["at"])}
        others = {Party.BUYER: (SELLER,), Party.SELLER: (BUYER,)}.get(row["author"], (BUYER, SELLER))
        news += [_news(row, kind, "message_received", f"m{row['id']}", data) for kind in others]
    return news


_VERSIONS = """
SELECT v.goods_type, v.goods_type || '@' || v.version AS policy, v.in_force_at, s.id AS seller_id
FROM refunds_policyversion v CROSS JOIN sellers_seller s WHERE v.id = ANY(%(ids)s::bigint[]) ORDER BY v.id, s.id
"""


def _news_of_versions(ids: Sequence[int]) -> list[News]:
    """Every seller hears of a coming version, whatever they sell today. What it changes they read where it is published."""
    news = []
    for row in _rows(_VERSIONS, {"ids": ids}) if ids else []:
        data = {key: row[key] for key in ("goods_type", "policy")} | {
            "in_force_at": instant(row["in_force_at"])
        }
        news.append(News(SELLER, row["seller_id"], "rules_change", row["policy"], row["policy"], data))
    return news


_APPEALED = f"""
SELECT {_CASE}, a.id AS appeal_id, a.party, a.outcome, coalesce(a.decided_at, a.at) AS at,
    a.due_at AS decide_by FROM refunds_appeal a
JOIN refunds_refundrequest r ON r.id = a.request_id {_JOINED} WHERE a.id = %(id)s
"""


def tell_appeal(appeal_id: int, now: datetime) -> int:
    """Tell the supervisors of a new appeal and the seller of a buyer's; and who appealed what came of it. In the
    caller's transaction.

    A seller's appeal is no business of the buyer's, whose money it does not touch.
    """
    news = []
    for row in _rows(_APPEALED, {"id": appeal_id}):
        data = _data(row) | {"outcome": row["outcome"], "at": instant(row["at"])}
        cause = f"a{row['appeal_id']}"
        if row["outcome"]:
            kind = BUYER if row["party"] == Party.BUYER else SELLER
            news.append(_news(row, kind, "appeal_decided", f"{cause}:decided", data))
            continue
        if row["party"] == Party.BUYER:
            news.append(_news(row, SELLER, "appeal_filed", cause, data))
        people = User.objects.filter(role=Role.SUPERVISOR, is_staff=True, is_active=True).order_by("id")
        data = data | {"due_at": instant(row["decide_by"])}
        news += [
            _to_person(user_id, row, "appeal_to_decide", cause, data)
            for user_id in people.values_list("pk", flat=True)
        ]
    return tell(news, now)


_SEATED = f"""
SELECT {_CASE}, m.id AS member_id, m.arbiter_id, m.appointed_at AS at, r.due_kind, r.due_at FROM refunds_panelmember m
JOIN refunds_refundrequest r ON r.id = m.request_id {_JOINED} WHERE m.id = %(id)s
"""


def tell_seated(member_id: int, now: datetime) -> int:
    """Tell an arbiter that they sit over a case, in the caller's transaction."""
    news = [
        _to_person(row["arbiter_id"], row, "seated", f"p{row['member_id']}", _data(row) | _due(row))
        for row in _rows(_SEATED, {"id": member_id})
    ]
    return tell(news, now)


_QUIET = f"""
SELECT {_CASE}, r.due_kind, r.due_at FROM refunds_refundrequest r {_JOINED}
CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - (%(hours)s::jsonb ->> o.goods_type)::interval AS since) w
WHERE r.state = ANY(%(open)s::text[]) AND r.filed_at <= w.since AND NOT EXISTS (
    SELECT 1 FROM notices_notice n
    WHERE n.subject = r.number AND n.recipient_kind = 'buyer' AND n.created_at > w.since)
ORDER BY r.id LIMIT %(batch)s
"""


def sweep_progress(now: datetime) -> int:
    """Tell the buyers of open requests that have heard nothing for as long as the terms allow (E8); return how many."""
    parameters = {
        "now": now,
        "hours": json.dumps(_progress_hours(now)),
        "open": [state.value for state in sorted(OPEN)],
        "batch": BATCH,
    }
    told = 0
    while rows := _rows(_QUIET, parameters):
        source = f"progress:{now:%y%m%d%H%M%S}"
        news = [_news(row, BUYER, "progress", source, _data(row) | _due(row)) for row in rows]
        with transaction.atomic(durable=True):
            told += tell(news, now)
        if len(rows) < BATCH:
            break
    return told


def _progress_hours(now: datetime) -> dict[str, str]:
    found = {}
    for goods_type in GoodsType.values:
        try:
            found[goods_type] = f"{in_force(goods_type, now).terms.clocks.progress_notice_hours} hours"
        except NoPolicy:
            continue  # such goods cannot be filed for either
    return found


_OVERDUE = f"""
SELECT {_CASE}, r.sequence, r.due_kind, r.due_at, u.id AS user_id FROM refunds_refundrequest r {_JOINED}
JOIN identity_user u ON u.role = %(roles)s::jsonb ->> r.state AND u.is_active AND u.is_staff
WHERE r.state = ANY(%(states)s::text[]) AND r.due_at <= %(now)s AND r.due_at > %(now)s - interval '2 days'
AND NOT EXISTS (SELECT 1 FROM notices_notice n WHERE n.source = r.number || ':overdue:' || r.sequence
    AND n.topic = 'overdue' AND n.recipient_kind = 'user' AND n.recipient_id = u.id)
ORDER BY r.due_at, r.id, u.id LIMIT %(batch)s
"""


# Who is told when a clock runs out that no move of the machine's follows.
CHASED_BY = {
    State.MANUAL_REVIEW.value: Role.SUPERVISOR.value,
    State.ARBITRATION.value: Role.SUPERVISOR.value,
    State.REFUNDING.value: Role.FINANCE.value,
}


def sweep_overdue(now: datetime) -> int:
    """Tell those who answer for it of a deadline of staff, or of a channel, that passed (E9, E10); return how many."""
    parameters = {"roles": json.dumps(CHASED_BY), "states": list(CHASED_BY), "now": now, "batch": BATCH}
    news = [
        _to_person(row["user_id"], row, "overdue", f"overdue:{row['sequence']}", _data(row) | _due(row))
        for row in _rows(_OVERDUE, parameters)
    ]
    with transaction.atomic(durable=True):
        return tell(news, now)


def _news_of_move(row: dict[str, Any], codes: Collection[bytes]) -> Iterable[News]:
    data = _data(row) | {"event": row["event"], "state": row["to_state"], "at": instant(row["at"])}
    data |= _ground(row) | _due(row)
    if row["note"]:
        data["reasons"] = masked(row["note"], codes)[:LONGEST_REASONS]
    for kind, topic in ASKED_OF_SELLER if row["asked"] == SELLER else TELLS[row["event"]]:
        yield _news(row, kind, topic, str(row["sequence"]), data)


def foretell(
    request: RefundRequest,
    event: str,
    *,
    now: datetime,
    approved: int | None = None,
    clause: str = "",
    note: str = "",
    asked: str = "",
    due_at: datetime | None = None,
) -> list[News]:
    """What `event` would tell if it were made now, and tells nobody: for who is about to make it. `approved` in minor
    units; `asked` is the side that a demand for evidence asks; `request` has its order and buyer at hand.
    """
    order, told = request.order, ("number", "buyer_id", "seller_id", "reason", "amount", "currency")
    row = {name: getattr(request, name) for name in told} | {
        "sequence": request.sequence + 1,
        "event": event,
        "state": TARGET[event],
        "to_state": TARGET[event],
        "approved_amount": approved,
        "clause": clause,
        "note": note.strip(),
        "findings": None,  # the policy's own moves alone name a rule
        "asked": asked,
        "at": now,
        "due_kind": CLOCKS.get(State(TARGET[event]), ""),
        "due_at": due_at,
        "order": order.no,
        "external_no": order.external_no,
        "shop_id": order.shop_id,
        "region": request.buyer.region,
    }
    codes = _codes({order.pk} if note else set())
    return list(_news_of_move(row, codes[order.pk]))


def _news(row: dict[str, Any], kind: RecipientKind, topic: str, cause: str, data: dict[str, Any]) -> News:
    number, source = row["number"], f"{row['number']}:{cause}"
    if kind is BUYER:
        language = language_for(row["region"])
        return News(kind, row["buyer_id"], topic, source, number, data, language, row["shop_id"])
    if data.get("rule") in RULES_ABOUT_THE_BUYER:
        data = {name: value for name, value in data.items() if name not in ("rule", "clause")}
    return News(kind, row["seller_id"], topic, source, number, data)


def _to_person(user_id: int, row: dict[str, Any], topic: str, cause: str, data: dict[str, Any]) -> News:
    """A member of staff."""
    return News(RecipientKind.USER, user_id, topic, f"{row['number']}:{cause}", row["number"], data)


def _data(row: dict[str, Any]) -> dict[str, Any]:
    approved = row["approved_amount"]
    return {
        "number": row["number"],
        "order": row["order"],
        "external_no": row["external_no"],
        "state": row["state"],
        "reason": row["reason"],
        "amount": {"amount": row["amount"], "currency": row["currency"]},
        "approved": {"amount": approved, "currency": row["currency"]} if approved else None,
    }


def _ground(row: dict[str, Any]) -> dict[str, str]:
    """The clause, and where the policy decided by it, its rule; of the window also when it closed (B6)."""
    if not row["clause"]:
        return {}
    found: dict[str, str] = {"clause": row["clause"]}
    findings = json.loads(row["findings"]) if row["findings"] else []
    named = [finding for finding in findings if finding["clause"] == row["clause"]]
    if row["event"] == "policy_reject":
        named = [finding for finding in named if finding["result"] == "unmet"] or named
    if named:
        found["rule"] = named[0]["rule"]
        if named[0]["result"] == "unmet" and "closes_at" in named[0]["facts"]:
            found["closes_at"] = named[0]["facts"]["closes_at"]
    return found


def _due(row: dict[str, Any]) -> dict[str, str]:
    """The clock as its row in refunds_deadline has it: a seller's promise is not the buyer's answer."""
    if row["due_at"] is None:
        return {}
    return {"due_kind": str(row["due_kind"] or ""), "due_at": instant(row["due_at"])}


def _rows(sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
