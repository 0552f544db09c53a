"""The demo is loaded by the program's own operations, and its books are in order."""

from pathlib import Path
from typing import Any

from django.core.management import call_command

from marketplace.payments.models import Break, Payout, Withdrawal
from marketplace.risk.models import Dispute
from refunds.invariants import INVARIANTS, breaks


def test_demo_shows_every_part_of_the_money_and_breaks_no_law(
    db: None, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR, settings.EMBEDDED = tmp_path, True
    call_command("load_demo")
    assert [law.name for law in INVARIANTS if breaks(law)] == []
    assert set(Withdrawal.objects.values_list("state", flat=True)) == {"paid", "requested"}
    assert set(Dispute.objects.values_list("kind", flat=True)) == {"chargeback", "complaint"}
    assert (Payout.objects.count(), Break.objects.count()) == (1, 1)
    call_command("load_demo")  # again: only a fresh token
    assert Withdrawal.objects.count() == 2
