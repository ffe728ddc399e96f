"""Client processes that call the database as fast as they can, and runs of several calls beside each other."""

from __future__ import annotations

import multiprocessing
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psycopg2

from . import own_signals

Call = Callable[[Any, random.Random], int]


@dataclass(frozen=True)
class Side:
    """One of the things that are compared: `call(cursor, random)` does it once and says how many it did; `prepare` runs once."""

    name: str
    url: str
    call: Call
    prepare: str = ""


Rates = dict[str, list[float]]


def ratio(rates: Rates, name: str, to: str) -> float:
    """The median of the rounds' own ratios: what the machine did meanwhile hit both sides of a round."""
    return statistics.median(a / b for a, b in zip(rates[name], rates[to], strict=True))


class Clients:
    """`count` processes, each with one connection per side, that all run the same side at the same time."""

    def __init__(self, sides: Sequence[Side], count: int = 8) -> None:
        context = multiprocessing.get_context("fork")
        self.done: Counter[str] = Counter()
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(sides, theirs, number), daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def run(self, name: str, seconds: float) -> float:
        """All clients call one side for some seconds: how many they did in a second."""
        start = time.monotonic() + 0.05
        for pipe in self._pipes:
            pipe.send((name, start, seconds))
        answers = [pipe.recv() for pipe in self._pipes]
        if failed := [answer for answer in answers if isinstance(answer, str)]:
            raise RuntimeError(f"{name}: {failed[0]}")
        done = sum(count for count, _ in answers)
        self.done[name] += done
        return done / (max(end for _, end in answers) - start)

    def interleaved(self, names: Sequence[str], *, rounds: int, seconds: float) -> Rates:
        """Rounds of all sides in turn, each round in the other direction, after one that warms up."""
        for name in names:
            self.run(name, seconds)
        rates: Rates = {name: [] for name in names}
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                rates[name].append(self.run(name, seconds))
        return rates

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.send(None)
        for process in self._processes:
            process.join(10)


def _serve(sides: Sequence[Side], pipe: Connection, number: int) -> None:
    own_signals()
    rng = random.Random(number)
    cursors, calls = {}, {side.name: side.call for side in sides}
    for side in sides:
        connection = psycopg2.connect(side.url)
        connection.autocommit = True
        cursors[side.name] = connection.cursor()
        if side.prepare:
            cursors[side.name].execute(side.prepare)
    pipe.send("ready")
    while (order := pipe.recv()) is not None:
        name, start, seconds = order
        call, cursor, done = calls[name], cursors[name], 0
        time.sleep(max(0.0, start - time.monotonic()))
        now = time.monotonic()
        try:
            while now < start + seconds:
                done += call(cursor, rng)
                now = time.monotonic()
        except psycopg2.Error as error:
            pipe.send(f"{type(error).__name__}: {error}")
            continue
        pipe.send((done, now))
