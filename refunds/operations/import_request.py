"""One request out of a file, from a desk that kept them elsewhere (requirements C4, K5)."""

import hashlib
import json
from datetime import datetime

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, NotPermitted
from marketplace.kernel.idempotency import Key, Outcome, replay
from marketplace.kernel.models import IdempotencyKey
from marketplace.orders.models import Order

from ..filing_channels import FilingChannel
from ..permissions import SYSTEM, may_file, staff
from .file import Filing, Source, file_request, look_ahead, number_alone
from .file_for_buyer import refuse_card_numbers

SCOPE = "import:requests"


def import_request(
    *, order: Order, filing: Filing, ticket: str, caller_check: str, now: datetime, user: User | None = None
) -> Outcome:
    """File it, or answer with what an earlier run filed. `user` answers for the file; None is the machine.

    Raises NotPermitted, CardNumber, KeyReused (the ticket was filed with other words), and as file_request.
    """
    refuse_card_numbers(order, description=filing.description, caller_check=caller_check)
    actor = SYSTEM if user is None else staff(user)
    if user is not None and not may_file(user):
        raise NotPermitted()
    return file_request(
        buyer_id=order.buyer_id,
        filing=filing,
        key=key_of(filing, ticket),
        present=number_alone,
        now=now,
        source=Source(FilingChannel.IMPORT, actor, ticket, caller_check),
    )


def try_request(*, order: Order, filing: Filing, ticket: str, caller_check: str, now: datetime) -> bool:
    """Change nothing; whether an earlier run filed it. Raises as import_request."""
    refuse_card_numbers(order, description=filing.description, caller_check=caller_check)
    key = key_of(filing, ticket)
    known = IdempotencyKey.objects.filter(scope=key.scope, key=key.value).first()
    if known is not None:
        replay(key, known)
        return True
    look_ahead(buyer_id=order.buyer_id, filing=filing, now=now)
    return False


def import_order(shop: str, external_no: str) -> Order:
    """The order a row names, by our number where it names no shop. Raises NotFound."""
    by = {"shop__code": shop, "external_no": external_no} if shop else {"no": external_no}
    order = Order.objects.filter(**by).first()
    if order is None:
        raise NotFound()
    return order


def key_of(filing: Filing, ticket: str) -> Key:
    """A ticket asks once for the same units of an order; a row without a ticket is known by all it says."""
    whole = hashlib.sha256(json.dumps([*filing, ticket], sort_keys=True).encode())
    units = sorted(filing.units or ())
    value = hashlib.sha256(json.dumps([filing.order_no, units, ticket]).encode()) if ticket else whole
    return Key(SCOPE, value.hexdigest(), whole.digest())
