"""Codes and signing secrets are never kept in clear and never told back."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from marketplace.intake import shops
from marketplace.kernel import crypto
from marketplace.orders.models import Order, Shop, Unit

from . import bodies, rows
from .conftest import Push


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """What commands say is compared in English."""
    with translation.override("en"):
        yield


def test_code_is_nowhere_in_clear(push: Push) -> None:
    answers = [push(bodies.order(), message_id="msg_1"), push(bodies.order(), message_id="msg_1")]
    answers.append(push(bodies.bent("/units/0/secret", bodies.OTHER_SECRET)))
    kept = rows.texts()
    for secret in (bodies.SECRET, bodies.OTHER_SECRET):
        assert secret not in kept
        assert all(secret not in answer.content.decode() for answer in answers)
    assert "Game card 50" in kept  # the search does see texts


def test_code_opens_only_in_its_own_place(push: Push) -> None:
    push(bodies.order())
    unit, order = Unit.objects.get(ref="1"), Order.objects.get()
    assert unit.sealed_secret is not None
    with pytest.raises(crypto.CannotDecrypt):
        crypto.unseal(unit.sealed_secret, f"unit:{order.no}:2")


def test_message_fingerprint_does_not_let_a_code_be_guessed(push: Push) -> None:
    """The kept fingerprint is keyed: whoever reads the table cannot try codes against it."""
    import json

    from marketplace.kernel import idempotency
    from marketplace.kernel.models import IdempotencyKey

    push(bodies.order())
    plain = idempotency.fingerprint("POST", bodies.ORDERS, json.dumps(bodies.order()).encode())
    assert bytes(IdempotencyKey.objects.get().fingerprint) != plain


@pytest.mark.django_db
def test_add_shop_prints_the_secret_once() -> None:
    out = StringIO()
    call_command("add_shop", "djk", "--name", "My shop", stdout=out)
    secret = out.getvalue().strip()
    assert secret.startswith("whsec_") and len(secret) == 50
    assert Shop.objects.get().name == "My shop"
    assert secret not in rows.texts()
    known = shops.calling("djk")
    assert known is not None and known.secret == secret
    with pytest.raises(CommandError, match="--rotate"):
        call_command("add_shop", "djk")


@pytest.mark.django_db
def test_rotation_replaces_the_secret() -> None:
    first, second = StringIO(), StringIO()
    call_command("add_shop", "djk", stdout=first)
    call_command("add_shop", "djk", "--rotate", stdout=second)
    known = shops.calling("djk")
    assert known is not None
    assert known.secret == second.getvalue().strip() != first.getvalue().strip()
    with pytest.raises(CommandError, match="no shop"):
        call_command("add_shop", "nobody", "--rotate")


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["", "two words", "店", "x" * 65])
def test_code_that_no_header_can_carry_is_refused(code: str) -> None:
    with pytest.raises(CommandError, match="visible ASCII"):
        call_command("add_shop", code)
    assert Shop.objects.count() == 0
