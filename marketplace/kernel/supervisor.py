"""Runs the programs of `manage.py up` as children: starts, restarts, shows their output, and ends them all."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import TextIO

from . import guardian

ASK_SECONDS = 0.4  # between two questions whether all is ready
SLOW_SECONDS = 30.0  # after which it says why it is not
STOP_SECONDS = 8.0
RESTART_AFTER = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds; the last repeats
STEADY_SECONDS = 60.0  # a child that ran this long begins again with the first wait


@dataclass(frozen=True)
class Program:
    name: str
    command: Sequence[str]
    colour: int = 0  # an ANSI foreground colour


@dataclass
class Child:
    program: Program
    process: subprocess.Popen[str] | None = None
    started: float = 0.0
    failures: int = 0
    restart_at: float | None = None


class Screen:
    """Lines from many threads, each with the name of who said it; colours on a terminal alone."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self._stream, self._width = stream, width
        self._colours = stream.isatty() and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()

    def line(self, name: str, text: str, colour: int = 0) -> None:
        label = f"{name:<{self._width}} |"
        if self._colours and colour:
            label = f"\x1b[{colour}m{label}\x1b[0m"
        with self._lock:
            try:
                self._stream.write(f"{label} {text}\n")
                self._stream.flush()
            except (OSError, ValueError):
                pass  # nobody reads any more; the programs go on all the same


@dataclass
class Supervisor:
    """`server` is what the guardian needs to stop the database, see guardian.main."""

    programs: Sequence[Program]
    environment: Mapping[str, str]
    server: Mapping[str, object] | None = None
    screen: Screen = field(default_factory=lambda: Screen(sys.stdout, 9))

    def __post_init__(self) -> None:
        self._children = [Child(program) for program in self.programs]
        self._stopping = threading.Event()
        self._guardian: subprocess.Popen[str] | None = None

    def say(self, text: str) -> None:
        self.screen.line("recourse", text, 36)

    def listen(self) -> None:
        """From here on SIGINT, SIGTERM and SIGHUP ask for an orderly stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def run(self, why_not_ready: Callable[[], str], when_ready: Callable[[], None]) -> None:
        """Start everything, call when_ready once, keep the children alive until a signal, and end them."""
        waiting = True
        ask_at, complain_at = time.monotonic(), time.monotonic() + SLOW_SECONDS
        try:
            for child in self._children:
                self._start(child)
            while not self._stopping.wait(0.2):
                self._keep_alive()
                if waiting and time.monotonic() >= ask_at:
                    reason = why_not_ready()
                    waiting = bool(reason)
                    ask_at = time.monotonic() + ASK_SECONDS
                    if not waiting:
                        when_ready()
                    elif time.monotonic() >= complain_at:
                        complain_at = time.monotonic() + SLOW_SECONDS
                        self.say(f"not ready yet: {reason}")
        finally:
            self._end()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _start(self, child: Child) -> None:
        # A group of its own: the terminal's Ctrl-C reaches this process alone, which ends them in order.
        child.process = subprocess.Popen(
            child.program.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        child.started, child.restart_at = time.monotonic(), None
        self._tell_guardian()
        threading.Thread(target=self._show, args=[child.program, child.process.stdout], daemon=True).start()

    def _show(self, program: Program, output: TextIO) -> None:
        for line in output:
            if line.strip():
                self.screen.line(program.name, line.rstrip(), program.colour)

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if self._guardian is not None and self._guardian.poll() is not None:
            self._guardian = None
            self._tell_guardian()
        for child in self._children:
            if child.restart_at is not None and now >= child.restart_at:
                self._start(child)
            elif child.restart_at is None and child.process is not None and child.process.poll() is not None:
                guardian.tell(child.process.pid, signal.SIGKILL)  # what it left behind would hold its port
                child.failures = 0 if now - child.started > STEADY_SECONDS else child.failures
                wait = RESTART_AFTER[min(child.failures, len(RESTART_AFTER) - 1)]
                child.failures, child.restart_at = child.failures + 1, now + wait
                self.say(
                    f"{child.program.name} ended ({_how(child.process.returncode)}); again in {wait:.0f} s"
                )

    def _groups(self) -> list[int]:
        return [child.process.pid for child in self._children if child.process is not None]

    def _tell_guardian(self) -> None:
        if self._guardian is None:
            lock = self.server["lock"] if self.server else None
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", guardian.__file__, json.dumps(self.server)],
                stdin=subprocess.PIPE,
                text=True,
                start_new_session=True,
                pass_fds=[lock] if isinstance(lock, int) else [],
            )
        self._write_to_guardian(json.dumps(self._groups()))

    def _write_to_guardian(self, line: str) -> None:
        assert self._guardian is not None and self._guardian.stdin is not None
        try:
            self._guardian.stdin.write(f"{line}\n")
            self._guardian.stdin.flush()
        except BrokenPipeError:
            pass  # it was killed: _keep_alive starts another

    def _end(self) -> None:
        self._stopping.set()
        self.say("stopping")
        groups = self._groups()
        for group in groups:
            guardian.tell(group, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{child.program.name} did not stop in {STOP_SECONDS:.0f} s and is killed")
        for group in groups:
            guardian.tell(group, signal.SIGKILL)
        for child in self._children:
            if child.process is not None:
                child.process.wait()
        if self._guardian is not None:
            self._write_to_guardian("done")
            self._guardian.wait()


def _how(code: int | None) -> str:
    return f"killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
