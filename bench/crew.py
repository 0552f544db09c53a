"""Processes that do one kind of work on command, and rounds that set two crews against each other."""

import importlib
import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from statistics import median
from types import TracebackType
from typing import Any, NamedTuple

import django

from . import report

Step = Callable[[], None]
ROUNDS = 7


class WorkFailed(RuntimeError):
    """A process of a crew ended with an error; its traceback is in the message."""


class Shift(NamedTuple):
    done: int
    seconds: float


class Crew:
    """One process for each entry of `setups`. `work(url, setup)` prepares there and returns the step to repeat.

    Spawned, not forked: a fork would share the parent's database connection.
    """

    def __init__(self, work: Callable[[str, Any], Step], url: str, setups: Sequence[Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for setup in setups:
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, work.__module__, work.__name__, url, setup), daemon=True
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> "Crew":
        try:
            for pipe in self._pipes:
                _received(pipe)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def work(self, seconds: float) -> float:
        """Everybody works for `seconds`; how much was done a second, by all together."""
        for pipe in self._pipes:
            pipe.send(seconds)
        shifts: list[Shift] = [_received(pipe) for pipe in self._pipes]
        return sum(shift.done / shift.seconds for shift in shifts)

    def time(self) -> float:
        """Everybody takes one step; seconds until the last is done."""
        begun = time.perf_counter()
        for pipe in self._pipes:
            pipe.send(0.0)
        for pipe in self._pipes:
            _received(pipe)
        return time.perf_counter() - begun

    def _end(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()


def _received(pipe: Connection) -> Any:
    try:
        message = pipe.recv()
    except EOFError:
        raise WorkFailed("a process of the benchmark was killed") from None
    if isinstance(message, str):
        raise WorkFailed(message)
    return message


def _serve(pipe: Connection, module: str, work: str, url: str, setup: Any) -> None:
    """The work comes by name: its module needs Django, which needs to know its database first."""
    os.environ["DATABASE_URL"] = url
    try:
        django.setup()
        step = getattr(importlib.import_module(module), work)(url, setup)
        pipe.send(Shift(0, 0.0))
        while True:
            pipe.send(_shift(step, pipe.recv()))
    except (EOFError, ConnectionError, KeyboardInterrupt):
        pass  # the parent is done with us
    except BaseException:
        pipe.send(traceback.format_exc())


def _shift(step: Step, seconds: float) -> Shift:
    done, begun = 0, time.perf_counter()
    while True:
        step()
        done += 1
        now = time.perf_counter()
        if now - begun >= seconds:
            return Shift(done, now - begun)


def compare_rates(name: str, ours: Crew, floor: Crew, seconds: float, unit: str) -> report.Figure:
    """Interleaved rounds after one that does not count; who goes first changes from round to round."""
    for crew in (ours, floor):
        crew.work(min(seconds, 1.0))
    return interleave(name, lambda: ours.work(seconds), lambda: floor.work(seconds), unit)


def interleave(
    name: str,
    ours: Callable[[], float],
    floor: Callable[[], float],
    unit: str,
    *,
    rounds: int = ROUNDS,
    times: bool = False,
) -> report.Figure:
    """`rounds` pairs of measurements, rates or `times`: the figure is their medians, and how far the pairs lie apart."""
    pairs = []
    for number in range(1, rounds + 1):
        if number % 2:
            mine = ours()
            pair = (mine, floor())
        else:
            theirs = floor()
            pair = (ours(), theirs)
        pairs.append(pair)
        report.say(f"{name}  round {number}/{rounds}  {pair[0]:,.2f} against {pair[1]:,.2f} {unit}")
    ratios = sorted((theirs / mine) if times else (mine / theirs) for mine, theirs in pairs)
    mine, theirs = (median(column) for column in zip(*pairs, strict=True))
    ratio = theirs / mine if times else mine / theirs
    return report.Figure(mine, theirs, ratio, unit, f"{ratios[0]:.2f}-{ratios[-1]:.2f}")
