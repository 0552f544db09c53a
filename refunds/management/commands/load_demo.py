import json
import os
import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketplace.identity import tokens
from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.intake import shops
from refunds import demo, demo_money, demo_policies
from refunds.demo_steps import People
from refunds.operations.roll_up import roll_up
from sellers.models import Membership, Seller

FILE = "demo.json"  # in DATA_DIR: the log-ins `up` prints
SHOP = "demo"


class Command(BaseCommand):
    help = "Load the demo once; called again, only give its buyer a fresh token. Embedded set-up only."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("The demo has known log-ins: it is loaded into the embedded set-up alone.")
        path = settings.DATA_DIR / FILE
        entries = json.loads(path.read_text()) if path.exists() else self._load()
        buyer = demo.main_buyer(shops.get_or_add(SHOP))
        token = tokens.issue(buyer, issued_to="demo", now=timezone.now()).token
        entries = [entry for entry in entries if entry["label"] != "Buyer token"]
        entries.append({"label": "Buyer token", "value": token})
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(entries, file, ensure_ascii=False, indent=1)

    def _load(self) -> list[dict[str, str]]:
        sellers = [("S-0001", "星辰点卡专营店"), ("S-0002", "极速充值旗舰店")]
        password = "demo-" + secrets.token_hex(4)
        members = [
            _member(code, name, f"seller{i}", password) for i, (code, name) in enumerate(sellers, start=1)
        ]
        staff = {
            name: _user(name, password, is_staff=True, role=role)
            for name, role in (
                ("reviewer", Role.REVIEWER),
                ("reviewer2", Role.REVIEWER),
                ("supervisor", Role.SUPERVISOR),
                ("support", Role.SUPPORT),
                ("arbiter", Role.ARBITER),
                ("finance", Role.FINANCE),
                ("finance2", Role.FINANCE),
                ("risk", Role.RISK),
                ("editor", Role.POLICY_EDITOR),
                ("auditor", Role.AUDITOR),
            )
        }
        people = People(
            seller=members[0],
            second_seller=members[1],
            reviewer=staff["reviewer"],
            second_reviewer=staff["reviewer2"],
            supervisor=staff["supervisor"],
            arbiter=staff["arbiter"],
        )
        shop, now = shops.get_or_add(SHOP), timezone.now()
        count = demo.load(shop, people, now)
        money_desk = demo_money.Desk(staff["finance"], staff["finance2"], staff["risk"], members[0])
        demo_money.load(shop, money_desk, now)
        demo_policies.load(staff["editor"], staff["supervisor"], now)
        roll_up(now)
        buyer = demo.main_buyer(shop)
        buyer.email = "buyer@example.com"
        buyer.set_password(password)
        buyer.save(update_fields=["email", "password"])
        self.stdout.write(f"demo orders={count}")
        return [
            {
                "label": "Staff /admin/",
                "value": f"{', '.join(staff)} / {password}",
            },
            {"label": "Seller /portal/", "value": f"seller1, seller2 / {password}"},
            {"label": "Buyer", "value": f"{buyer.email} / {password}"},
        ]


def _user(username: str, password: str, **fields: Any) -> User:
    return User.objects.filter(username=username).first() or User.objects.create_user(
        username, password=password, **fields
    )


def _member(code: str, name: str, username: str, password: str) -> User:
    seller, _created = Seller.objects.update_or_create(
        code=code, defaults={"name": name, "verified_at": timezone.now()}
    )
    user = _user(username, password)
    Membership.objects.get_or_create(user=user, defaults={"seller": seller})
    return user
