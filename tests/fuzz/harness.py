"""Runs READERS over damaged files in processes of their own, so that a crash or a hang is seen and is one file's."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import tests
from tests.fuzz.readers import READERS

ROOT = Path(tests.__file__).resolve().parents[1]
WAIT = 600.0  # seconds without a line: something waits that uses no processor
FINE = ("read", "told")


@dataclass
class Report:
    """What became of one reader's files. outcomes -- how many of each; faults -- one line each, with how to see it
    again; seconds, bytes -- the most that one file took
    """

    reader: str
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    bytes: int = 0

    @property
    def line(self) -> str:
        counts = ", ".join(f"{n} {outcome}" for outcome, n in self.outcomes.most_common())
        return f"{self.reader:24} {counts}; at most {self.seconds:.1f} s of a processor, {self.bytes / 2**20:.0f} MiB"


def shares(total: int) -> dict[str, int]:
    """How many of `total` files each reader gets, at least one."""
    whole = sum(reader.share for reader in READERS)
    found = {reader.name: max(1, total * reader.share // whole) for reader in READERS}
    found[READERS[0].name] += total - sum(found.values())
    return found


def fuzz(counts: dict[str, int], seed: int, folder: Path) -> list[Report]:
    """Read so many damaged files with each of these readers, all in one process as long as it lives."""
    reports = {name: Report(name) for name in counts}
    left = {name: (0, count) for name, count in counts.items()}
    while left:
        _process(left, seed, folder / f"{len(left)}-{next(iter(left.values()))[0]}", reports)
    return list(reports.values())


def _process(left: dict[str, tuple[int, int]], seed: int, folder: Path, reports: dict[str, Report]) -> None:
    """Read in one process until it ends; `left` keeps the files that it did not come to, (first, end) by reader."""
    parts = [f"{name}:{first}:{end}" for name, (first, end) in left.items()]
    command = [sys.executable, "-m", "tests.fuzz.child", str(seed), str(folder), *parts]
    env = os.environ | {"PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    with (
        open(folder.with_suffix(".txt"), "w+") as told,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, cwd=ROOT, env=env) as process,
    ):
        assert process.stdout is not None
        at: tuple[str, int] | None = None
        for line in _lines(process.stdout):
            if line is None:  # it waits
                process.kill()
                break
            event = json.loads(line)
            name = event["reader"]
            for earlier in [*left][: [*left].index(name)]:
                del left[earlier]
            if "begin" in event:
                at = name, event["begin"]
                continue
            at = None
            _note(seed, event, reports[name])
            left[name] = max(left[name][0], event["k"] + 1), left[name][1]
        code = process.wait()
        if at is None:
            assert code == 0, f"the process ended with {code}: {Path(told.name).read_text()[-2000:]}"
            left.clear()
            return
    name, k = at
    how = {-27: "hang", -9: "hang without a processor, or killed"}.get(code, f"crash ({code})")
    _note(seed, {"reader": name, "k": k, "outcome": how, "text": "", "seconds": 0.0, "bytes": 0}, reports[name])
    left[name] = k + 1, left[name][1]


def _note(seed: int, event: dict[str, Any], report: Report) -> None:
    outcome, k = event["outcome"], event["k"]
    if k < 0:  # the undamaged file must raise nothing
        if outcome != "read":
            report.faults.append(f"a whole file is not read: {event['text']}")
        return
    report.outcomes[outcome] += 1
    report.seconds, report.bytes = max(report.seconds, event["seconds"]), max(report.bytes, event["bytes"])
    if outcome not in FINE:
        again = f"python -m tests.fuzz.child --show '{report.reader}' {seed} {k} FOLDER"
        report.faults.append(f"{outcome}: {event['text']}\n    see it again: {again}")


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """The lines of a pipe; None once nothing has come for WAIT seconds."""
    found: queue.Queue[bytes | None] = queue.Queue()

    def read() -> None:
        for line in file:
            found.put(line)
        found.put(b"")

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = found.get(timeout=WAIT)
        except queue.Empty:
            yield None
            return
        if line == b"":
            return
        yield line
