"""The run file: growing, torn, damaged, on a full disk."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.noise import Noise
from engine.paths import descending
from engine.rules import RULES
from engine.run import run
from engine.schedules import grid
from engine.spec.request import Request
from engine.store import RunReader, RunWriter, StoreError
from engine.types import Step

REQUEST = Request(
    model="oracle",
    model_sha256="",
    sampler="dpmpp-2m",
    spacing="log",
    sigmas=tuple(grid("log", 6, 10.0, 0.1).tolist()),
    seeds=(1, 2),
    width=4,
    height=4,
    evaluations=6,
)


def steps() -> list[Step]:
    noise = Noise(REQUEST.seeds)
    x = 10 * noise.normal(torch.empty(2, 3, 4, 4))
    return list(run(lambda x, s, c=None: x / (1 + s * s), descending(REQUEST.sigmas), RULES["dpmpp-2m"], x, noise))


def written(path: Path, outcome: str | None = "finished") -> list[Step]:
    done = steps()
    with RunWriter(path, REQUEST, {"id": "a", "parent": None, "preview": None}) as writer:
        writer.start(done[0].x)
        for step in done:
            writer.step(step)
        if outcome:
            writer.end(outcome)
    return done


def test_a_reader_follows_a_run_while_it_is_written(tmp_path: Path) -> None:
    done = steps()
    with RunWriter(tmp_path / "a.twrun", REQUEST, {"id": "a"}) as writer:
        reader = RunReader(tmp_path / "a.twrun")
        assert not reader.poll()
        writer.start(done[0].x)
        for k, step in enumerate(done):
            writer.step(step)
            assert reader.poll()
            assert len(reader.steps) == k + 1
            assert np.array_equal(reader.next(k), step.move.x.numpy())
            eps = (step.x - step.move.x0) / step.hop.s
            np.testing.assert_allclose(reader.eps(k), eps.numpy(), rtol=1e-6)
        assert reader.ended is None
        writer.end("finished")
        reader.poll()
        assert reader.ended == "finished"


def test_arrays_that_are_already_there_are_not_written_again(tmp_path: Path) -> None:
    """Per step only x̂₀ and the next state are new; the history costs references."""
    written(tmp_path / "a.twrun")
    array = 2 * 3 * 4 * 4 * 4
    text = (tmp_path / "a.twrun").stat().st_size - (1 + 2 * 6) * array
    assert text < 6 * 1200 + 2000


def test_history_comes_back_exactly(tmp_path: Path) -> None:
    done = written(tmp_path / "a.twrun")
    reader = RunReader(tmp_path / "a.twrun")
    for k, step in enumerate(done):
        held = reader.past(k)
        assert [s for s, _ in held] == [p.s for p in step.past]
        for (_, arrays), p in zip(held, step.past, strict=True):
            assert np.array_equal(arrays["x"], p.x.numpy())
            assert np.array_equal(arrays["x0"], p.x0.numpy())


def test_the_change_of_x0_is_recorded(tmp_path: Path) -> None:
    done = written(tmp_path / "a.twrun")
    infos = RunReader(tmp_path / "a.twrun").steps
    assert np.isnan(infos[0].change)
    expected = (done[3].move.x0 - done[2].move.x0).pow(2).mean().sqrt().item()
    assert infos[3].change == pytest.approx(expected, rel=1e-5)


def test_any_torn_tail_reads_as_the_whole_records_before_it(tmp_path: Path) -> None:
    written(tmp_path / "a.twrun")
    whole = (tmp_path / "a.twrun").read_bytes()
    counts = set()
    for size in range(len(whole) - 1, 0, -211):
        torn = tmp_path / "torn.twrun"
        torn.write_bytes(whole[:size])
        try:
            reader = RunReader(torn)
        except StoreError:
            continue
        counts.add(len(reader.steps))
        for k in range(len(reader.steps)):
            reader.next(k)
    assert counts == set(range(7))


def test_a_flipped_bit_in_a_head_ends_the_readable_part(tmp_path: Path) -> None:
    written(tmp_path / "a.twrun")
    data = bytearray((tmp_path / "a.twrun").read_bytes())
    data[data.index(b'"i":3')] ^= 0x10
    (tmp_path / "a.twrun").write_bytes(data)
    reader = RunReader(tmp_path / "a.twrun")
    assert len(reader.steps) == 3
    assert reader.ended is None


def test_a_flipped_bit_in_an_array_is_found_when_it_is_read_and_never_resumed_from(tmp_path: Path) -> None:
    done = written(tmp_path / "a.twrun")
    data = bytearray((tmp_path / "a.twrun").read_bytes())
    data[data.index(done[3].move.x0.numpy().tobytes()) + 7] ^= 0x10
    (tmp_path / "a.twrun").write_bytes(data)
    reader = RunReader(tmp_path / "a.twrun")
    assert len(reader.steps) == 6
    assert np.array_equal(reader.x0(2), done[2].move.x0.numpy())
    with pytest.raises(StoreError, match="damaged at this step"):
        reader.x0(3)
    assert len(RunReader(tmp_path / "a.twrun", verify=True).steps) == 3


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a run file"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "not a run file"),
        (b"TWEEDIE1", "is empty"),
        (b"TWEEDIE1" + b"\xff" * 64, "is empty"),
    ],
)
def test_a_file_that_is_no_run_is_refused_in_one_sentence(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.twrun").write_bytes(data)
    with pytest.raises(StoreError, match=says):
        RunReader(tmp_path / "a.twrun")
    with pytest.raises(StoreError, match="cannot be opened"):
        RunReader(tmp_path / "gone.twrun")


def test_a_run_never_overwrites_another(tmp_path: Path) -> None:
    written(tmp_path / "a.twrun")
    with pytest.raises(FileExistsError):
        RunWriter(tmp_path / "a.twrun", REQUEST, {})


def test_a_full_disk_raises_and_keeps_the_written_records(tmp_path: Path) -> None:
    done = steps()
    path = tmp_path / "a.twrun"
    with RunWriter(path, REQUEST, {"id": "a"}) as writer:
        writer.start(done[0].x)
        writer.step(done[0])
        healthy = writer._file
        writer._file = _Full(healthy)  # type: ignore[assignment]
        with pytest.raises(OSError, match="No space left"):
            writer.step(done[1])
        writer._file = healthy
    assert len(RunReader(path).steps) == 1


class _Full:
    """A file on a full disk: it writes half of the data, then fails."""

    def __init__(self, file: object) -> None:
        self.file = file

    def write(self, data: bytes) -> int:
        self.file.write(bytes(data)[: len(data) // 2])  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, "No space left on device")
