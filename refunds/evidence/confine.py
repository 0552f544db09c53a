"""A file from outside is taken apart in a process of its own, bounded in time and memory and without our keys."""

import json
import os
import subprocess
import sys
from pathlib import Path

from .cleaned import Cleaned, Limits
from .faults import Fault, Unacceptable

SECONDS = 40.0
ROOT = Path(__file__).resolve().parent.parent.parent


def clean(source: Path, target: Path, small: Path, kind: str, limits: Limits) -> Cleaned:
    """Write `source` anew to `target`, and for an image a thumbnail to `small`. Raises Unacceptable."""
    command = [sys.executable, "-m", "refunds.evidence.worker", str(source), str(target), str(small), kind]
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
    try:
        done = subprocess.run(
            [*command, json.dumps(limits)],
            cwd=source.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise Unacceptable(Fault.TOO_COMPLEX) from late
    if done.returncode != 0 or not done.stdout:  # ended by one of its bounds
        raise Unacceptable(Fault.TOO_COMPLEX)
    answer = json.loads(done.stdout)
    if "fault" in answer:
        raise Unacceptable(Fault(answer["fault"]), **answer["facts"])
    return Cleaned(*answer["found"])
