"""A run file that no studio wrote ends in one sentence, whatever its heads say, although their checksums are right."""

from __future__ import annotations

import copy
import json
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import EngineError
from engine.spec.request import Request
from engine.store import MAGIC, RunReader, RunWriter
from engine.types import Hop, Move, Past, Step

FRAME = struct.Struct("<QII")
HOSTILE: list[Any] = [
    None, True, -1, 0, 2**31, 10**30, 1e308, "", "x", "float32", "O", [], [1, 2], [[]], {}, {"a": 1},
    [10**9, 10**9], "\ud83c",
]  # fmt: skip
SEED, MUTATIONS = 7, 300


def a_run(path: Path) -> bytes:
    request = Request(
        model="m", model_sha256="0" * 64, sampler="ddim", spacing="karras", sigmas=(2.0, 1.0, 0.0), seeds=(1,),
        width=4, height=4, evaluations=2,
    )  # fmt: skip
    x = np.ones((1, 1, 4, 4), np.float32)
    with RunWriter(path, request, {"id": "a", "parent": None, "preview": None, "environment": {}}) as writer:
        writer.start(x)
        for i, (s, s2) in enumerate(((2.0, 1.0), (1.0, 0.0))):
            move = Move(x=x + i, x0=x * 2, x_eval=x, s_eval=s, mean=x, std=0.0, past=())  # type: ignore[arg-type]
            past = (Past(s, x, x),)  # type: ignore[arg-type]
            writer.step(Step(i, Hop(s, s2), i + 1, x, past, move, x))  # type: ignore[arg-type]
        writer.picture(np.zeros((1, 4, 4, 3), np.uint8))
        writer.write_arrays("more", {"a": x})
        writer.end("finished")
    return path.read_bytes()


def records(data: bytes) -> list[tuple[Any, bytes]]:
    found, at = [], len(MAGIC)
    while at < len(data):
        size, _, head = FRAME.unpack_from(data, at)
        at += FRAME.size
        found.append((json.loads(data[at : at + head]), data[at + head : at + size]))
        at += size
    return found


def joined(records: list[tuple[Any, bytes]]) -> bytes:
    out = MAGIC
    for head, arrays in records:
        text = head if isinstance(head, bytes) else json.dumps(head).encode()
        out += FRAME.pack(len(text) + len(arrays), zlib.crc32(text), len(text)) + text + arrays
    return out


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in nested JSON where a value stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


def read_all(path: Path) -> None:
    """Everything that the studio and the commands read of a run."""
    run = RunReader(path)
    for call in (run.start, run.picture, run.inputs, run.aims, lambda: run.read_arrays("more")):
        call()
    for k in range(min(len(run.steps), 4)):
        for read in (run.x, run.x0, run.x0_raw, run.next, run.eps, run.past):
            read(k)
        run.preview(run.x0(k))
    RunReader(path, verify=True)


def test_a_mutated_head_with_a_right_checksum_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.twrun"
    whole = records(a_run(path))
    draw, refused = random.Random(SEED), 0
    for _ in range(MUTATIONS):
        mutated = copy.deepcopy(whole)
        head = draw.choice(mutated)[0]
        holder, key = draw.choice(list(places(head)))
        if draw.random() < 0.2:
            del holder[key]
        else:
            holder[key] = draw.choice(HOSTILE)
        path.write_bytes(joined(mutated))
        try:
            read_all(path)
        except EngineError:
            refused += 1
    assert refused > MUTATIONS // 3, f"seed {SEED}"


@pytest.mark.parametrize(
    "head", [b"[" * 100_000, b"null", b"3", b'"x"', b"{}", b"\xff", b'{"kind":"header","arrays":null}']
)
def test_a_head_that_is_no_table_is_one_sentence(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "a.twrun"
    path.write_bytes(joined([(head, b"")]))
    with pytest.raises(EngineError):
        read_all(path)


def test_an_array_larger_than_its_record_is_never_read(tmp_path: Path) -> None:
    path = tmp_path / "a.twrun"
    whole = records(a_run(path))
    whole[1][0]["arrays"]["x"][1] = [10**6, 10**6, 10**6]
    path.write_bytes(joined(whole))
    with pytest.raises(EngineError, match="damaged"):
        RunReader(path)
