"""Each table of figures, as the one statement that makes its rows of some days from the history.

`rows` gives the table's columns in their order, of the days from the instant `starts` to before `ends`. It counts rows of
history that never change, each on the day it happened, so that a day made anew gives the same rows, whenever.
`touched` says, for each table of history, which days a row beyond its mark is counted on.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ..kept import PROMISED
from ..machine import OPEN, State
from ..models import figures
from ..models.figures import BY_PEOPLE, DECIDED_BY, Figure, Flow, Route, Step
from .buckets import BOUNDS

# Tables of history that are only ever added to.
SOURCES = {
    "transition": "refunds_transition",
    "message": "refunds_message",
    "booking": "ledger_transaction",
}


class Rollup(NamedTuple):
    model: type[Figure]
    rows: str
    touched: Mapping[str, str]

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def columns(self) -> str:
        return ", ".join(str(f.column) for f in self.model._meta.concrete_fields if not f.primary_key)


def _listed(values: object) -> str:
    return ", ".join(f"'{value}'" for value in sorted(map(str, values)))  # type: ignore[call-overload]


def _day(instant: str) -> str:
    return f"({instant} AT TIME ZONE 'Asia/Shanghai')::date"


_OVER = _listed(set(State) - OPEN)
_DECIDES = _listed(DECIDED_BY)
_PEOPLE = _listed(BY_PEOPLE)
_STEP = " ".join(f"WHEN '{event}' THEN '{step.value}'" for event, step in DECIDED_BY.items())
_BOUNDS = f"'{{{','.join(map(repr, BOUNDS))}}}'::float8[]"
_WITHIN = "{0} >= %(starts)s AND {0} < %(ends)s"
# Moves of the days, with their case.
_MOVES = """
FROM refunds_transition t
JOIN refunds_refundrequest r ON r.id = t.request_id JOIN orders_order o ON o.id = r.order_id"""
_MOVED = _WITHIN.format("t.at")
_BY_MOVES = {
    "transition": f"SELECT {_day('t.at')} FROM refunds_transition t WHERE t.id > {{transition}}",
}

_CASES = f"""
SELECT {_day("t.at")}, o.goods_type, r.channel, r.reason,
    count(*) FILTER (WHERE t.event = 'file'), count(*) FILTER (WHERE t.to_state IN ({_OVER})),
    count(*) FILTER (WHERE t.from_state IN ({_OVER}))
{_MOVES} WHERE {_MOVED} AND (t.event = 'file' OR t.to_state IN ({_OVER}) OR t.from_state IN ({_OVER}))
GROUP BY 1, 2, 3, 4
"""
# A decision counts where no other came before it in its case; money, where it had not arrived before.
_TIMES = f"""
SELECT day, goods_type, channel, step, is_granted, width_bucket(seconds, {_BOUNDS}) AS bucket, count(*)
FROM (
    SELECT {_day("t.at")} AS day, o.goods_type, r.channel, extract(epoch FROM t.at - r.filed_at)::float8 AS seconds,
        CASE t.event {_STEP} END AS step, t.to_state <> 'rejected' AS is_granted
    {_MOVES} WHERE {_MOVED} AND t.event IN ({_DECIDES}) AND t.sequence = (
        SELECT min(p.sequence) FROM refunds_transition p
        WHERE p.request_id = t.request_id AND p.event IN ({_DECIDES}))
    UNION ALL
    SELECT {_day("t.at")}, o.goods_type, r.channel, extract(epoch FROM t.at - r.filed_at)::float8, '{Step.PAID.value}', true
    {_MOVES} WHERE {_MOVED} AND t.to_state = 'refunded' AND t.sequence = (
        SELECT min(p.sequence) FROM refunds_transition p
        WHERE p.request_id = t.request_id AND p.to_state = 'refunded')
) reached
GROUP BY 1, 2, 3, 4, 5, 6
"""
_CLOCKS = f"""
SELECT {_day("d.started_at")}, o.goods_type, r.channel, d.kind, count(*),
    count(*) FILTER (WHERE d.closed_at <= d.due_at), count(*) FILTER (WHERE d.closed_at > d.due_at)
FROM refunds_deadline d
JOIN refunds_refundrequest r ON r.id = d.request_id JOIN orders_order o ON o.id = r.order_id
WHERE {_WITHIN.format("d.started_at")} AND d.kind IN ({_listed(PROMISED)})
GROUP BY 1, 2, 3, 4
"""
# A booking names its transfer: refund:<number>, payout:<number>, reversal:refund:<number>.
_MONEY = f"""
SELECT {_day("t.occurred_at")}, o.goods_type, r.channel, c.channel, c.currency,
    CASE t.recipe WHEN 'refund' THEN '{Flow.CHANNEL.value}' WHEN 'payout' THEN '{Flow.BY_HAND.value}'
        ELSE '{Flow.CAME_BACK.value}' END AS flow, count(*), sum(k.amount)
FROM ledger_transaction t
JOIN payments_transfer f ON f.number = split_part(t.reference, ':', -1)
JOIN payments_claim k ON k.id = f.claim_id JOIN payments_capture c ON c.id = k.capture_id
JOIN orders_order o ON o.id = c.order_id JOIN refunds_refundrequest r ON r.number = k.reference
WHERE {_WITHIN.format("t.occurred_at")}
AND (t.recipe IN ('refund', 'payout') OR starts_with(t.reference, 'reversal:refund:'))
GROUP BY 1, 2, 3, 4, 5, 6
"""
# An order is sold with its first payment; of two taken at the same time both days are looked at.
_CAPTURE = "c.id = CASE WHEN t.recipe = 'capture' THEN split_part(t.reference, ':', 2)::bigint END"
_SALES = f"""
SELECT {_day("t.occurred_at")}, o.goods_type, o.seller_id, count(*)
FROM ledger_transaction t JOIN payments_capture c ON {_CAPTURE} JOIN orders_order o ON o.id = c.order_id
WHERE {_WITHIN.format("t.occurred_at")} AND t.recipe = 'capture'
AND c.id = (SELECT min(p.id) FROM payments_capture p WHERE p.order_id = c.order_id)
GROUP BY 1, 2, 3
"""
_SOLD = f"""
SELECT {_day("every.captured_at")} FROM ledger_transaction t JOIN payments_capture c ON {_CAPTURE}
JOIN payments_capture every ON every.order_id = c.order_id WHERE t.id > {{booking}} AND t.recipe = 'capture'
"""
_SELLERS = f"""
SELECT {_day("t.at")}, o.goods_type, r.channel, r.seller_id, count(*) FILTER (WHERE t.event = 'file'),
    count(*) FILTER (WHERE t.to_state IN ('refunded', 'replaced')) - count(*) FILTER (WHERE t.event = 'come_back')
{_MOVES} WHERE {_MOVED} AND (t.event IN ('file', 'come_back') OR t.to_state IN ('refunded', 'replaced'))
GROUP BY 1, 2, 3, 4
"""
# The decision before it is the nearest one in the same case; what the two sides agreed on is nobody's to overturn.
_OVERTURNS = f"""
SELECT {_day("t.at")}, o.goods_type, r.channel,
    CASE WHEN p.step = '{Step.MACHINE.value}' THEN '{Route.MACHINE.value}'
        WHEN t.event IN ('rule_for_buyer', 'rule_for_seller') THEN '{Route.PANEL.value}'
        ELSE '{Route.APPEAL.value}' END AS route,
    count(*), count(*) FILTER (WHERE (p.to_state = 'rejected') <> (t.to_state = 'rejected'))
{_MOVES} CROSS JOIN LATERAL (
    SELECT p.to_state, CASE p.event {_STEP} END AS step FROM refunds_transition p
    WHERE p.request_id = t.request_id AND p.sequence < t.sequence AND p.event IN ({_DECIDES})
    ORDER BY p.sequence DESC LIMIT 1) p
WHERE {_MOVED} AND t.event IN ({_PEOPLE}) AND p.step <> '{Step.SIDES.value}'
GROUP BY 1, 2, 3, 4
"""
_REVIEWERS = f"""
SELECT {_day("t.at")}, o.goods_type, r.channel, t.user_id, count(*)
{_MOVES} WHERE {_MOVED} AND t.event IN ({_PEOPLE})
GROUP BY 1, 2, 3, 4
"""


def _clocks_of(table: str, mark: str) -> str:
    """The days on which the clocks of the cases started that something new is written in."""
    return (
        f"SELECT {_day('d.started_at')} FROM {table} x JOIN refunds_deadline d ON d.request_id = x.request_id"
        f" WHERE x.id > {{{mark}}}"
    )


_BOOKED = f"SELECT {_day('t.occurred_at')} FROM ledger_transaction t WHERE t.id > {{booking}}"

ROLLUPS = (
    Rollup(figures.CaseFigure, _CASES, _BY_MOVES),
    Rollup(figures.TimeFigure, _TIMES, _BY_MOVES),
    # A clock is stopped by a move, or by the first word of a person.
    Rollup(
        figures.ClockFigure,
        _CLOCKS,
        {
            "transition": _clocks_of("refunds_transition", "transition"),
            "message": _clocks_of("refunds_message", "message"),
        },
    ),
    Rollup(
        figures.MoneyFigure,
        _MONEY,
        {"booking": f"{_BOOKED} AND t.recipe IN ('refund', 'payout', 'reversal')"},
    ),
    Rollup(figures.SalesFigure, _SALES, {"booking": _SOLD}),
    Rollup(figures.SellerFigure, _SELLERS, _BY_MOVES),
    Rollup(figures.OverturnFigure, _OVERTURNS, _BY_MOVES),
    Rollup(figures.ReviewerFigure, _REVIEWERS, _BY_MOVES),
)


def touched(rollup: Rollup, marks: Mapping[str, object]) -> str:
    """The days to make anew: a statement, with for each source what its rows must lie beyond."""
    return " UNION ALL ".join(sql.format(**marks) for sql in rollup.touched.values())


def differences(rollup: Rollup) -> str:
    """Rows kept that the history does not give, and the other way round, of the days with nothing new on them."""
    done = {
        source: f"coalesce((SELECT done FROM refunds_figuremark WHERE source = '{source}'), 0)"
        for source in SOURCES
    }
    rows = rollup.rows.replace("%(starts)s", "'-infinity'").replace("%(ends)s", "'infinity'")
    settled = "WHERE day NOT IN (SELECT day FROM due)"
    kept = f"SELECT {rollup.columns} FROM {rollup.table} {settled}"
    return (
        f"WITH due AS MATERIALIZED (SELECT DISTINCT day FROM ({touched(rollup, done)}) d(day)),"
        f" made AS MATERIALIZED (SELECT * FROM ({rows}) m({rollup.columns}) {settled})"
        f" SELECT * FROM (({kept} EXCEPT ALL SELECT * FROM made) UNION ALL (SELECT * FROM made EXCEPT ALL {kept})) d"
    )
