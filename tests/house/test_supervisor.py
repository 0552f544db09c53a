"""`make run`'s children live as long as they should and no longer, whatever dies first."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
SUPERVISE = """
import json, os, sys
from marketplace.kernel import supervisor
from marketplace.kernel.supervisor import Program, Supervisor
supervisor.STOP_SECONDS = 1.0
programs = [Program(name, ["sh", "-c", script]) for name, script in json.loads(sys.argv[1]).items()]
ours = Supervisor(programs, os.environ)
ours.listen()
ours.run(lambda: "", lambda: ours.say("ready"))
"""


class Running:
    """A supervisor in a process of its own, and what it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.seen = process, ""
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    # A first start makes the database: ten seconds of one core, and the other tests have both.
    def read_until(self, text: str, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = ""
            assert line, f"no {text!r} in:\n{self.seen}"
            self.seen += line

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def launch() -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def launch(command: list[str], **environment: str) -> Running:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(Running(process))
        return started[-1]

    yield launch
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def supervise(launch: Callable[..., Running], **scripts: str) -> Running:
    return launch([sys.executable, "-c", SUPERVISE, json.dumps(scripts)])


def gone(processes: list[psutil.Process], seconds: float) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_children_and_grandchildren_and_exits_0(
    launch: Callable[..., Running], number: signal.Signals
) -> None:
    running = supervise(launch, plain="echo one; sleep 60", parent="sleep 60 & sleep 60; wait")
    running.read_until("plain     | one")
    running.read_until("ready")
    children = running.descendants()
    assert len(children) >= 4  # two children, their sleeps and the guardian

    running.process.send_signal(number)

    assert running.process.wait(5) == 0
    assert gone(children, 1)


def test_a_child_that_will_not_stop_is_killed_in_time(launch: Callable[..., Running]) -> None:
    running = supervise(launch, stubborn="trap '' TERM; echo up; while :; do sleep 1; done")
    running.read_until("| up")
    children = running.descendants()
    began = time.monotonic()

    running.process.terminate()

    assert running.process.wait(5) == 0
    assert time.monotonic() - began < 3
    assert gone(children, 1)
    running.read_until("stubborn did not stop in 1 s and is killed")


def test_a_child_that_dies_is_restarted_and_this_is_said(launch: Callable[..., Running]) -> None:
    running = supervise(launch, short="echo born; exit 3")
    running.read_until("short ended (exit code 3); again in 1 s")
    running.read_until("short ended (exit code 3); again in 2 s")
    assert running.seen.count("| born") == 2
    running.process.terminate()
    assert running.process.wait(5) == 0


def test_nothing_outlives_a_supervisor_killed_outright(launch: Callable[..., Running]) -> None:
    running = supervise(launch, plain="echo one; sleep 60", parent="sleep 60 & sleep 60; wait")
    running.read_until("ready")
    children = running.descendants()

    running.process.kill()

    assert gone(children, 5)


def test_a_killed_guardian_is_replaced(launch: Callable[..., Running]) -> None:
    running = supervise(launch, plain="echo one; sleep 60")
    running.read_until("ready")
    guardian = next(each for each in running.descendants() if "guardian.py" in " ".join(each.cmdline()))
    guardian.kill()
    deadline = time.monotonic() + 5
    while not [
        each
        for each in running.descendants()
        if each.pid != guardian.pid and "guardian.py" in " ".join(each.cmdline())
    ]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = running.descendants()
    running.process.kill()
    assert gone(children, 5)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def up(launch: Callable[..., Running], data_dir: Path, port: int) -> Running:
    # The tests' own server and broker are not for this one.
    without = [word for name in ("DATABASE_URL", "BROKER_URL", "EMBEDDED") for word in ("-u", name)]
    command = ["env", *without, sys.executable, "manage.py", "up"]
    # Under make it ends with its parent, so that an aborted test run leaves nothing either.
    return launch(command, DATA_DIR=str(data_dir), PORT=str(port), DEMO="0", MAKELEVEL="1")


@pytest.mark.slow
def test_up_from_nothing_serves_and_leaves_nothing_behind(
    launch: Callable[..., Running], tmp_path: Path, port: int
) -> None:
    running = up(launch, tmp_path, port)
    running.read_until(f"ready at http://127.0.0.1:{port}/")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready/") as answer:
        assert answer.status == 200
    second = up(launch, tmp_path, port)
    assert second.process.wait(30) == 1
    second.read_until(
        f"runs already on DATA_DIR={tmp_path} (process {running.process.pid}, http://127.0.0.1:{port}/)"
    )
    third = up(launch, tmp_path / "other", port)
    assert third.process.wait(30) == 1
    third.read_until(f"Port {port} is taken. Choose another: PORT={port + 1} make run")

    children = running.descendants()
    database = psutil.Process(int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0]))
    began = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(15) == 0
    assert time.monotonic() - began < 12
    assert gone([*children, database], 1)


@pytest.mark.slow
def test_up_killed_outright_takes_children_and_database_along(
    launch: Callable[..., Running], tmp_path: Path, port: int
) -> None:
    running = up(launch, tmp_path, port)
    running.read_until("ready at")
    children = running.descendants()
    database = psutil.Process(int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0]))

    running.process.kill()

    assert gone([*children, database], 25)  # slow where init collects dead processes slowly


def test_a_port_that_is_none_is_refused(launch: Callable[..., Running]) -> None:
    running = launch([sys.executable, "manage.py", "up"], PORT="eighty")
    assert running.process.wait(30) == 1
    running.read_until("PORT=eighty is not a port number")
