"""Damaged and hostile headers: one sentence each, no crash, no hang, no memory for what a file merely claims."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.header import MAX_HEADER, read_header
from engine.checkpoints.recognise import recognise
from tests.fakes.checkpoints import header, layouts, write_hollow

LONGEST = 1000  # characters of a sentence


def damaged(count: int, seed: int = 7) -> Iterator[bytes]:
    """Headers with flipped bytes, cuts, repeats, foreign numbers and lengths; the data is left out or cut."""
    dice = random.Random(seed)
    shapes = dict(list(layouts()["vae-v1-sd"].items())[:12])
    whole = header(shapes, metadata={"modelspec.title": "a"}) + bytes(4096)
    lengths = [0, 1, 2, 2**31, 2**63, 2**64 - 1]
    numbers = ["-1", "1e400", "NaN", "9" * 400, "null", "[]", "{}", '"x"', "true", "0.5", str(2**63), str(2**64)]
    for _ in range(count):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            way = dice.randrange(7)
            at = dice.randrange(len(data) or 1)
            if way == 0:
                for _ in range(dice.randint(1, 8)):
                    data[dice.randrange(len(data))] = dice.randrange(256)
            elif way == 1:
                del data[at:]
            elif way == 2:
                data[at:at] = data[at : at + dice.randint(1, 200)]
            elif way == 3:
                data[:8] = struct.pack("<Q", dice.choice([*lengths, len(data), dice.randrange(4096)]))
            elif way == 4:
                del data[at : at + dice.randint(1, 100)]
            else:
                text = data[8:].decode("latin-1")
                digits = [i for i, c in enumerate(text[:1500]) if c.isdigit()]
                if digits:
                    at = 8 + dice.choice(digits)
                    data[at : at + 1] = dice.choice(numbers).encode()
                    if dice.random() < 0.7:  # keep the length right, so that the damage is inside
                        data[:8] = struct.pack("<Q", max(data.find(b"}}") + 2 - 8, 0))
            if not data:
                break
        yield bytes(data)


def check_each(files: Iterator[bytes], folder: Path) -> int:
    """Read each file; return how many were refused, each with one sentence."""
    path, sentences = folder / "m.safetensors", []
    for data in files:
        path.write_bytes(data)
        try:
            recognise(path)
        except CheckpointError as error:
            sentences.append(error.sentence)
    for sentence in sentences:
        assert "\n" not in sentence
        assert len(sentence) <= LONGEST + len(str(folder))
        assert sentence.endswith((".", "”"))
    return len(sentences)


def test_damaged_headers_are_refused_with_one_sentence(tmp_path: Path) -> None:
    assert check_each(damaged(200), tmp_path) >= 195  # damage may leave a header whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,8]}}', "wrongly"),
        (b'{"a":{"dtype":"F16","shape":[-2,-2],"data_offsets":[0,8]}}', "wrongly"),
        (b'{"a":{"dtype":"F16","shape":[4.0],"data_offsets":[0,8]}}', "wrongly"),
        (b'{"a":{"dtype":"F16","shape":[true,4],"data_offsets":[0,8]}}', "wrongly"),
        (b'{"a":{"dtype":"F16","shape":{},"data_offsets":[0,2]}}', "wrongly"),
        (b'{"a":{"dtype":"F99","shape":[4],"data_offsets":[0,8]}}', "F99"),
        (b'{"a":{"dtype":["F16"],"shape":[4],"data_offsets":[0,8]}}', "wrongly"),
        (b'{"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}',
         "overlap"),
        (b'{"a":{"dtype":"F16","shape":[2],"data_offsets":[2,6]}}', "gap"),
        (b'{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}', "follow"),
        (b'{"a":{"dtype":"F16","shape":[400],"data_offsets":[0,800]}}', "cut off"),
        (b'{"a":7}', "wrongly"),
        (b'{"__metadata__":7}', "metadata"),
        (b"{" * 5000, "no JSON"),
        (b'{"a":' + b"[" * 100_000, "no JSON"),
        (b'{"\xff":1}', "no JSON"),
    ],
)  # fmt: skip
def test_hostile_headers_are_named(text: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(CheckpointError, match=said):
        read_header(path)


def test_a_claimed_length_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", MAX_HEADER + 1) + b"{")
        file.truncate(2 * MAX_HEADER)
    with pytest.raises(CheckpointError, match="larger than 16 MiB"):
        read_header(path)


@pytest.mark.parametrize("kept", [0, 7, 8, 9, 100, 0.5, 0.999])
def test_a_file_that_is_cut_off_is_named_so(kept: float, tmp_path: Path) -> None:
    path = write_hollow(tmp_path / "m.safetensors", layouts()["vae-v1-sd"])
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.truncate(int(kept if kept > 1 or kept == 0 else size * kept))
    with pytest.raises(CheckpointError, match=r"cut off|too short|no safetensors"):
        read_header(path)


def test_control_characters_of_a_name_do_not_reach_the_sentence(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    text = json.dumps({"a\u202eb\n": {"dtype": "F16", "shape": [3], "data_offsets": [0, 8]}}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(CheckpointError) as caught:
        read_header(path)
    assert caught.value.sentence.isprintable()
