"""`make screenshots`: every screen of the running demo, zh and en, light and dark, 1440 and 390 px, to docs/screens/.

Needs Chromium. Fails when a page logs an error to the console or asks for something outside this machine.
"""

import itertools
import json
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.groups import chromium
from tests.live.stack import ROOT, Stack

OUT = ROOT / "docs" / "screens"
WIDTHS = {1440: 900, 390: 844}
DESK = {
    "desk-home": "/admin/",
    "desk-queue": "/admin/refunds/refundrequest/?queue=all",
    "desk-review": "/admin/refunds/refundrequest/?queue=review",
    "desk-mine": "/admin/refunds/refundrequest/?queue=mine",
    "desk-search": "/admin/refunds/refundrequest/?q=0001",
    "desk-empty": "/admin/refunds/refundrequest/?queue=arbitration",
    "desk-orders": "/admin/orders/order/",
    "desk-transfers": "/admin/payments/transfer/",
    "desk-outages": "/admin/refunds/outage/",
    "desk-peaks": "/admin/refunds/peak/",
    "desk-calendar": "/admin/refunds/calendarday/",
    "desk-kept": "/admin/refunds/deadline/",
    "desk-policies": "/admin/refunds/policyversion/",
    "desk-drafts": "/admin/refunds/policydraft/",
    "desk-backtests": "/admin/refunds/backtestrun/",
    "desk-account": "/admin/account/",
    "desk-second-factor": "/admin/account/second-factor/",
}
KEYED = {"keys": "?", "palette": "Control+k", "reject": "r"}  # on the case page, each opened by its key
FINANCE = {
    "desk-breaks": "/admin/payments/break/",
    "desk-payouts": "/admin/payments/payout/",
    "desk-withdrawals": "/admin/payments/withdrawal/",
    "desk-disputes": "/admin/risk/dispute/",
    "desk-accounts": "/admin/ledger/account/",
    "desk-sellers": "/admin/sellers/seller/",
    "desk-figures": "/admin/refunds/casefigure/",
}
AUDITOR = {"desk-audit": "/admin/identity/auditentry/"}
ROWS = (
    "desk-breaks",
    "desk-payouts",
    "desk-withdrawals",
    "desk-disputes",
    "desk-sellers",
)  # the first one, opened
PORTAL = {
    "portal-money": "/portal/money/",
    "portal-rules": "/portal/rules/",
    "portal-notices": "/portal/notices/",
    "portal-settings": "/portal/settings/",
    "portal-list": "/portal/",
    "portal-platform": "/portal/?tab=platform",
    "portal-done": "/portal/?tab=done",
}
PUBLIC = {
    "portal-login": "/portal/login/",
    "desk-login": "/admin/login/",
    "api-docs": "/api/docs/",
    "not-found": "/nowhere",
}


def main() -> int:
    data_dir = Path(tempfile.mkdtemp(prefix="recourse-"))
    data_dir.chmod(0o755)
    OUT.mkdir(parents=True, exist_ok=True)
    stack = Stack(data_dir, {}, demo=True)
    try:
        stack.until(stack.is_ready)
        entries = {e["label"]: e["value"] for e in json.loads((data_dir / "demo.json").read_text())}
        password = entries["Buyer"].rpartition(" / ")[2]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium(),
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
            )
            faults = shoot(browser, stack, password)
    finally:
        stack.stop()
        shutil.rmtree(data_dir, ignore_errors=True)
    print("\n".join(faults))
    print(f"screens={len(list(OUT.glob('*.png')))} faults={len(faults)}")
    return 1 if faults else 0


def shoot(browser: Browser, stack: Stack, password: str) -> list[str]:
    faults: list[str] = []
    base = f"http://127.0.0.1:{stack.port}"
    variants = list(itertools.product(("zh", "en"), ("light", "dark"), WIDTHS.items()))
    for language, scheme, (width, height) in variants:
        print(f"{language} {scheme} {width}", flush=True)
        for user, pages in (
            ("", PUBLIC),
            ("reviewer", DESK),
            ("finance", FINANCE),
            ("auditor", AUDITOR),
            ("seller1", PORTAL),
        ):
            context = browser.new_context(
                base_url=base,
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                locale="zh-CN" if language == "zh" else "en-US",
            )
            page = context.new_page()
            watch(page, base, faults)
            if user:
                sign_in(page, user, password)
            for name, path in pages.items():
                keep(page, path, f"{name}-{language}-{scheme}-{width}")
            for name in ROWS if user == "finance" else ():
                page.goto(FINANCE[name])
                page.locator("#result_list th a, #result_list td a").first.click()
                keep(page, "", f"{name}-row-{language}-{scheme}-{width}")
            if user == "reviewer":
                page.goto("/admin/refunds/refundrequest/?queue=review")
                page.locator("a[href*='/case/']").first.click()
                keep(page, "", f"desk-case-{language}-{scheme}-{width}")
                for name, key in KEYED.items():
                    page.keyboard.press(key)
                    keep(page, "", f"desk-{name}-{language}-{scheme}-{width}")
                    page.keyboard.press("Escape")
            if user == "seller1":
                page.goto("/portal/")
                page.locator("a[href*='/portal/cases/']").first.click()
                keep(page, "", f"portal-case-{language}-{scheme}-{width}")
            context.close()
    return faults


def sign_in(page: Page, user: str, password: str) -> None:
    page.goto("/portal/login/" if user.startswith("seller") else "/admin/login/")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")


def keep(page: Page, path: str, name: str) -> None:
    if path:
        page.goto(path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=OUT / f"{name}.png", full_page="case" in name or "row" in name or "money" in name)


def watch(page: Page, base: str, faults: list[str]) -> None:
    page.on(
        "console",
        lambda message: (
            faults.append(f"{page.url}: {message.text}")
            if message.type == "error" and "404 (Not Found)" not in message.text
            else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            faults.append(f"outside: {request.url}")
            if not request.url.startswith((base, "data:", "blob:"))
            else None
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
