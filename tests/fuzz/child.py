"""The process in which damaged files are read: one line on each, written before and after.

python -m tests.fuzz.child SEED FOLDER READER:FIRST:END …, or --show READER SEED NUMBER FOLDER for one file with its
traceback.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.formats import mend_checksums, mutate
from tests.fuzz.readers import READERS, Reader, check_sentence
from tests.fuzz.seeds import Files

SECONDS = 10.0  # of a processor for one file
BYTES = 2 << 30  # of memory for one file, above what the process has before


def damaged(reader: Reader, whole: list[Files], seed: int, k: int) -> Files:
    """File k of a seed: one of the whole ones with one part damaged, sometimes two or a part missing."""
    rng = Random(f"{seed}/{reader.name}/{k}")
    files = dict(rng.choice(whole))
    for _ in range(rng.choice((1, 1, 1, 2))):
        names = list(files)
        name = names[0] if rng.random() < 0.5 else rng.choice(names)
        if len(names) > 1 and rng.random() < 0.04:
            del files[name]
        else:
            files[name] = mutate(name, files[name], rng)
    if reader.mends and rng.random() < 0.8:
        mend_checksums(files)
    return files


def outcome_of(reader: Reader, folder: Path, name: str) -> tuple[str, str]:
    """("read" or "told" or what the fault is, a text that says more)."""
    try:
        reader.read(folder, name)
    except reader.errors as error:
        if memory := _out_of_memory(error):
            return "memory", f"{memory!r} behind: {error}"
        try:
            check_sentence(str(error))
        except AssertionError:
            return "sentence", str(error)[:2000]
        return "told", str(error)
    except BaseException as error:  # noqa: BLE001 -- whatever escapes is the fault that is looked for
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = "memory" if isinstance(error, MemoryError) else "escaped"
        return kind, f"{type(error).__name__}: {str(error)[:300]} at {_own(error) or place}"
    return "read", ""


def _own(error: BaseException) -> str:
    """The innermost lines of the project itself."""
    lines = [
        at for at in traceback.extract_tb(error.__traceback__) if "/engine/" in at.filename or "/app/" in at.filename
    ]
    return " < ".join(f"{Path(at.filename).name}:{at.lineno} {at.name}" for at in lines[::-1][:3])


def _out_of_memory(error: BaseException | None) -> BaseException | None:
    """The error below this one that says that memory was refused."""
    while error is not None:
        if type(error).__module__.startswith("av."):  # FFmpeg says so of a size that it does not ask for at all
            return None
        if isinstance(error, MemoryError) or "not enough memory" in str(error) or "can't allocate" in str(error):
            return error
        error = error.__cause__ or error.__context__
    return None


def status(key: str) -> int:
    """Bytes of this process, by the kernel's own key."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def work(reader: Reader, seed: int, first: int, end: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Read files first … end−1: a line before and after each. The whole files come before, as number −1."""
    made = folder / "seeds"
    made.mkdir(parents=True)
    whole = list(reader.seeds(made))
    shutil.rmtree(made)
    for files in whole:  # imports everything; a valid file must raise nothing
        yield _one(reader, files, folder) | {"k": -1}
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # the end of the process, wherever it hangs
    for k in range(first, end):
        yield {"begin": k}
        files = damaged(reader, whole, seed, k)
        resource.setrlimit(resource.RLIMIT_AS, (status("VmSize") + BYTES, resource.RLIM_INFINITY))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        found = _one(reader, files, folder)
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        yield found | {"k": k}


def _one(reader: Reader, files: Files, folder: Path) -> dict[str, Any]:
    there = folder / "case"
    for name, data in files.items():
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_bytes(data)
    Path("/proc/self/clear_refs").write_text("5")
    before, began = status("VmRSS"), time.process_time()
    outcome, text = outcome_of(reader, there, next(iter(files)))
    seconds, peak = time.process_time() - began, status("VmHWM") - before
    for made in folder.iterdir():
        shutil.rmtree(made, ignore_errors=True)
    if peak > 1 << 26:
        gc.collect()
    return {"outcome": outcome, "text": text, "seconds": round(seconds, 3), "bytes": max(0, peak)}


def show(name: str, seed: int, k: int, folder: Path) -> None:
    """Write one damaged file into a folder and read it, with the traceback of what it raises."""
    reader = next(r for r in READERS if r.name == name)
    (folder / "seeds").mkdir(parents=True)
    files = damaged(reader, list(reader.seeds(folder / "seeds")), seed, k)
    for part, data in files.items():
        (folder / "case" / part).parent.mkdir(parents=True, exist_ok=True)
        (folder / "case" / part).write_bytes(data)
    print(reader.read(folder / "case", next(iter(files))))


def main(argv: list[str]) -> None:
    if argv[0] == "--show":
        show(argv[1], int(argv[2]), int(argv[3]), Path(argv[4]))
        return
    seed, folder, *parts = argv
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no line of ours
    for part in parts:
        name, first, end = part.split(":")
        reader = next(r for r in READERS if r.name == name)
        for line in work(reader, int(seed), int(first), int(end), Path(folder)):
            out.write(json.dumps(line | {"reader": name}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
