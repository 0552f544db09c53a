"""Charts of money, sellers and those who judge."""

from itertools import groupby

from django.utils.translation import gettext as _

from marketplace.kernel.money import Money, major
from marketplace.payments.channels import Channel
from refunds.figures import reads
from refunds.figures.money import MoneyOut, money_out
from refunds.figures.periods import Asked
from refunds.models.figures import Flow, Route

from .charts import Chart, Drawing, Series, change, in_words, percent, points, share


def money(asked: Asked) -> list[Chart]:
    """One for each currency: amounts of two are never added up or drawn on one scale."""
    found = [
        (currency, list(lines)) for currency, lines in groupby(money_out(asked), lambda line: line.currency)
    ]
    return [_money(currency, lines) for currency, lines in found] or [
        Chart(
            "money",
            _("Money paid back"),
            "",
            [],
            [],
            None,
            _("No money went back in these days, and none is on its way."),
        )
    ]


def _money(currency: str, lines: list[MoneyOut]) -> Chart:
    out = sum(line.out for line in lines)
    words = {
        "out": Money(out, currency),
        "change": change(out, sum(line.before for line in lines)),
        "way": Money(sum(line.on_its_way for line in lines), currency),
        "stuck": Money(sum(line.stuck for line in lines), currency),
    }
    states = (
        (Flow.CHANNEL.label, [line.by_channel for line in lines]),
        (Flow.BY_HAND.label, [line.by_hand for line in lines]),
        (Flow.CAME_BACK.label, [line.came_back for line in lines]),
        (_("On its way now"), [line.on_its_way for line in lines]),
        (_("Needs a person now"), [line.stuck for line in lines]),
    )
    return Chart(
        f"money-{currency.lower()}",
        _("Money paid back, %(currency)s") % {"currency": currency},
        _("%(out)s went back, %(change)s; now %(way)s are on their way, %(stuck)s need a person.") % words,
        [
            _("Channel"),
            *(str(label) for label, _amounts in states),
            _("Out, less what came back"),
            _("Period before"),
        ],
        [
            (
                str(Channel(line.channel).label),
                *(major(amounts[n], currency) for _label, amounts in states),
                major(line.out, currency),
                major(line.before, currency),
            )
            for n, line in enumerate(lines)
        ],
        Drawing(
            "stack",
            [str(Channel(line.channel).label) for line in lines],
            [
                Series(str(label), [float(major(amount, currency)) for amount in amounts])
                for label, amounts in states
                if any(amounts)
            ],
        ),
        note=_(
            "By the day it was booked. What came back counts on the day it came back; the last two are of this moment."
        ),
    )


def sellers(asked: Asked) -> Chart:
    found = reads.sellers(asked)
    reading = ""
    if found:
        words = {"seller": found[0].name, "rate": percent(found[0].rate), "orders": in_words(found[0].orders)}
        reading = _("%(seller)s comes first: %(rate)s of %(orders)s orders went back.") % words
    return Chart(
        "sellers",
        _("Sellers by refund rate"),
        reading,
        [_("Seller"), _("Code"), _("Orders"), _("Cases filed"), _("Paid back"), _("In percent of orders"), _("Period before, in percent")],
        [
            (s.name, s.code, s.orders, s.filed, s.paid_back, f"{s.rate:.1f}", None if s.before is None else f"{s.before:.1f}")
            for s in found
        ],
        Drawing(
            "bars",
            [s.name for s in found],
            [Series(_("In percent of orders"), [s.rate for s in found], [percent(s.rate) for s in found])],
            "share",
        )
        if found
        else None,
        _("No seller had %(few)d orders or more in these days. Choose more days.") % {"few": reads.FEW_ORDERS},
        _("The first %(shown)d of those with at least %(few)d orders. The filter by how a request was filed counts no orders out.")
        % {"shown": reads.SELLERS_SHOWN, "few": reads.FEW_ORDERS},
    )  # fmt: skip


def overturns(asked: Asked) -> Chart:
    found = [(Route(route), both) for route, both in reads.overturns(asked).items()]
    now, before = (
        reads.Looked(
            sum(both[n].decided for _r, both in found), sum(both[n].overturned for _r, both in found)
        )
        for n in (0, 1)
    )
    part, was = share(now.overturned, now.decided), share(before.overturned, before.decided)
    words = {
        "decided": in_words(now.decided),
        "overturned": in_words(now.overturned),
        "share": percent(part),
        "change": points(part, was),
    }
    return Chart(
        "overturns",
        _("Decisions overturned"),
        _("Of %(decided)s decisions looked at again %(overturned)s came out the other way: %(share)s, %(change)s.") % words,
        [_("Whose, before whom"), _("Looked at again"), _("Overturned"), _("In percent"), _("Period before, in percent")],
        [
            (str(route.label), n.decided, n.overturned, _rate(n), _rate(b))
            for route, (n, b) in found
        ],
        Drawing(
            "stack",
            [str(route.label) for route, _both in found],
            [
                Series(_("Upheld"), [both.now.decided - both.now.overturned for _r, both in found]),
                Series(_("Overturned"), [both.now.overturned for _r, both in found]),
            ],
        )
        if now.decided
        else None,
        _("No decision was looked at again in these days."),
        _("On the day of the later decision. An appeal that was dismissed upholds the decision."),
    )  # fmt: skip


def _rate(looked: reads.Looked) -> str | None:
    part = share(looked.overturned, looked.decided)
    return None if part is None else f"{part:.1f}"


def reviewers(asked: Asked) -> Chart:
    found = reads.reviewers(asked)
    total, before = sum(load.decided for load in found), sum(load.before for load in found)
    words = {
        "decided": in_words(total),
        "open": in_words(sum(load.open for load in found)),
        "change": change(total, before),
    }
    return Chart(
        "reviewers",
        _("Reviewers' load"),
        _("%(decided)s cases decided, %(change)s; %(open)s in hand now.") % words,
        [_("Person"), _("Cases decided"), _("Period before"), _("In hand now")],
        [(load.name, load.decided, load.before, load.open) for load in found],
        Drawing(
            "bars",
            [load.name for load in found],
            [
                Series(
                    _("Cases decided"),
                    [load.decided for load in found],
                    [in_words(load.decided) for load in found],
                ),
                Series(
                    _("In hand now"), [load.open for load in found], [in_words(load.open) for load in found]
                ),
            ],
        )
        if found
        else None,
        _("Nobody decided a case in these days, and nobody has one in hand."),
        _("In hand are the cases this person holds. How well somebody decides is not counted here."),
    )
