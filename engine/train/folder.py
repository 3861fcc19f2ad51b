"""Make a data set from a folder of captioned pictures."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from engine.pictures.data_set import DataSetError
from engine.pictures.image_file import ImageError, load_rgba
from engine.train.pictures import SIDE, on_white, write

KINDS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}


def build(source: Path, out: Path, side: int = SIDE) -> int:
    """Write the data set (see engine.train.data) of the pictures under `source`; return their number.

    apple.png is described by apple.txt, one caption a line. A folder inside `source` is a class: its name is the label
    of its pictures. Pictures are cropped to their central square. Raises DataSetError for files that cannot be used.
    """
    paths = sorted(p for p in source.rglob("*") if p.suffix.lower() in KINDS and not _hidden(p.relative_to(source)))
    if not paths:
        raise DataSetError(f"There are no pictures in {source}: choose a folder of PNG, JPEG or WebP files.")
    pictures, rows = [], []
    for path in paths:
        note = path.with_suffix(".txt")
        texts = read_captions(note).split("\n") if note.exists() else []
        captions = [line.strip() for line in texts if line.strip()]
        if not captions:
            raise DataSetError(f"{path} has no caption: write one into {note.name} beside it.")
        try:
            picture = Image.fromarray(load_rgba(path))
        except ImageError as error:
            raise DataSetError(f"{error} It is in {path.parent}: without it the others can be used.") from error
        pictures.append(on_white(ImageOps.fit(picture, (min(picture.size),) * 2), side))
        label = path.parent.name if path.parent != source else ""
        rows.append({"name": captions[0], "label": label, "captions": captions})
    labels = sorted({str(row["label"]) for row in rows} - {""})
    name = source.resolve().name
    table = {"id": name, "title": name.capitalize(), "labels": labels, "label_kind": "class"}
    write(out, np.stack(pictures), table | {"examples": sorted({str(row["name"]) for row in rows})[:12], "rows": rows})
    return len(rows)


def read_captions(path: Path) -> str:
    """The text of a caption file in UTF-8 or, with its byte order mark, UTF-16. Raises DataSetError for another one."""
    data = path.read_bytes()
    try:
        return data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        raise DataSetError(f"{path} is not text in UTF-8: open it in an editor and save it as UTF-8.") from None


def _hidden(path: Path) -> bool:
    """Whether it, or a folder of it, has a name with a dot in front, as the "._" files beside pictures from a Mac."""
    return any(part.startswith(".") for part in path.parts)
