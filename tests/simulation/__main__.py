"""make simulate SEEDS=1000 [SEED=n] [CONTROL=name]: random histories with real crashes, and nothing lost or paid twice.

A seed is a world of a few orders, and what happens to them: every choice follows from the seed, so that one that
fails can be run again alone, and then tells its history. A control switches one safeguard off: the simulator must find
what that safeguard keeps away.
"""

import argparse
import gc
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

from tests import testbed

testbed.prepare(Path(__file__).resolve().parent.parent.parent)  # before Django reads its settings

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from tqdm import tqdm  # noqa: E402

from . import controls, databases  # noqa: E402
from .check import KINDS, Finding, check, check_everything  # noqa: E402
from .crash import Point  # noqa: E402
from .gateway import Wire, install  # noqa: E402
from .rest import come_to_rest, live  # noqa: E402
from .world import World  # noqa: E402

RENEW_EVERY = 100  # seeds in one database
LOGGED_EVERY = 60.0  # seconds between two lines about the progress, where nobody looks at a terminal


class Outcome(NamedTuple):
    """Of one seed; seed None is what only shows over many."""

    seed: int | None
    findings: list[Finding]
    tally: Counter[tuple[str, str]]  # (operation, how it ended)
    faults: Counter[str]
    history: list[str]


def simulate(seed: int, wire: Wire) -> Outcome:
    world = World(seed, wire)
    live(world)
    at_rest = come_to_rest(world)
    world.now = world.channel.settles_by()
    return Outcome(seed, check(world, at_rest), world.tally, world.channel.faults, world.history)


def work(worker: int, seeds: list[int], template: str, control: str, report: Connection) -> None:
    """One process, one database: its share of the seeds, each reported as it ends."""
    wire = Wire()
    install(wire)
    settings.SANDBOX_ANSWERS_FOR = []
    logging.disable(logging.CRITICAL)  # what the product logs about a channel that misbehaves is no news here
    controls.switch(control)
    copies = databases.Copies(template, worker)
    gc.freeze()  # what is loaded by now stays, in this process and those it forks
    for count, seed in enumerate(seeds, start=1):
        if count % RENEW_EVERY == 1:
            copies.renew()
        outcome = simulate(seed, wire)
        report.send(outcome)
        if count % RENEW_EVERY == 0 or count == len(seeds):
            report.send(Outcome(None, check_everything(), Counter(), Counter(), []))
        elif outcome.findings:
            copies.renew()  # what is broken in it is no other seed's business
    report.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--seed", type=int, help="this one alone, with its history")
    parser.add_argument(
        "--control", choices=sorted(controls.CONTROLS), default="", help="a safeguard to switch off"
    )
    parser.add_argument("--until", choices=KINDS, default="", help="end with the first seed that shows this")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: the cores)"
    )
    options = parser.parse_args()
    seeds = list(range(options.seeds)) if options.seed is None else [options.seed]
    template = databases.prepare_template()
    started = time.monotonic()
    try:
        done, total = _run(seeds, min(options.workers, len(seeds)), template, options.control, options.until)
    finally:
        databases.drop_copies(template)
    if options.seed is not None:
        print("\n".join(["History", *total.history]))
    _report(total, time.monotonic() - started)
    found = Counter(finding.kind for finding in total.findings)
    kills = sum(count for (_name, ending), count in total.tally.items() if ending in list(Point))
    print(
        f"seeds={done} crashes={kills} double={found['double']} lost={found['lost']}"
        f" unbalanced={found['unbalanced']}"
    )
    return 1 if total.findings else 0


def _run(seeds: list[int], workers: int, template: str, control: str, until: str) -> tuple[int, Outcome]:
    """How many seeds were run, and all that came of them."""
    context = get_context("fork")  # before any thread: tqdm starts one
    reports, processes = [], []
    for n in range(workers):
        ours, theirs = context.Pipe(duplex=False)
        arguments = (n, seeds[n::workers], template, control, theirs)
        processes.append(context.Process(target=work, args=arguments, daemon=True))
        processes[-1].start()
        theirs.close()
        reports.append(ours)
    done, total = 0, Outcome(None, [], Counter(), Counter(), [])
    every = 0.1 if sys.stderr.isatty() else LOGGED_EVERY
    with tqdm(total=len(seeds), unit="seed", mininterval=every) as progress:
        for outcome in _outcomes(reports):
            _take(total, outcome, f" CONTROL={control}" if control else "")
            done += outcome.seed is not None
            progress.update(outcome.seed is not None)
            progress.set_postfix(found=len(total.findings), refresh=False)
            if any(finding.kind == until for finding in outcome.findings):
                break
    for process in processes:
        if until:
            process.terminate()
        process.join()
        if process.exitcode and not until:
            total.findings.append(Finding("error", f"a worker ended with {process.exitcode}"))
    return done, total


def _outcomes(reports: list[Connection]) -> Iterator[Outcome]:
    while reports:
        for report in wait(reports):
            assert isinstance(report, Connection)
            try:
                yield report.recv()
            except EOFError:
                reports.remove(report)


def _take(total: Outcome, outcome: Outcome, control: str) -> None:
    total.findings.extend(outcome.findings)
    total.tally.update(outcome.tally)
    total.faults.update(outcome.faults)
    total.history[:] = outcome.history or total.history
    for finding in outcome.findings:
        tqdm.write(f"{finding.kind}: {finding.text}", file=sys.stdout)
    if outcome.findings:
        where = "over many seeds" if outcome.seed is None else f"make simulate SEED={outcome.seed}{control}"
        tqdm.write(f"  again: {where}", file=sys.stdout)


def _report(total: Outcome, seconds: float) -> None:
    names = sorted({name for name, _ending in total.tally})
    endings = ["done", "refused", *(f"killed {point}" for point in Point)]
    print(f"\n{'operation':14}" + "".join(f"{ending:>22}" for ending in endings))
    for name in names:
        counts = [total.tally[name, ending.removeprefix("killed ")] for ending in endings]
        print(f"{name:14}" + "".join(f"{count:>22}" for count in counts))
    print(f"\n{'fault':30}{'times':>8}")
    for fault, count in sorted(total.faults.items()):
        print(f"{fault:30}{count:>8}")
    found = Counter(finding.kind for finding in total.findings)
    print(
        f"\n{seconds:.0f} s; found: " + (", ".join(f"{found[k]} {k}" for k in KINDS if found[k]) or "nothing")
    )


if __name__ == "__main__":
    sys.exit(main())
