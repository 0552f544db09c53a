"""Telling somebody something: the notice, and one delivery for each way out that its recipient has and wants.

One statement, whoever is told and by how many ways. Telling the same again changes nothing: the unique key of the
notice stops it, and deliveries are made for new notices alone.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from ..senders import email, sms
from ..topics import OPTIONAL_GROUPS, TOPICS, RecipientKind, Way

CHINESE = "zh-hans"
# Buyers have no language of their own; who is elsewhere reads English rather than nothing.
CHINESE_REGIONS = frozenset({"CN", "HK", "MO", "TW", "SG", ""})


class News(NamedTuple):
    """Something to tell. `source` names the cause, so that it is told once; `shop_id` is where the buyer bought."""

    recipient_kind: RecipientKind
    recipient_id: int
    topic: str
    source: str
    subject: str
    data: Mapping[str, Any]
    language: str = CHINESE
    shop_id: int | None = None


def language_for(region: str) -> str:
    return CHINESE if region in CHINESE_REGIONS else "en"


# A seller's mail goes to each of its people. A shop's receivers hear what its buyers are told, a seller's what the
# seller is told. Preferences are those of the buyer, or of the person.
_TELL = """
WITH news AS (
    SELECT * FROM jsonb_to_recordset(%(news)s::jsonb) AS n(recipient_kind text, recipient_id bigint, topic text,
        source text, subject text, data jsonb, language text, shop_id bigint)
), told AS (
    INSERT INTO notices_notice (recipient_kind, recipient_id, topic, source, subject, data, language, created_at)
    SELECT recipient_kind, recipient_id, topic, source, subject, data, language, %(now)s::timestamptz FROM news
    ON CONFLICT (source, topic, recipient_kind, recipient_id) DO NOTHING
    RETURNING id, recipient_kind, recipient_id, topic, source
), ways AS (
    SELECT t.id, t.topic, 'email' AS way, NULL::bigint AS endpoint_id, NULL::bigint AS user_id,
        'buyer' AS kind, b.id AS who
    FROM told t JOIN identity_buyer b ON t.recipient_kind = 'buyer' AND b.id = t.recipient_id AND b.email <> ''
    WHERE %(email)s::boolean
    UNION ALL
    SELECT t.id, t.topic, 'sms', NULL, NULL, 'buyer', b.id
    FROM told t JOIN identity_buyer b ON t.recipient_kind = 'buyer' AND b.id = t.recipient_id AND b.phone <> ''
    WHERE t.topic = ANY(%(sms)s::text[])
    UNION ALL
    SELECT t.id, t.topic, 'email', NULL, u.id, 'user', u.id
    FROM told t LEFT JOIN sellers_membership m ON t.recipient_kind = 'seller' AND m.seller_id = t.recipient_id
    JOIN identity_user u ON u.id = CASE t.recipient_kind WHEN 'user' THEN t.recipient_id ELSE m.user_id END
        AND u.is_active AND u.email <> ''
    WHERE %(email)s::boolean AND t.recipient_kind IN ('user', 'seller')
    UNION ALL
    SELECT t.id, t.topic, 'webhook', e.id, NULL, '', 0
    FROM told t JOIN news n USING (recipient_kind, recipient_id, topic, source)
    JOIN notices_endpoint e ON e.disabled_at IS NULL AND (t.recipient_kind = 'seller' AND e.seller_id = t.recipient_id
        OR t.recipient_kind = 'buyer' AND e.shop_id = n.shop_id)
), queued AS (
    INSERT INTO notices_delivery (notice_id, way, endpoint_id, user_id, state, attempts, next_try_at, error, created_at)
    SELECT w.id, w.way, w.endpoint_id, w.user_id, 'queued', 0, %(now)s, '', %(now)s FROM ways w
    WHERE NOT EXISTS (
        SELECT 1 FROM notices_preference p WHERE p.recipient_kind = w.kind AND p.recipient_id = w.who
        AND p.way = w.way AND p."group" = %(groups)s::jsonb ->> w.topic)
    RETURNING id
), jobs AS (
    INSERT INTO kernel_outboxjob (task, args) SELECT 'refunds.deliver', jsonb_build_array(id) FROM queued ORDER BY id
)
SELECT count(*) FROM told
"""
_GROUPS = json.dumps({code: topic.group for code, topic in TOPICS.items() if topic.group in OPTIONAL_GROUPS})
_URGENT = [code for code, topic in TOPICS.items() if topic.is_urgent]
assert set(Way) == {Way.EMAIL, Way.SMS, Way.WEBHOOK}, "a new way needs its part of _TELL"


def tell(news: Sequence[News], now: datetime) -> int:
    """Tell all of it; return how much of it was new. For a caller's transaction."""
    if not news:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL,
            {
                "news": json.dumps([each._asdict() for each in news]),
                "now": now,
                "email": email.is_on(),
                "sms": _URGENT if sms.is_on() else [],
                "groups": _GROUPS,
            },
        )
        [told] = cursor.fetchone()
    return int(told)
