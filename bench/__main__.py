"""python -m bench [NAME …] [--scale 1.0]: every figure of docs/performance.md in one run."""

import argparse
import importlib
import os
import signal
import sys
import time
from typing import Any

from . import report
from .server import started

# Name -> module with run(server, scale) -> Figure and TARGET.
BENCHMARKS = {
    "file_http": "filing",
    "decide_to_refunded": "paying",
    "sweep": "sweeping",
    "postings": "posting",
    "queue_page_1m": "queueing",
    "queue_html_1m": "desk_queue",
    "search_1m": "desk_search",
    "case_page_1m": "desk_case",
    "claim_next_1m": "desk_claim",
    "backtest_1m": "backtest",
    "decision_p95": "latency",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without one"
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of rows and time; figures compare at 1.0 alone (default)"
    )
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    # Without this, SIGTERM would end the process past every `finally`, and leave the server running.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    figures: dict[str, report.Figure] = {}
    targets: dict[str, report.Target] = {}
    try:
        _run(options.names or list(BENCHMARKS), options.scale, figures, targets)
    except KeyboardInterrupt:
        report.say("stopped")
        return 130
    finally:
        if figures:
            print(f"\n{report.table(figures, targets)}", flush=True)
    if options.scale == 1.0:
        report.write(figures)
        report.say(f"written to {report.LATEST}")
    else:
        report.say("not written to latest.json: the scale is not 1.0")
    return 0


def _run(names: list[str], scale: float, figures: dict[str, Any], targets: dict[str, Any]) -> None:
    report.say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, scale {scale:g}: starting PostgreSQL")
    with started() as server:
        report.say(f"PostgreSQL {server.setting('server_version')}, fsync {server.setting('fsync')}")
        for name in names:
            begun = time.monotonic()
            report.say(f"{name}: preparing")
            module = importlib.import_module(f"bench.{BENCHMARKS[name]}")
            targets[name] = module.TARGET
            figures[name] = figure = module.run(server, scale)
            report.say(
                f"{name}: {figure.ours:,.3f} against {figure.floor:,.3f}, ratio {figure.ratio:.2f} "
                f"({time.monotonic() - begun:.0f} s)"
            )


if __name__ == "__main__":
    sys.exit(main())
