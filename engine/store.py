"""The run file: RunWriter writes every step of a run as it happens, RunReader reads it while it grows. No torch.

One append-only file per run: a magic number, then records. A record is a JSON head followed by raw arrays, each part
with its own CRC-32: following a run reads the heads alone, and an array is checked when it is read. Each record is
flushed when it is written and forced to disk at most twice a second: power loss costs half a second of work, kill −9
the current step. A torn tail is cut at the last whole record. An array that an earlier record holds is stored as a
reference, so a resume gets its exact history back.
"""

from __future__ import annotations

import json
import math
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.errors import Cancelled, EngineError, why
from engine.spec.edit import Inputs, Pixels
from engine.spec.guides import digests, pictures_of
from engine.spec.request import MAX_HOPS, Request, RequestError
from engine.spec.validation import integer, number, text

if TYPE_CHECKING:
    from engine.types import Step

MAGIC = b"TWEEDIE1"
SYNC_SECONDS = 0.5
_FRAME = struct.Struct("<QII")  # bytes of head and arrays, CRC-32 of the head, bytes of the head
MAX_HEAD = 1 << 24
MAX_FACTOR = 256  # pixels a side of a latent cell
KEPT = 4  # recognise tensors of so many last records by identity: a history reaches three steps back


DAMAGED = (
    ArithmeticError, AttributeError, KeyError, IndexError, RecursionError, SyntaxError, TypeError, ValueError,
)  # what a head that no studio wrote breaks  # fmt: skip


class StoreError(EngineError, ValueError):
    """The run file cannot be read; the message says what to do."""

    kind = "run"


class Ref(NamedTuple):
    """The place of an array: the index of its record, its name there."""

    record: int
    name: str


@dataclass(frozen=True, slots=True)
class StepInfo:
    """One recorded step without its arrays. seconds: wall time from the start of the run to the end of the step."""

    i: int
    s: float
    s2: float
    kind: str
    nfe: int
    seconds: float
    s_eval: float
    change: float  # RMS of x̂₀ − the previous step's x̂₀; NaN for the first


class RunWriter:
    """Writes a run, record by record. A context manager: leaving it without `end` leaves a file that can be resumed."""

    def __init__(self, path: Path, request: Request, header: dict[str, Any]) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = open(path, "xb")  # noqa: SIM115 -- held open for the run
        self._file.write(MAGIC)
        self._begin(0, 0.0)
        self._append({"kind": "header", "request": request.to_dict(), **header}, {})

    @classmethod
    def reopen(cls, path: Path, verify: bool = True) -> RunWriter:
        """Open an existing run to append: cut its torn tail, so that the next record follows the last whole one.

        verify -- also cut at the first damaged array, since later steps would build on it; False reads the heads alone
        """
        reader = RunReader(path, verify)
        writer = cls.__new__(cls)
        writer.path = path
        writer._file = open(path, "r+b")  # noqa: SIM115 -- held open for the run
        writer._file.truncate(reader.whole_bytes)
        writer._file.seek(0, os.SEEK_END)
        writer._begin(reader.records, reader.steps[-1].seconds if reader.steps else 0.0)
        return writer

    def _begin(self, records: int, seconds: float) -> None:
        self._records = records
        self._known: list[tuple[Any, Ref]] = []
        self._last_x0: np.ndarray | None = None
        self._began = time.monotonic() - seconds
        self._synced = 0.0

    def inputs(self, inputs: Inputs) -> None:
        """Write the picture and the mask that the run edits; before start()."""
        arrays = {"source": inputs.source} | ({} if inputs.mask is None else {"mask": inputs.mask})
        self._append({"kind": "inputs", "box": None if inputs.box is None else list(inputs.box)}, arrays)

    def aims(self, pictures: Mapping[str, Pixels]) -> None:
        """Write the aim pictures of the guides, by digest; before start()."""
        self._append({"kind": "aims"}, dict(pictures))

    def start(self, x: Any, past: Any = ()) -> None:
        """Write the state and the history before the first step."""
        arrays: dict[str, Any] = {}
        head = {"kind": "start", "x": self._ref("x", x, arrays), "past": self._past(past, arrays)}
        self._append(head, arrays)

    def step(self, step: Step) -> None:
        """Write one step and the state after it. Raises OSError when it cannot be written (disk full)."""
        move = step.move
        arrays: dict[str, Any] = {}
        x0 = _array(move.x0)
        change = float(np.sqrt(np.mean((x0 - self._last_x0) ** 2))) if self._same_shape(x0) else float("nan")
        self._last_x0 = x0
        head = {
            "kind": "step",
            "i": step.i,
            "hop": list(step.hop),
            "nfe": step.nfe,
            "s_eval": move.s_eval,
            "seconds": time.monotonic() - self._began,
            "change": None if np.isnan(change) else change,
            "x": self._ref("x", step.x, arrays),
            "x0": self._ref("x0", move.x0, arrays),
            "x0_raw": self._ref("x0_raw", step.x0_raw, arrays),
            "x_eval": self._ref("x_eval", move.x_eval, arrays),
            "next": self._ref("next", move.x, arrays),
            "past": self._past(step.past, arrays),
        }
        self._append(head, arrays)

    def picture(self, rgb: np.ndarray) -> None:
        """Write the finished pictures, uint8 (B, H, W, 3), where the last step does not show them: of a second stage,
        and of latents.
        """
        self._append({"kind": "picture"}, {"rgb": rgb})

    def write_arrays(self, name: str, arrays: dict[str, Any]) -> None:
        """Write further arrays of the run under a name; RunReader.read_arrays() reads them."""
        self._append({"kind": "kept", "name": name}, arrays)

    def record(self, steps: Iterable[Step], spent: Callable[[], Mapping[str, Any]], end: bool = True) -> Iterator[Step]:
        """Write each step before yielding it; then write the outcome, with the facts of `spent()`.

        A step that cannot be written (disk full) is yielded before its OSError is raised: it may hold the picture.

        If the consumer stops early, the run stays open and can be resumed. `end` False lets the caller write the end of
        a finished run, after more records.
        """
        outcome = "failed"
        try:
            for step in steps:
                failed: OSError | None = None
                try:
                    self.step(step)
                except OSError as error:
                    failed = error
                outcome = "open"
                yield step
                outcome = "failed"
                if failed is not None:
                    raise failed
            outcome = "finished"
        except Cancelled:
            outcome = "cancelled"
            raise
        finally:
            if outcome != "open" and (end or outcome != "finished"):
                self.end(outcome, **spent())

    def end(self, outcome: str, **facts: Any) -> None:
        """Write the outcome, "finished", "cancelled" or "failed", and close the file."""
        self._append({"kind": "end", "outcome": outcome, **facts}, {})
        self.close()

    def close(self) -> None:
        if not self._file.closed:
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _same_shape(self, x0: np.ndarray) -> bool:
        return self._last_x0 is not None and self._last_x0.shape == x0.shape

    def _past(self, past: Any, arrays: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"s": p.s}
            | {
                name: self._ref(f"past{k}.{name}", tensor, arrays)
                for name, tensor in (("x", p.x), ("x0", p.x0), ("log_w", p.log_w))
                if tensor is not None
            }
            for k, p in enumerate(past)
        ]

    def _ref(self, name: str, tensor: Any, arrays: dict[str, Any]) -> list[Any]:
        for known, ref in self._known:
            if known is tensor:
                return list(ref)
        ref = Ref(self._records, name)
        arrays[name] = tensor
        self._known.append((tensor, ref))
        return list(ref)

    def _append(self, head: dict[str, Any], arrays: dict[str, Any]) -> None:
        blobs = {name: np.ascontiguousarray(_array(tensor)) for name, tensor in arrays.items()}
        head["arrays"] = {
            name: [str(blob.dtype), list(blob.shape), zlib.crc32(blob.data)] for name, blob in blobs.items()
        }
        text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
        size = len(text) + sum(blob.nbytes for blob in blobs.values())
        self._file.write(_FRAME.pack(size, zlib.crc32(text), len(text)) + text)
        for blob in blobs.values():
            self._file.write(blob.data if blob.size else b"")
        self._file.flush()
        if (now := time.monotonic()) - self._synced > SYNC_SECONDS:
            getattr(os, "fdatasync", os.fsync)(self._file.fileno())
            self._synced = now
        self._records += 1
        self._known = [(t, ref) for t, ref in self._known if ref.record > self._records - 1 - KEPT]


class RunReader:
    """Reads a run, also while it grows. Heads stay in memory, arrays are read on demand, no file is held open.

    verify -- check every array while reading the heads and stop at the first damaged one; needed before a resume

    Raises StoreError when the file is not a run of this version, and when an array that is read is damaged.
    """

    def __init__(self, path: Path, verify: bool = False) -> None:
        self.path = path
        self._verify = verify
        self.steps: list[StepInfo] = []
        self.ended: str | None = None
        self.whole_bytes = len(MAGIC)
        self._heads: list[dict[str, Any]] = []
        self._offsets: list[dict[str, int]] = []
        self._step_records: list[int] = []
        self._latest: dict[str, int] = {}  # the number of the last record of each kind
        try:
            with open(path, "rb") as file:
                magic = file.read(len(MAGIC))
            if magic != MAGIC:
                raise StoreError(f"{path.name} is not a run file of this version of the studio: choose another file.")
            self.poll()
        except OSError as error:
            raise StoreError(f"The run {path.name} cannot be opened: {why(error)}.") from error
        if not self._heads:
            raise StoreError(f"The run {path.name} is empty, it stopped before its first record: generate it again.")
        self.header = {"id": path.stem, "parent": None, "preview": None} | self._heads[0]
        with self._damage():
            _check_header(self.header)
            self.request = Request.from_dict(self.header["request"])

    @contextmanager
    def _damage(self) -> Iterator[None]:
        """Raise StoreError for whatever a head that no studio wrote breaks; its CRC may be right."""
        try:
            yield
        except (EngineError, OSError, MemoryError):
            raise
        except DAMAGED as error:
            raise StoreError(f"The run {self.path.name} is damaged: choose another file.") from error

    @property
    def latent(self) -> bool:
        """Whether its states are latents: their pictures need the model's decoder, and preview() is an estimate."""
        return "factor" in self.header

    @property
    def has_picture(self) -> bool:
        """Whether picture() has pictures, without reading them."""
        return "picture" in self._latest

    @property
    def micro_batch(self) -> int | None:
        """The most images in one call of the net, as the run was begun; None where the file does not say."""
        with self._damage():
            found = self.header.get("environment", {}).get("micro_batch")
            return None if found is None else max(1, integer(found))

    @property
    def records(self) -> int:
        return len(self._heads)

    def poll(self) -> bool:
        """Read the records appended since the last call. Return True if there were any."""
        before = len(self._heads)
        with open(self.path, "rb") as file:
            end = os.fstat(file.fileno()).st_size
            with self._damage():
                while self._take(file, end):
                    pass
        return len(self._heads) > before

    def _take(self, file: IO[bytes], end: int) -> bool:
        at = self.whole_bytes
        if at + _FRAME.size > end:
            return False
        file.seek(at)
        size, crc, head_size = _FRAME.unpack(file.read(_FRAME.size))
        if at + _FRAME.size + size > end or head_size > min(size, MAX_HEAD):
            return False
        text = file.read(head_size)
        if zlib.crc32(text) != crc:
            return False
        head = json.loads(text)
        if not isinstance(head["kind"], str):
            raise TypeError("kind")
        offset, offsets = at + _FRAME.size + head_size, {}
        for name, (dtype, shape, array_crc) in head["arrays"].items():
            offsets[name] = offset
            length = _length(dtype, shape)
            if offset + length > at + _FRAME.size + size:
                raise ValueError("an array larger than its record")
            if self._verify and zlib.crc32(file.read(length)) != array_crc:
                return False
            offset += length
        self._latest[head["kind"]] = len(self._heads)
        self._heads.append(head)
        self._offsets.append(offsets)
        self.whole_bytes = at + _FRAME.size + size
        if head["kind"] == "step":
            self._take_step(head)
        elif head["kind"] == "end":
            self.ended = head["outcome"]
        return True

    def _take_step(self, head: dict[str, Any]) -> None:
        s, s2, kind = head["hop"]
        change = float("nan") if head["change"] is None else number(head["change"])
        i, nfe = integer(head["i"]), integer(head["nfe"])
        if not 0 <= i < MAX_HOPS:
            raise ValueError("a step that no path has")
        seconds, s_eval = number(head["seconds"]), number(head["s_eval"])
        info = StepInfo(i, number(s), number(s2), text(kind), nfe, seconds, s_eval, change)
        self.steps.append(info)
        self._step_records.append(len(self._heads) - 1)

    def start(self) -> tuple[np.ndarray, list[tuple[float, dict[str, np.ndarray]]]]:
        """Return the state before the first step, and its history in the form of past().

        Raises StoreError for a run that stopped before they were written.
        """
        if "start" not in self._latest:
            raise StoreError(f"The run {self.path.name} stopped before its first state: generate it again.")
        head = self._heads[self._latest["start"]]
        with self._damage():
            return self._read(head["x"]), self._history(head)

    def x(self, k: int) -> np.ndarray:
        """Read the state before step k, (B, C, h, w)."""
        return self._read_of(k, "x")

    def x0(self, k: int) -> np.ndarray:
        """Read the guided x̂₀ that step k used."""
        return self._read_of(k, "x0")

    def x0_raw(self, k: int) -> np.ndarray:
        """Read the unguided x̂₀ of step k where it was computed, else the guided one."""
        return self._read_of(k, "x0_raw")

    def next(self, k: int) -> np.ndarray:
        """Read the state after step k."""
        return self._read_of(k, "next")

    def eps(self, k: int) -> np.ndarray:
        """Compute ε̂ = (x − x̂₀)/σ where step k evaluated D."""
        x_eval, x0 = self._read_of(k, "x_eval"), self.x0(k)
        with self._damage(), np.errstate(all="ignore"):
            return (x_eval - x0) / np.float32(self.steps[k].s_eval)

    def picture(self) -> np.ndarray | None:
        """Read the finished pictures, uint8 (B, H, W, 3), of a second stage or of a decoder.

        None where the last step shows its picture itself, and where the run stopped between the two.
        """
        record = self._latest.get("picture")
        if record is None:
            return None
        rgb = self._read([record, "rgb"])
        if rgb.dtype != np.uint8 or rgb.ndim != 4 or rgb.shape[3] != 3:
            raise StoreError(f"The picture in the run {self.path.name} is damaged: fork its last step.")
        return rgb

    def inputs(self) -> Inputs | None:
        """Read the picture and the mask that the run edits; None for a run that edits no picture.

        Raises StoreError where they are damaged, and where they are missing from a run that edits a picture.
        """
        record = self._latest.get("inputs")
        if record is None:
            if self.request.edit is not None:
                raise StoreError(
                    f"The run {self.path.name} stopped before its picture was written: edit the picture again."
                )
            return None
        head = self._heads[record]
        source, mask = (self._read([record, n]) if n in head["arrays"] else None for n in ("source", "mask"))
        try:
            assert source is not None
            return Inputs(source, mask, None if head["box"] is None else tuple(head["box"]))
        except (AssertionError, RequestError, *DAMAGED) as error:
            raise StoreError(f"The picture in the run {self.path.name} is damaged: edit the picture again.") from error

    def aims(self) -> tuple[Pixels, ...]:
        """Read the aim pictures of the run's guides, in the order of engine.spec.guides.digests; most runs have none.

        Raises StoreError where they are damaged, and where they are missing from a run that needs them.
        """
        guides = self.request.guides
        wanted, record = digests(guides), self._latest.get("aims")
        if not wanted:
            return ()
        if record is None:
            raise StoreError(
                f"The run {self.path.name} stopped before its aim pictures were written: generate it again."
            )
        held = [self._read([record, name]) for name in wanted if name in self._heads[record]["arrays"]]
        try:
            return tuple(pictures_of(guides, held).values())
        except RequestError as error:
            raise StoreError(f"An aim picture of the run {self.path.name} is damaged: generate it again.") from error

    def read_arrays(self, name: str) -> dict[str, np.ndarray] | None:
        """Read the arrays that RunWriter.write_arrays() wrote under a name, None where there are none."""
        for record, head in enumerate(self._heads):
            if head["kind"] == "kept" and head.get("name") == name:
                return {key: self._read([record, key]) for key in head["arrays"]}
        return None

    def past(self, k: int) -> list[tuple[float, dict[str, np.ndarray]]]:
        """Read the history before step k, which a resume needs: oldest first, (s, {"x", "x0", and maybe "log_w"})."""
        return self._history(self._heads[self._step_records[k]])

    def _history(self, head: dict[str, Any]) -> list[tuple[float, dict[str, np.ndarray]]]:
        with self._damage():
            return [(number(p["s"]), {name: self._read(p[name]) for name in p if name != "s"}) for p in head["past"]]

    def preview(self, x0: np.ndarray) -> np.ndarray:
        """Turn a state (B, C, h, w) into a picture (B, 3, h, w) in [−1, 1], by the codec's linear preview if any."""
        with self._damage():
            linear = self.header["preview"]
            if linear is not None:
                factors, bias = (np.asarray(linear[key], np.float32) for key in ("factors", "bias"))
                flat = np.ascontiguousarray(factors.T) @ x0.reshape(*x0.shape[:2], -1).astype(np.float32, copy=False)
                flat += bias[:, None]
                x0 = flat.reshape(x0.shape[0], -1, *x0.shape[2:])
            elif x0.shape[1] == 1:
                x0 = np.repeat(x0, 3, axis=1)
            return np.clip(x0, -1, 1)

    def _read_of(self, k: int, name: str) -> np.ndarray:
        record = self._step_records[k]  # IndexError for a step that it has not
        with self._damage():
            return self._read(self._heads[record][name])

    def _read(self, ref: list[Any]) -> np.ndarray:
        with self._damage():
            record, name = ref
            dtype, shape, crc = self._heads[record]["arrays"][name]
            length = _length(dtype, shape)
            count = length // np.dtype(dtype).itemsize
            at = self._offsets[record][name]
        with open(self.path, "rb") as file:
            file.seek(at)
            data = file.read(length)
        if zlib.crc32(data) != crc:
            raise StoreError(
                f"The run {self.path.name} is damaged at this step: choose an earlier step, those can still be used."
            )
        return np.frombuffer(data, dtype=dtype, count=count).reshape(shape)


def _length(dtype: Any, shape: Any) -> int:
    """Return the bytes of the array that a head describes. Raises one of DAMAGED for an invalid head."""
    kind = np.dtype(text(dtype))
    if kind.kind not in "biuf" or not isinstance(shape, list):
        raise TypeError("no array of numbers")
    sides = [integer(side) for side in shape]
    if any(side < 0 for side in sides):
        raise ValueError("a side below zero")
    return kind.itemsize * math.prod(sides)


def _check_header(header: dict[str, Any]) -> None:
    """Raise one of DAMAGED for a header that RunWriter does not write."""
    if header["kind"] != "header":
        raise ValueError("no header")
    text(header["id"])
    parent, preview = header["parent"], header["preview"]
    if parent is not None:
        text(parent["run"])
        integer(parent["step"])
        for name in ("image", "at"):
            if name in parent:
                integer(parent[name])
    if preview is not None:
        np.asarray(preview["factors"], np.float32), np.asarray(preview["bias"], np.float32)
    if "factor" in header and not 1 <= integer(header["factor"]) <= MAX_FACTOR:
        raise ValueError("a cell of latents larger than any codec's")


def append_picture(path: Path, rgb: np.ndarray) -> None:
    """Append the finished pictures, uint8 (B, H, W, 3), to a finished run. Raises OSError and StoreError."""
    with RunWriter.reopen(path, verify=False) as writer:  # a damaged step must not cut the records after it
        writer.picture(rgb)


def _array(tensor: Any) -> np.ndarray:
    """Return a tensor (anything with .detach().cpu().numpy()) or an array as an array, without a copy if possible."""
    return tensor if isinstance(tensor, np.ndarray) else tensor.detach().cpu().numpy()
