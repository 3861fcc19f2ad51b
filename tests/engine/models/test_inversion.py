"""Learned words: every kind of file, found by name, and no code run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.models.errors import ModelError
from engine.models.inversion import Inversion, Inversions, read_inversion

TWO, ONE = torch.randn(2, 768), torch.randn(768)


@pytest.mark.parametrize(
    ("name", "held", "vectors"),
    [
        ("a.pt", {"string_to_token": {"*": 265}, "string_to_param": {"*": TWO}, "name": "x", "step": 3}, {"": TWO}),
        ("a.safetensors", {"emb_params": TWO}, {"": TWO}),
        ("a.bin", {"<cat-toy>": ONE}, {"": ONE[None]}),
        ("a.safetensors", {"<cat-toy>": TWO}, {"": TWO}),
        ("a.safetensors", {"clip_l": TWO, "clip_g": TWO[:, :640]}, {"clip_l": TWO, "clip_g": TWO[:, :640]}),
        ("a.safetensors", {"emb_params": TWO.half()}, {"": TWO.half().float()}),
    ],
)
def test_every_kind_of_file_is_read(name: str, held: dict[str, Any], vectors: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file({key: value.contiguous() for key, value in held.items()}, path)
    else:
        torch.save(held, path)
    found = read_inversion(path, pickles=True)
    assert (found.name, found.sha256) == ("a", hashlib.sha256(path.read_bytes()).hexdigest())
    assert list(found.vectors) == list(vectors)
    assert all(torch.equal(found.vectors[part], vectors[part]) for part in vectors)
    assert all(value.dtype == torch.float32 for value in found.vectors.values())


class Harm:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("true",)


def test_a_pickle_is_read_only_when_asked_for_and_never_run(tmp_path: Path) -> None:
    torch.save({"<x>": ONE}, tmp_path / "x.pt")
    with pytest.raises(ModelError, match=r"x\.pt is a pickle, which can hold code"):
        read_inversion(tmp_path / "x.pt")
    torch.save({"<x>": Harm()}, tmp_path / "y.pt")
    with pytest.raises(ModelError, match=r"y\.pt holds more than arrays and was not run"):
        read_inversion(tmp_path / "y.pt", pickles=True)


@pytest.mark.parametrize(
    ("held", "says"),
    [
        ({"a": TWO, "b": TWO + 1}, "neither one learned word nor clip_l and clip_g"),
        ({"emb_params": torch.zeros(76, 8)}, "must hold 1 to 75 vectors"),
        ({"emb_params": torch.full((1, 8), float("nan"))}, "finite numbers"),
        ({"emb_params": torch.zeros(1, 2, 8)}, "must hold 1 to 75 vectors"),
        ({"clip_l": torch.zeros(1, 8), "clip_g": torch.zeros(2, 9)}, "1 and 2 vectors"),
    ],
)
def test_a_file_of_another_kind_is_one_sentence(held: dict[str, Any], says: str, tmp_path: Path) -> None:
    save_file(held, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=says):
        read_inversion(tmp_path / "x.safetensors")


@pytest.mark.parametrize("cut", [0, 5, 60])
@pytest.mark.parametrize("name", ["x.safetensors", "x.pt"])
def test_a_damaged_file_is_one_sentence(name: str, cut: int, tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file({"emb_params": TWO}, path)
    else:
        torch.save({"<x>": TWO}, path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelError, match=r"damaged|more than arrays"):
        read_inversion(path, pickles=True)


def test_words_are_found_in_folders_the_longest_name_first(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for place in ("cat.safetensors", "deep/cat-toy.safetensors"):
        save_file({"emb_params": ONE[None]}, tmp_path / place)
    words = Inversions([tmp_path, tmp_path / "missing"])
    found = [part.name if isinstance(part, Inversion) else part for part in words.split("a Cat-toy, cat; catnip")]
    assert found == ["a ", "cat-toy", ", ", "cat", "; catnip"]
    assert list(Inversions().split("cat")) == ["cat"]
