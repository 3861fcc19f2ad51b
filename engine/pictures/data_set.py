"""Read a data set's table and pictures, and check them: what training, CLIP training and judges start from. No torch.

engine/train/data.py says what the folder holds.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

TABLE, PICTURES = "rows.json", "pictures.npy"
TEXTS, LISTS = ("name", "label"), ("captions",)  # of each row


class DataSetError(EngineError, ValueError):
    """A data set that cannot be used; the message says what to do."""

    kind = "data"


def read_table(folder: Path) -> dict[str, Any]:
    """Read rows.json: "id", "title" and "label_kind" are texts, "labels" and "examples" lists of them, "rows" a list.

    Each row has a "name", a "label" ("" for none, else one of the labels) and "captions". Raises DataSetError.
    """
    try:
        table = json.loads((folder / TABLE).read_bytes())
        for key in ("id", "title"):
            _text(table[key])
        _text(table.get("label_kind", "class"))
        for key in ("labels", "examples"):
            _texts(table.get(key, []))
        labels = {"", *table["labels"]}
        for row in table["rows"]:
            _text(row["name"])
            _texts(row["captions"])
            if _text(row["label"]) not in labels:
                raise ValueError(row["label"])
            weight = row.get("weight", 1)
            if not isinstance(weight, int | float) or not 0 <= weight < math.inf:
                raise ValueError("weight")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataSetError(
            f"{folder} is no data set, or its {TABLE} is damaged: build it with `run.py data build`."
        ) from error
    found: dict[str, Any] = table
    return found


def read_array(folder: Path, table: dict[str, Any]) -> NDArray[np.uint8]:
    """Map pictures.npy, (N, side, side, C) uint8, one picture for each row of the table. Raises DataSetError."""
    try:
        # Mapped: a header that claims more than the file holds is refused before any memory is taken.
        array = np.lib.format.open_memmap(folder / PICTURES, mode="r")
        count, height, width, channels = array.shape
        if array.dtype != np.uint8 or count != len(table["rows"]) or height != width or not 1 <= channels <= 4:
            raise ValueError("another shape")
    except (OSError, ValueError, TypeError, OverflowError, EOFError, SyntaxError, TokenError) as error:
        raise DataSetError(
            f"The pictures of {folder} do not fit its {TABLE}, or are damaged: build it again with `run.py data build`."
        ) from error
    return array


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _texts(value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError("no list of texts")
