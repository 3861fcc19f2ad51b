"""A history of a folder of pictures that this studio saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.history.scan import scan
from engine.history.store import PictureStore
from engine.pictures.png import save_png
from engine.spec.request import Request

BASE: dict[str, Any] = {
    "model": "emoji",
    "model_sha256": "",
    "sampler": "ddim",
    "spacing": "log",
    "sigmas": (1.0, 0.0),
    "seeds": (1,),
    "width": 8,
    "height": 8,
    "evaluations": 1,
}
SavePicture = Callable[..., Path]


def request_of(**choices: Any) -> Request:
    return Request(**BASE | choices)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PictureStore]:
    store = PictureStore(tmp_path / "data" / "history.db")
    yield store
    store.close()


@pytest.fixture
def save(folder: Path) -> SavePicture:
    """Save a picture: save("a.png", prompt="red apple", seed=3)."""

    def make(name: str, seed: int = 1, **choices: Any) -> Path:
        path = folder / name
        rgb = np.full((8, 8, 3), seed % 256, np.uint8)
        save_png(path, rgb, request_of(seeds=(seed,), **choices))
        return path

    return make


@pytest.fixture
def rescan(store: PictureStore, folder: Path) -> Callable[[], Any]:
    return lambda: scan(store, [folder], lambda: False)
