"""Cleans up after a supervisor that was killed outright, then goes too.

A small process of its own (standard library only, so that it starts at once). The supervisor writes to its
standard input which process groups live; the end of that input without a "done" means the supervisor is gone.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time

GRACE_SECONDS = 8.0


def main() -> None:
    """argv: JSON {"lock": descriptor, "stop": command, "user": name or null}, or null where there is no server."""
    server = json.loads(sys.argv[1])
    groups: list[int] = []
    for line in sys.stdin:
        if line.strip() == "done":
            return
        groups = json.loads(line)
    end(groups)
    if server:
        try:
            fcntl.flock(server["lock"], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody else uses the server; the last of them stops it
        subprocess.run(server["stop"], user=server["user"], check=False, stdout=subprocess.DEVNULL)


def end(groups: list[int]) -> None:
    """SIGTERM, and SIGKILL to what is left after GRACE_SECONDS."""
    deadline = time.monotonic() + GRACE_SECONDS
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            tell(group, number)
        while (
            number == signal.SIGTERM
            and time.monotonic() < deadline
            and any(tell(group, 0) for group in groups)
        ):
            time.sleep(0.05)


def tell(group: int, number: int) -> bool:
    """Send a signal to a process group; False where nobody is left in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
