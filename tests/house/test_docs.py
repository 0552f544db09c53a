"""The documents say what is so."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

DOCS = Path(settings.BASE_DIR) / "docs"
ROWS = re.findall(r"^\| ([A-K]\d+) \| (.*) \| (.*) \| (.*) \|$", (DOCS / "requirements.md").read_text(), re.M)


def test_the_machine_is_drawn_as_it_is() -> None:
    call_command("draw_machine", "--check")


@pytest.mark.parametrize(("code", "_what", "state", "tests"), ROWS, ids=[row[0] for row in ROWS])
def test_requirement_names_tests_that_exist(code: str, _what: str, state: str, tests: str) -> None:
    named = re.findall(r"`([^`]+)`", tests)
    assert all((Path(settings.BASE_DIR) / "tests" / name).exists() for name in named), code
    assert named or state != "done", f"{code} is called done and names no test"


def test_every_requirement_is_listed_once() -> None:
    codes = [row[0] for row in ROWS]
    assert len(codes) == len(set(codes)) == 83


@pytest.mark.parametrize(
    "page", [Path("README.md"), *sorted(p.relative_to(DOCS.parent) for p in DOCS.glob("**/*.md"))], ids=str
)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = (DOCS.parent / page).read_text()
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((DOCS.parent / page).parent / target).exists(), target
