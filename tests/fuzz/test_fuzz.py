"""The fuzzer runs, counts, and finds what it is there to find."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LAST = re.compile(r"cases=(\d+) failures=(\d+)\Z")


def fuzz(*arguments: str) -> tuple[int, str, int, int]:
    """(exit code, all it said, cases, failures)."""
    inherited = {name: value for name, value in os.environ.items() if name != "RECOURSE_TEST_SLOT"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz", *arguments]
    run = subprocess.run(command, cwd=ROOT, env=inherited, capture_output=True, text=True, check=False)
    found = LAST.search(run.stdout.strip())
    assert found, run.stdout + run.stderr
    return run.returncode, run.stdout, int(found[1]), int(found[2])


@pytest.mark.slow
def test_a_short_run_finds_nothing() -> None:
    code, said, cases, failures = fuzz("--cases", "60", "--seed", "1")
    assert (code, failures) == (0, 0), said
    assert cases >= 60


@pytest.mark.slow
def test_an_answer_that_is_not_documented_is_found() -> None:
    code, said, _cases, failures = fuzz(
        "--cases", "20", "--seed", "1", "--only", "list_policies", "--control"
    )
    assert code == 1
    assert failures >= 1
    assert "FAILED GET /api/v1/policies/: Undocumented status code" in said
    assert "again: make fuzz CASES=20 SEED=1 ONLY=list_policies" in said
