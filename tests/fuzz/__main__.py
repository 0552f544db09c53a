"""make fuzz CASES=2000 [SEED=n]: the API document played against the real program, and nothing it does not say.

Schemathesis calls every operation with data that fits the document and data that does not, walks the document's links,
and checks each answer against it: no server error, no status, header, type or body that is not documented, no bad data
taken, no call without its caller's rights. Between calls the jobs run and people act. Afterwards every invariant of the
books and the cases must hold.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from tests import testbed

os.environ |= dict.fromkeys(
    (f"THROTTLE_{name}" for name in ("USER", "ADDRESS", "LOGIN", "UPLOAD", "SHOP")), "100000000/min"
)
testbed.prepare(Path(__file__).resolve().parent.parent.parent)  # before Django reads its settings

import django  # noqa: E402
from django.conf import settings  # noqa: E402

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
django.setup()

import schemathesis  # noqa: E402
from django.test import override_settings  # noqa: E402
from schemathesis.engine import Status, events, from_schema  # noqa: E402
from tqdm import tqdm  # noqa: E402

from refunds.invariants import INVARIANTS, breaks  # noqa: E402
from tests.simulation import databases  # noqa: E402

from . import hooks  # noqa: E402
from .stack import Stack  # noqa: E402
from .world import World  # noqa: E402

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
SINGLE, WALKS, STEPS = (
    12,
    50,
    6,
)  # of one pass: single calls of an operation, walks along links, calls of a walk
EDGES = 1  # the pass with the edges of each field
LONG = 5000  # from so many calls on with those of a pushed order, of which there are 600


class Report:
    """What was called, how it was answered, and each kind of failure once."""

    def __init__(self, wanted: int, again: str) -> None:
        self.wanted, self.again = wanted, again
        self.cases = 0
        self.answers: Counter[tuple[str, int]] = Counter()
        self.failures: dict[tuple[str, str], str] = {}
        self.errors: list[str] = []
        self.progress = tqdm(total=wanted, unit="case", disable=not sys.stderr.isatty())
        self._said = time.monotonic()

    def count(self, case: Any, response: Any) -> None:
        self.cases += 1
        self.answers[case.operation.label, response.status_code] += 1
        self.progress.update()
        if self.progress.disable and time.monotonic() - self._said > 15:
            self._said = time.monotonic()
            print(f"  {self.cases} of {self.wanted} cases, {len(self.failures)} failures", flush=True)

    def take(self, recorder: Any) -> None:
        for checks in recorder.checks.values():
            for check in checks:
                if check.status == Status.FAILURE:
                    self._fail(recorder.label, check)

    def _fail(self, label: str, check: Any) -> None:
        failure = check.failure_info.failure
        kind = (failure.operation or label, failure.title)
        if kind in self.failures:
            return
        self.failures[kind] = failure.message
        where = "\n  ".join([*failure.message.splitlines(), check.failure_info.code_sample])
        tqdm.write(f"FAILED {kind[0]}: {kind[1]}\n  {where}\n  again: {self.again}", file=sys.stdout)

    def error(self, text: str) -> None:
        self.errors.append(text)
        tqdm.write(f"FAILED {text}\n  again: {self.again}", file=sys.stdout)

    @property
    def is_enough(self) -> bool:
        return self.cases >= self.wanted


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="how many calls (default 2000)")
    parser.add_argument("--seed", type=int, help="of a run to play again")
    parser.add_argument("--only", default="", help="this operation alone, by its operationId")
    parser.add_argument("--control", action="store_true", help="let the program answer a call with a 418")
    options = parser.parse_args()
    seed = Random().getrandbits(32) if options.seed is None else options.seed
    only = f" ONLY={options.only}" if options.only else ""
    report = Report(options.cases, f"make fuzz CASES={options.cases} SEED={seed}{only}")
    logging.disable(logging.WARNING)
    template = databases.prepare_template()
    copies = databases.Copies(template, 0)
    copies.name = f"{template}_{os.getpid()}_0"  # this process's own, where the simulator's are its workers'
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, _files_under(folder):
        try:
            copies.renew()
            _play(report, seed, options.only, is_control=options.control)
        finally:
            databases.drop_copies(template)
    report.progress.close()
    _print_answers(report)
    print(f"\n{time.monotonic() - started:.0f} s, seed {seed}")
    failures = len(report.failures) + len(report.errors)
    print(f"cases={report.cases} failures={failures}")
    return 1 if failures else 0


def _files_under(folder: str) -> override_settings:
    evidence = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": folder},
    }
    return override_settings(STORAGES={**settings.STORAGES, "evidence": evidence})


def _play(report: Report, seed: int, only: str, *, is_control: bool) -> None:
    world = World(seed)
    hooks.install(world, seed)

    @schemathesis.hook
    def after_call(context: Any, case: Any, response: Any) -> None:
        report.count(case, response)

    stack = Stack(world, is_control=is_control)
    number = 0
    while not report.is_enough:
        before = report.cases
        _one_pass(stack, report, seed + number, only, number)
        number += 1
        if report.cases == before and number > EDGES + 1:
            report.error("a pass made no call")
            break
    for invariant in INVARIANTS:
        if found := breaks(invariant):
            report.error(f"the invariant {invariant.name} is broken after the run: {found[:3]}")


def _one_pass(stack: Stack, report: Report, seed: int, only: str, number: int) -> None:
    """The first plays the examples beside what fits, the second the edges of each field, the others what fits."""
    schema: Any = schemathesis.openapi.from_wsgi("/api/schema/", stack, config=_config(seed, number))
    if only:
        schema = schema.include(operation_id=only)
    elif number == EDGES and report.wanted < LONG:
        schema = schema.exclude(operation_id="ingest_order")
    stream = from_schema(schema).execute()
    for event in stream:
        if isinstance(event, events.ScenarioFinished):
            report.take(event.recorder)
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.NonFatalError):
            report.error(f"schemathesis: {event.label}: {event.value!r}")
        if report.is_enough:
            stream.stop()


def _config(seed: int, number: int) -> schemathesis.Config:
    fits = {"enabled": number != EDGES, "generation": {"max-examples": SINGLE}}
    walks = {"enabled": number != EDGES, "generation": {"max-examples": WALKS}, "max-steps": STEPS}
    return schemathesis.Config.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "generation": {"database": "none", "no-shrink": True},
            "phases": {
                "examples": {"enabled": number == 0},
                "coverage": {"enabled": number == EDGES},
                "fuzzing": fits,
                "stateful": walks,
            },
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
        }
    )


def _print_answers(report: Report) -> None:
    statuses = sorted({status for _label, status in report.answers})
    print(f"\n{'operation':62}" + "".join(f"{status:>7}" for status in statuses))
    for label in sorted({label for label, _status in report.answers}):
        row = "".join(f"{report.answers[label, status] or '':>7}" for status in statuses)
        print(f"{label[:61]:62}{row}")


if __name__ == "__main__":
    sys.exit(main())
