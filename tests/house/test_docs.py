"""The documents say what is so."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

DOCS = Path(settings.BASE_DIR) / "docs"
ROWS = re.findall(r"^\| ([A-K]\d+) \| (.*) \| (.*) \| (.*) \|$", (DOCS / "requirements.md").read_text(), re.M)


def test_the_machine_is_drawn_as_it_is() -> None:
    call_command("draw_machine", "--check")


# How many requirements each part has: the ids are A1 to A5, B1 to B11 and so on.
PARTS = {"A": 5, "B": 11, "C": 7, "D": 6, "E": 10, "F": 11, "G": 8, "H": 10, "I": 4, "J": 6, "K": 5}
# The only place where an id may go without a test, with the reason. It is to shrink: who builds one takes it off.
NOT_YET = {
    "H2": "rates of chargebacks come with risk",
    "H3": "bans come with risk",
    "H5": "appeals against bans come with risk",
    "H6": "scores come with risk",
    "H7": "the investigation view comes with risk",
    "H10": "codes sold before come with the sellers' stock",
    "I1": "onboarding comes with the sellers' side",
    "I3": "public figures are there; what follows from them comes with the sellers' side",
    "I4": "comes with the sellers' side",
    "J4": "the log comes with the seal",
    "K4": "known-answer cases come with the figures",
}


@pytest.mark.parametrize(("code", "_what", "state", "tests"), ROWS, ids=[row[0] for row in ROWS])
def test_requirement_names_tests_that_exist(code: str, _what: str, state: str, tests: str) -> None:
    named = re.findall(r"`([^`]+)`", tests)
    for name in named:
        file, _colons, function = name.partition("::")
        _check_test(Path(settings.BASE_DIR) / "tests" / file, function)
    assert named or code in NOT_YET, f"{code} names no test: name one, or say in NOT_YET why there is none"
    assert not (named and code in NOT_YET), f"{code} has tests by now: take it off NOT_YET"
    assert named or not state.startswith(("done", "in part: done")), (
        f"{code} is called done and names no test"
    )


def _check_test(file: Path, function: str) -> None:
    assert file.exists(), f"there is no {file}"
    if file.suffix != ".py":
        assert not function
        return  # cases in YAML, run by the test beside them
    tree = ast.parse(file.read_text())
    found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    wanted = function or "test_"
    assert any(name == wanted or (not function and name.startswith("test_")) for name in found), (
        file,
        wanted,
    )


def test_every_requirement_is_listed_once() -> None:
    assert sum(PARTS.values()) == 83
    wanted = [f"{part}{number}" for part, last in PARTS.items() for number in range(1, last + 1)]
    assert [row[0] for row in ROWS] == wanted
    assert set(NOT_YET) <= set(wanted)


@pytest.mark.parametrize(
    "page", [Path("README.md"), *sorted(p.relative_to(DOCS.parent) for p in DOCS.glob("**/*.md"))], ids=str
)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = (DOCS.parent / page).read_text()
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((DOCS.parent / page).parent / target).exists(), target
