from django.utils import timezone
from refunds.operations.roll_up import roll_up
from refunds.figures.periods import Asked, latest, beijing_day
from refunds.figures import reads, money
from tests.contested import refunded, rejected, buyer_appeals
from tests.people import Cast

def test_smoke(cast: Cast) -> None:
    refunded(cast); rejected(cast)
    now = timezone.now()
    assert roll_up(now)
    asked = Asked(latest(7, beijing_day(now)))
    print(reads.volume(asked).now); print(reads.automatic(asked).now); print(reads.times(asked)); print(reads.clocks(asked, now))
    print(reads.reasons(asked), reads.sellers(asked), reads.overturns(asked), reads.reviewers(asked), money.money_out(asked), reads.as_of())
