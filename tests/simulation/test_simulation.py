"""The simulator finds nothing in the product, and finds what each safeguard keeps away once it is switched off."""

import re
import subprocess
import sys

import pytest

LAST = re.compile(r"seeds=(\d+) crashes=(\d+) double=(\d+) lost=(\d+) unbalanced=(\d+)")


def simulate(*arguments: str) -> tuple[int, str, dict[str, int]]:
    """Exit code, output, and the numbers of the last line."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--workers", "1", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
    )
    last = LAST.fullmatch(run.stdout.splitlines()[-1]) if run.stdout else None
    assert last, run.stdout + run.stderr
    names = ("seeds", "crashes", "double", "lost", "unbalanced")
    return run.returncode, run.stdout, dict(zip(names, map(int, last.groups()), strict=True))


def payer_killed(output: str) -> list[int]:
    """How often the payer was killed at each kind of point."""
    [row] = [line for line in output.splitlines() if line.startswith("pay ")]
    return [int(count) for count in row.split()[3:]]


def test_nothing_is_paid_twice_lost_or_unbalanced_whatever_crashes() -> None:
    code, output, found = simulate("--seeds", "60")
    assert (found["double"], found["lost"], found["unbalanced"], code) == (0, 0, 0, 0), output
    assert found["seeds"] == 60
    assert all(payer_killed(output)), output


@pytest.mark.parametrize(
    ("control", "finds"),
    [("number", "double"), ("query", "double"), ("sweep", "lost"), ("booking", "unbalanced")],
)
def test_control_without_a_safeguard_the_harm_is_found_and_can_be_replayed(control: str, finds: str) -> None:
    code, output, found = simulate("--seeds", "200", "--control", control, "--until", finds)
    assert (code, found[finds] > 0) == (1, True), output
    *_others, seed = re.findall(rf"again: make simulate SEED=(\d+) CONTROL={control}", output)
    code, again, found = simulate("--seed", seed, "--control", control)
    assert (code, found[finds] > 0) == (1, True), again


def test_a_seed_has_one_history() -> None:
    """Our numbers are drawn anew each time; all else is the same."""
    first, second = (_without_numbers(simulate("--seed", "7")[1]) for _time in range(2))
    assert first == second


def _without_numbers(output: str) -> list[str]:
    history = output[: output.index("\noperation ")].splitlines()
    assert len(history) > 20
    return [re.sub(r"\b(RF|RT|RO|DP|WD)\d{6}\w{8}", r"\1", line) for line in history]
