"""One key frame: its condition and start for the model, and its picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtGui import QImage

from app.core.shown.render import from_rgb
from engine.morph.keys import FileKey, comes_from_seed, from_file, from_pixels, with_settings
from engine.pictures.image_file import load, not_cancelled
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Pixels, Size
from engine.spec.morph import Key
from engine.spec.request import Request


@dataclass(frozen=True, slots=True, eq=False)
class KeyFrame:
    """One of them.

    key    -- for the model that there is; rgb -- the picture of the model's size that is encoded, None for a seed
    image  -- what is seen of it; null for a seed of which nothing has been made
    source -- the whole picture that it came from, which another model sees at its own size; None for a bare seed
    settings -- what made it, where that is known
    """

    key: Key
    rgb: Pixels | None = None
    image: QImage | None = None
    source: Pixels | None = None
    settings: Request | None = None

    @property
    def encoded(self) -> bool:
        return self.rgb is not None

    @property
    def words(self) -> str:
        """What it is called under its picture."""
        said = self.key.prompt or (self.key.label or "").title()
        return said or ("picture" if self.encoded else f"seed {self.key.seed}")


def of_seed(seed: int, prompt: str, label: str | None) -> KeyFrame:
    return KeyFrame(Key(seed=seed, prompt=prompt, label=label))


def of_picture(rgb: Pixels, request: Request | None, index: int, alone: bool, model: ModelInfo, size: Size) -> KeyFrame:
    """A picture (H, W, 3) that the studio shows, as a key of frames of `size`.

    request, index -- what made it, if that is known; alone -- whether that and no step of another run did: then it is
    its seed, and nothing is lost.
    """
    if request is not None and alone and comes_from_seed(request, model, size):
        return KeyFrame(
            Key.of(request, index), None, from_rgb(rgb), rgb, replace(request, seeds=(request.seeds[index],))
        )
    found = from_pixels(rgb, size)
    if request is not None:
        found = replace(found, key=with_settings(found.key, request, model), settings=request)
    return _from_file(found, rgb)


def of_file(path: Path, model: ModelInfo, size: Size, cancelled: Callable[[], bool] = not_cancelled) -> KeyFrame:
    """Read a picture file as a key for frames of `size`. Raises ImageError; ReadingStopped once it is cancelled."""
    return _from_file(from_file(path, model, size, cancelled), load(path, cancelled).rgb)


def _from_file(found: FileKey, source: Pixels) -> KeyFrame:
    seen = source if found.rgb is None else found.rgb
    return KeyFrame(found.key, found.rgb, from_rgb(seen), source, found.settings)


def for_model(frame: KeyFrame, model: ModelInfo, size: Size) -> KeyFrame:
    """The same key frame for another model or size: a seed stays one, also one that made a picture."""
    key = frame.key
    label = key.label if key.label in model.labels else None
    key = replace(key, label=label, prompt=key.prompt if model.text else "")
    if frame.rgb is None or frame.source is None:
        return (
            replace(frame, key=key, image=None, source=None, settings=None) if _foreign(frame, model, size) else frame
        )
    found = from_pixels(frame.source, size)
    return replace(frame, key=replace(key, picture=found.key.picture), rgb=found.rgb)


def _foreign(frame: KeyFrame, model: ModelInfo, size: Size) -> bool:
    made = frame.settings
    return made is None or made.model_sha256 != model.sha256 or (made.width, made.height) != size
