"""Accessibility of a page as axe-core sees it: nothing serious, nothing critical."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
# Transitions would be measured half-way: a dialogue that fades in has no contrast yet.
_STILL = "* { transition: none !important; animation: none !important; }"


def assert_accessible(page: Page) -> None:
    """Fails with each grave finding: its rule, what it means, and the places where it is."""
    page.evaluate(
        "css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s] }",
        _STILL,
    )
    found = Axe().run(page).response["violations"]
    grave = [
        f"{each['id']} ({each['impact']}): {each['help']}\n    "
        + "\n    ".join(
            f"{node['target']}: {node['html'][:160]}\n        {node['failureSummary']}"
            for node in each["nodes"][:5]
        )
        for each in found
        if each["impact"] in GRAVE
    ]
    assert not grave, f"{page.url}\n" + "\n".join(grave)
