"""Films on disk: every frame, in its order and time, whole or not there at all, with the settings inside."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from engine.morph import film
from engine.morph.film import Stopped, fits, read, save
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.edit import Pixels
from engine.spec.morph import Key, Morph, MorphError

KINDS = ("film.webp", "film.gif", "film.mp4", "film")


@pytest.fixture
def morph(tiny_model: ModelInfo) -> Morph:
    request = resolve(Draft.for_model(tiny_model, seed=9), tiny_model)
    return Morph(request=request, keys=(Key(seed=1, prompt="Äpfel"), Key(seed=2)), frames=7, rate=12)


@pytest.fixture
def frames() -> list[Pixels]:
    """Seven of 16×16: a grey ground that stands still, and a block that moves."""
    made = []
    for n in range(7):
        rgb = np.full((16, 16, 3), 120, np.uint8)
        rgb[4:12, n : n + 8] = (250, 30 * n, 10)
        made.append(rgb)
    return made


def stills(path: Path) -> list[Pixels]:
    with Image.open(path) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def times(path: Path) -> list[int]:
    """Milliseconds of each frame."""
    with Image.open(path) as image:
        found = []
        for n in range(getattr(image, "n_frames", 1)):
            image.seek(n)
            image.load()
            found.append(image.info["duration"])
        return found


@pytest.mark.parametrize("name", KINDS)
def test_the_settings_are_read_back_from_every_kind(
    name: str, morph: Morph, frames: list[Pixels], tmp_path: Path
) -> None:
    path = tmp_path / "new folder" / name
    save(path, frames, morph)
    assert read(path / "film-0003.png" if path.is_dir() else path) == morph
    assert [left.name for left in path.parent.iterdir()] == [name]


def test_a_webp_has_every_frame_at_its_rate(morph: Morph, frames: list[Pixels], tmp_path: Path) -> None:
    save(tmp_path / "a.webp", frames, morph, enlarge=4)
    made = stills(tmp_path / "a.webp")
    assert len(made) == 7
    for got, rgb in zip(made, frames, strict=True):
        assert got.shape == (64, 64, 3)
        assert np.abs(got[::4, ::4].astype(int) - rgb).mean() < 8
    assert sum(times(tmp_path / "a.webp")) == pytest.approx(7000 / 12, abs=1)


def test_a_gif_has_one_palette_and_still_parts_do_not_flicker(
    morph: Morph, frames: list[Pixels], tmp_path: Path
) -> None:
    save(tmp_path / "a.gif", frames, morph)
    made = np.stack(stills(tmp_path / "a.gif"))
    assert len(made) == 7
    assert np.ptp(made[:, :4].astype(int), axis=0).max() == 0
    assert np.abs(made.astype(int) - np.stack(frames)).max() <= 12
    assert len(palettes((tmp_path / "a.gif").read_bytes()) - {b""}) == 1
    assert sum(times(tmp_path / "a.gif")) == pytest.approx(7000 / 12, abs=10)


def palettes(data: bytes) -> set[bytes]:
    """The colour tables in a GIF: of the whole, and those that its frames repeat."""

    def table(flags: int, at: int) -> bytes:
        return data[at : at + 3 * 2 ** ((flags & 7) + 1)] if flags & 0x80 else b""

    found = {table(data[10], 13)}
    at = 13 + len(table(data[10], 13))
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            own = table(data[at + 9], at + 10)
            found.add(own)
            at += 11 + len(own)
        else:
            at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    return found


def test_a_loop_goes_on_for_ever_and_one_that_ends_is_shown_once(
    morph: Morph, frames: list[Pixels], tmp_path: Path
) -> None:
    for loop, webp, gif in (("none", 1, None), ("pingpong", 0, 0)):
        for kind, turns in (("webp", webp), ("gif", gif)):
            save(tmp_path / f"{loop}.{kind}", frames, replace(morph, loop=loop))
            with Image.open(tmp_path / f"{loop}.{kind}") as image:
                assert image.info.get("loop") == turns
    assert len(stills(tmp_path / "pingpong.webp")) == 12


def test_frames_in_a_folder_are_the_frames(morph: Morph, frames: list[Pixels], tmp_path: Path) -> None:
    save(tmp_path / "film", frames, morph, enlarge=3)
    made = sorted((tmp_path / "film").iterdir())
    assert [path.name for path in made] == [f"film-{n:04}.png" for n in range(7)]
    for path, rgb in zip(made, frames, strict=True):
        np.testing.assert_array_equal(stills(path)[0][::3, ::3], rgb)
    with pytest.raises(MorphError, match="film already exists"):
        save(tmp_path / "film", frames, morph)


def test_an_mp4_has_every_frame_at_its_rate_and_even_sides(morph: Morph, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    odd = [np.full((15, 17, 3), 30 * n, np.uint8) for n in range(7)]
    save(tmp_path / "a.mp4", odd, morph)
    with av.open(str(tmp_path / "a.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height, float(stream.average_rate)) == (18, 16, 12.0)
        made = [frame.to_ndarray(format="rgb24") for frame in video.decode(stream)]
    assert len(made) == 7
    for n, rgb in enumerate(made):
        assert abs(float(rgb.mean()) - 30 * n) < 6


def test_without_pyav_one_sentence_says_how_to_get_it(
    morph: Morph, frames: list[Pixels], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MorphError, match="pip install av"):
        save(tmp_path / "a.mp4", frames, morph)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", KINDS)
def test_progress_is_reported_and_a_stop_leaves_nothing_behind(
    name: str, morph: Morph, frames: list[Pixels], tmp_path: Path
) -> None:
    progress: list[int] = []
    with pytest.raises(Stopped):
        save(
            tmp_path / name,
            frames,
            morph,
            on_frame=lambda done, _: progress.append(done),
            stop=lambda: len(progress) == 3,
        )
    assert progress == [1, 2, 3]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["film.webp", "film.gif", "film.mp4"])
def test_a_disk_that_fails_leaves_the_older_film_as_it_was(
    name: str, morph: Morph, frames: list[Pixels], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    path.write_bytes(b"older")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(path, frames, morph)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_half_way_is_not_there(
    morph: Morph, frames: list[Pixels], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = film.save_image, 0

    def fails(*args: Any, **more: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise OSError(28, "No space left on device")
        real(*args, **more)

    monkeypatch.setattr(film, "save_image", fails)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path / "film", frames, morph)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_film_gives_a_reason(morph: Morph, frames: list[Pixels], tmp_path: Path) -> None:
    wrong: tuple[tuple[Callable[[], None], str], ...] = (
        (lambda: save(tmp_path / "a.avi", frames, morph), "“.avi” is not a film format"),
        (lambda: save(tmp_path / "a.webp", frames[:5], morph), "5 of 7 frames are ready"),
        (lambda: save(tmp_path / "a.gif", frames, replace(morph, rate=60)), "at most 50 frames a second"),
    )
    for write, words in wrong:
        with pytest.raises(MorphError, match=words):
            write()
    assert list(tmp_path.iterdir()) == []


def test_how_large_a_film_may_become() -> None:
    assert (fits((32, 32)), fits((128, 64)), fits((20000, 5))) == (511, 127, 1)
