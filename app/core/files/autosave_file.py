"""An artwork as a folder on disk: artwork.png, whose text says which files are its masks, and those.

The masks, its own and those that its candidates are seen through, are written first and have their content's hash in
their names, so that replacing artwork.png is the one moment at which all of it changes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PySide6.QtCore import QRect

from app.core.canvas.artwork import Artwork
from app.core.canvas.origin import Origin
from app.core.canvas.placement import Placement, box_of
from app.core.canvas.undo import Pixels
from app.core.files.autosave_candidates import Result
from engine.pictures.image_file import ImageError, load
from engine.pictures.mask_file import load_mask
from engine.pictures.png import image_of, save_image
from engine.pictures.png_chunks import read_text
from engine.spec.request import Request, RequestError

NAME, KEY = "artwork.png", "tweedie-artwork"
MASK_NAME = re.compile(r"mask-[0-9a-f]{16}\.png")
LONGEST_NAME = 255  # bytes
LARGEST = 2**30  # pixels: more than any box has, and less than Qt counts
DAMAGED = ValueError, KeyError, TypeError, OverflowError, RecursionError  # of JSON that write() did not write

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class AutosaveFile:
    """An artwork as it is on disk. rgb (H, W, 3) and mask (H, W) uint8; box, aspect and by_hand as Artwork has them;
    unsaved -- whether a person has no other file of it; results -- its candidates; notes -- what could not be brought
    back; origin -- how the picture was made, where a Request of ours says so
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    box: tuple[int, int, int, int]
    aspect: tuple[int, int]
    title: str
    unsaved: bool
    results: tuple[Result, ...] = ()
    notes: tuple[str, ...] = ()
    by_hand: bool = True
    origin: Origin | None = None

    def put_into(self, artwork: Artwork, pixels: Pixels) -> None:
        """Make it the artwork; `pixels` is bgra(rgb)."""
        artwork.adopt(pixels, self.title, self.aspect, self.mask, self.origin)
        artwork.box = QRect(*self.box)
        artwork.box_by_hand = self.by_hand


def write(folder: Path, kept: AutosaveFile) -> None:
    """Write it atomically. Raises OSError; then the folder is unchanged."""
    mask, values = "", np.array(kept.mask)  # a copy: it may be painted on meanwhile
    if values.any():
        mask = _mask_name(values.data)
        if not (folder / mask).exists():
            save_image(folder / mask, Image.fromarray(values), "PNG", compress_level=1)
    results = [_write_result(folder, result) for result in kept.results]
    entry: dict[str, Any] = {"title": kept.title, "box": kept.box, "aspect": kept.aspect, "mask": mask}
    entry |= {"results": results, "by_hand": kept.by_hand}
    if kept.origin is not None and kept.origin.request is not None:
        entry["settings"] = {"request": kept.origin.request.to_json(), "forked": kept.origin.forked}
    text = PngInfo()
    text.add_itxt(KEY, json.dumps(entry | {"unsaved": kept.unsaved}))
    save_image(folder / NAME, image_of(kept.rgb), "PNG", pnginfo=text, compress_level=1)
    for other in folder.glob("mask-*.png"):
        if other.name not in (mask, *(result["mask"] for result in results)):
            other.unlink(missing_ok=True)


def _mask_name(values: memoryview | bytes) -> str:
    """The file name of a mask with this content."""
    return f"mask-{hashlib.sha256(values).hexdigest()[:16]}.png"


def _write_result(folder: Path, result: Result) -> dict[str, Any]:
    """A result as JSON; writes its mask. Raises OSError."""
    place = result.placement
    entry = {"run": result.run, "images": result.images, "box": box_of(place.box), "rect": box_of(place.rect)}
    if place.packed is None:
        return entry | {"mask": ""}
    name = _mask_name(repr(box_of(place.rect)[2:]).encode() + place.packed)
    if not (folder / name).exists():
        mask = place.mask
        assert mask is not None
        save_image(folder / name, Image.fromarray(mask), "PNG", compress_level=1)
    return entry | {"mask": name}


def _read_result(folder: Path, entry: dict[str, Any]) -> Result:
    """A result from JSON. Raises one of DAMAGED where that is damaged."""
    box, rect = QRect(*map(int, entry["box"])), QRect(*map(int, entry["rect"]))
    if box.isEmpty():
        raise ValueError("no box")
    mask = _read_mask(folder, str(entry["mask"])) if entry["mask"] else None
    if len(os.fsencode(str(entry["run"]))) > LONGEST_NAME:
        raise ValueError("no name of a file")
    images = tuple(int(image) for image in entry["images"])
    if not images or min(images) < 0:
        raise ValueError("no pictures")
    return Result(str(entry["run"]), images, Placement.through(box, rect, mask))


def read(folder: Path) -> AutosaveFile:
    """Read what write() wrote, without its damaged parts.

    Raises ImageError where the picture is damaged or not there; OSError and MemoryError where it cannot be read now.
    """
    data = _bytes(folder / NAME)
    rgb = _decode(load, data).rgb
    height, width = rgb.shape[:2]
    mask, notes = np.zeros((height, width), np.uint8), list[str]()
    entry: dict[str, Any] = {}
    try:
        entry = json.loads(read_text(io.BytesIO(data), KEY) or "{}")
        x, y, w, h = (int(number) for number in entry["box"])
        across, down = (int(number) for number in entry["aspect"])
        if min(w, h, across, down) < 1 or max(map(abs, (x, y, w, h, across, down))) > LARGEST:
            raise ValueError("no box")
    except (OSError, AttributeError, *DAMAGED):
        entry = {}
        x, y, w, h, across, down = 0, 0, width, height, width, height
        notes.append("Its mask and its box were damaged and are left out.")
    if name := str(entry.get("mask", "")):
        try:
            found = _read_mask(folder, name)
            if found.shape != mask.shape:
                raise ImageError("of another size")
            mask = found
        except ImageError:
            notes.append("Its mask was damaged and is left out.")
    results, listed = list[Result](), entry.get("results", [])
    for result in listed if isinstance(listed, list) else [listed]:
        try:
            results.append(_read_result(folder, result))
        except DAMAGED:
            notes.append("A candidate was damaged and is left out.")
    title, unsaved = str(entry.get("title", "")), bool(entry.get("unsaved", True))
    origin, by_hand = _read_origin(entry.get("settings")), bool(entry.get("by_hand", True))
    return AutosaveFile(
        rgb, mask, (x, y, w, h), (across, down), title, unsaved, tuple(results), tuple(notes), by_hand, origin
    )


def _read_origin(entry: object) -> Origin | None:
    """How the picture was made, from JSON; None where that is damaged: the picture is whole without it."""
    if not isinstance(entry, dict):
        return None
    try:
        return Origin(Request.from_json(str(entry["request"])), bool(entry["forked"]))
    except (RequestError, *DAMAGED):
        return None


def _bytes(path: Path) -> bytes:
    """The bytes of a file. Raises ImageError where there is none, OSError where it cannot be read now."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{path} is not there.") from error


def _read_mask(folder: Path, name: str) -> NDArray[np.uint8]:
    """The mask of that name. Raises ImageError for a damaged one and for a name that write() does not give."""
    if not MASK_NAME.fullmatch(name):
        raise ImageError("This is no mask of the studio.")
    return _decode(load_mask, _bytes(folder / name)).mask


def _decode(decode: Callable[[bytes], T], data: bytes) -> T:
    """What `decode` makes of the bytes of a picture. Raises ImageError for damage; MemoryError is no damage."""
    try:
        return decode(data)
    except ImageError as error:
        if isinstance(error.__cause__, MemoryError):
            raise MemoryError(str(error)) from error
        raise


def forget(folder: Path) -> None:
    """Remove the artwork from the folder. Raises OSError."""
    for path in (folder / NAME, *folder.glob("mask-*.png")):
        path.unlink(missing_ok=True)
