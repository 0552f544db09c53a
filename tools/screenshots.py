"""`make screenshots`: every screen of the running demo, zh and en, light and dark, 1440 and 390 px, to docs/screens/.

ONLY=desk-case,portal keeps those whose names begin so. Needs Chromium. Fails when a page logs an error to the console or
asks for something outside this machine.
"""

import itertools
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.groups import chromium
from tests.live.stack import ROOT, Stack

from .screens import QUEUE, SCREENS, Screen

OUT = ROOT / "docs" / "screens"
WIDTHS = {1440: 900, 390: 844}
# A day that is one, and one that is none.
DAYS_FILE = "day,is_working,note\n2027-02-06,0,春节\n2027-02-30,0,春节\n"


def main() -> int:
    only = tuple(filter(None, os.environ.get("ONLY", "").split(",")))
    screens = [screen for screen in SCREENS if not only or screen.name.startswith(only)]
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
            base = f"http://127.0.0.1:{stack.port}"
            work_as_supervisor(browser, base, password, data_dir)
            faults = shoot(browser, base, password, screens)
    finally:
        stack.stop()
        shutil.rmtree(data_dir, ignore_errors=True)
    print("\n".join(faults))
    print(f"screens={len(list(OUT.glob('*.png')))} faults={len(faults)}")
    return 1 if faults else 0


def work_as_supervisor(browser: Browser, base: str, password: str, folder: Path) -> None:
    """What the demo does not do: many cases at once, a list taken out, a file brought in."""
    page = browser.new_page(base_url=base, locale="en-US")
    sign_in(page, "supervisor", password)
    page.goto(QUEUE.format("all"))
    boxes = page.locator("input.action-select")
    for n in range(4):
        boxes.nth(n).click()
    page.select_option("#desk-action", "bulk_reject")
    page.click("#changelist-actions button")
    page.fill("[name=note]", "The record shows that the goods were delivered.")
    page.select_option("[name=fault]", "buyer")
    page.fill("[name=clause]", "B3")
    page.click("text=See what would happen")
    page.wait_for_selector("text=Looked at, nothing done")
    page.goto(QUEUE.format("review"))
    with page.expect_download():
        page.click(".desk-export button[value=csv]")
    page.goto("/admin/refunds/fileimport/add/")
    (folder / "days.csv").write_text(DAYS_FILE, "utf-8")
    page.select_option("[name=kind]", "days")
    page.set_input_files("[name=file]", folder / "days.csv")
    page.click("#content form [type=submit]")
    page.wait_for_load_state("networkidle")
    page.close()


def shoot(browser: Browser, base: str, password: str, screens: list[Screen]) -> list[str]:
    faults: list[str] = []
    for language, scheme, (width, height) in itertools.product(
        ("zh", "en"), ("light", "dark"), WIDTHS.items()
    ):
        print(f"{language} {scheme} {width}", flush=True)
        for user, theirs in itertools.groupby(screens, lambda screen: screen.user):
            context = browser.new_context(
                base_url=base,
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                locale="zh-CN" if language == "zh" else "en-US",
            )
            if user:
                page = context.new_page()
                sign_in(page, user, password)
                page.close()
            for screen in theirs:
                file = OUT / f"{screen.name}-{language}-{scheme}-{width}.png"
                keep(context, screen, file, base, faults)
            context.close()
    return faults


def sign_in(page: Page, user: str, password: str) -> None:
    page.goto("/portal/login/" if user.startswith("seller") else "/admin/login/")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")


def keep(context: BrowserContext, screen: Screen, file: Path, base: str, faults: list[str]) -> None:
    page = context.new_page()
    watch(page, base, faults)
    page.goto(screen.path)
    if screen.click:
        found = page.locator(screen.click)
        if not found.count():
            faults.append(f"{file.name}: nothing to open")
            page.close()
            return
        found.first.click()
    page.wait_for_load_state("networkidle")
    for key in screen.keys:
        page.keyboard.press(key)
    page.wait_for_load_state("networkidle")
    wide = page.evaluate("document.documentElement.scrollWidth")
    if page.viewport_size and wide > page.viewport_size["width"]:
        faults.append(f"{file.name}: {wide} px wide")
    page.screenshot(path=file, full_page=screen.whole and not screen.keys)
    page.close()


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
