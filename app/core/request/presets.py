"""Presets: named settings with a small picture. Each is one JSON file, its settings in the Request's own form."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QBuffer, QIODevice, QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from app.core.notices import Notice
from app.core.request.built_in_presets import BUILT_IN, PICTURES
from app.core.request.draft_model import DraftModel
from engine.errors import why
from engine.files import replace_file
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, outline
from engine.spec.request import Request, RequestError

SIDE = 96  # pixels of the picture's longer side
LONGEST_NAME = 60
VERSION = 1
MAX_BYTES = 2**20  # of a file
KEPT_FIELDS = "seed", "method", "strength", "jump", "resample", "wildcards"  # of the panel: they belong to the moment


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings under a name.

    request -- the settings, with the texts as a person wrote them
    picture -- PNG bytes; b"" without a picture
    path    -- its file; None for one that comes with the studio
    """

    name: str
    request: Request
    picture: bytes = b""
    path: Path | None = None


class Presets(QObject):
    """The presets of the studio and those of the user, whose files are in one folder."""

    changed = Signal()
    notice_raised = Signal(object)

    def __init__(self, draft: DraftModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._folder: Path | None = None
        self._own: list[Preset] = []
        self._removed: list[Preset] = []
        self._built_in: tuple[Preset, ...] | None = None  # not before they are seen

    def keep_in(self, folder: Path) -> None:
        """Read the presets of that folder, and write new ones there. A damaged file is left out, and said."""
        self._folder, self._own = folder, []
        lost = []
        for path in sorted(folder.glob("*.json")):
            try:
                self._own.append(_read(path))
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                lost.append(path.name)
        if lost:
            told = f"The preset {lost[0]}" if len(lost) == 1 else f"{len(lost)} presets"
            self.notice_raised.emit(Notice("error", f"{told} in {folder} cannot be read: delete it or save it again."))
        self.changed.emit()

    @property
    def all(self) -> list[Preset]:
        """The user's presets by name, then those of the studio."""
        if self._built_in is None:
            self._built_in = tuple(_built_in(self._draft.models))
        return [*sorted(self._own, key=lambda preset: preset.name.casefold()), *self._built_in]

    @property
    def can_bring_back(self) -> bool:
        """Whether a deleted preset can come back."""
        return bool(self._removed)

    def save(self, name: str, picture: QImage | None = None) -> Preset | None:
        """Save the settings on the panel under a name, in place of the user's preset of that name. None, with a notice,
        where the settings make no picture or the file cannot be written.
        """
        draft = replace(self._draft.current, method="new", strength=1.0)
        try:
            request = outline(draft, self._draft.model)
        except RequestError as error:
            self.notice_raised.emit(Notice("info", str(error)))
            return None
        name = " ".join(name.split())[:LONGEST_NAME] or self._draft.model.title
        same = next((one for one in self._own if one.name.casefold() == name.casefold()), None)
        preset = Preset(name, request, _png(picture), same.path if same else self._free_path())
        return self._put(preset)

    def rename(self, preset: Preset, name: str) -> Preset | None:
        """Give a preset of the user another name; None, with a notice, where another one has it."""
        name = " ".join(name.split())[:LONGEST_NAME]
        if not name or name == preset.name or preset not in self._own:
            return preset
        if any(one.name.casefold() == name.casefold() for one in self._own if one is not preset):
            self.notice_raised.emit(Notice("info", f"There is a preset “{name}” already: choose another name."))
            return None
        return self._put(replace(preset, name=name))

    def remove(self, preset: Preset) -> None:
        """Delete a preset of the user; `bring_back` undoes it."""
        if preset not in self._own:
            return
        if preset.path is not None:
            try:
                preset.path.unlink(missing_ok=True)
            except OSError as error:
                self.notice_raised.emit(Notice("error", f"The preset could not be deleted: {why(error)}."))
                return
        self._own.remove(preset)
        self._removed.append(preset)
        self.changed.emit()

    def bring_back(self) -> Preset | None:
        """Bring the preset back that was deleted last."""
        return self._put(self._removed.pop()) if self._removed else None

    def apply(self, preset: Preset, prompt: bool = True) -> bool:
        """Put the settings of a preset on the panel; False, with a notice, where its model is not here.

        prompt -- whether the prompt and the negative prompt come too. The seed and the method of the panel stay.
        """
        before, request = self._draft.current, preset.request
        draft = Draft.of(request)
        texts: dict[str, Any] = {"prompt": request.prompt, "negative": request.negative}
        if not prompt:
            texts = {"prompt": before.prompt, "negative": before.negative}
        kept = {name: getattr(before, name) for name in KEPT_FIELDS}
        try:
            self._draft.current = replace(draft, **texts, **kept)
        except RequestError as error:
            self.notice_raised.emit(Notice("error", f"“{preset.name}” cannot be applied. {error}"))
            return False
        if self._draft.obstacle:  # a LoRA or a VAE is missing
            self.notice_raised.emit(Notice("info", self._draft.obstacle))
        return True

    def _put(self, preset: Preset) -> Preset | None:
        if preset.path is not None:
            data = {
                "version": VERSION,
                "name": preset.name,
                "request": preset.request.to_dict(),
                "picture": base64.b64encode(preset.picture).decode("ascii"),
            }
            try:
                preset.path.parent.mkdir(parents=True, exist_ok=True)
                with replace_file(preset.path) as file:
                    file.write(json.dumps(data, ensure_ascii=False).encode("utf-8", errors="backslashreplace"))
            except OSError as error:
                self.notice_raised.emit(Notice("error", f"The preset could not be saved: {why(error)}."))
                return None
        self._own = [one for one in self._own if one.path != preset.path or preset.path is None] + [preset]
        self.changed.emit()
        return preset

    def _free_path(self) -> Path | None:
        return None if self._folder is None else self._folder / f"{secrets.token_hex(8)}.json"


def _read(path: Path) -> Preset:
    """Read a preset. Raises OSError, or what a damaged file raises."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("too large")
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["version"] != VERSION or not isinstance(data["name"], str) or not data["name"].strip():
        raise ValueError("not a preset")
    try:
        picture = base64.b64decode(data.get("picture", ""), validate=True)
    except (binascii.Error, TypeError):
        picture = b""
    return Preset(data["name"][:LONGEST_NAME], Request.from_dict(data["request"]), picture, path)


def _png(picture: QImage | None) -> bytes:
    if picture is None or picture.isNull():
        return b""
    mode = Qt.TransformationMode.SmoothTransformation
    if max(picture.width(), picture.height()) > SIDE:
        picture = picture.scaled(QSize(SIDE, SIDE), Qt.AspectRatioMode.KeepAspectRatio, mode)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


def _built_in(models: Sequence[ModelInfo]) -> Iterator[Preset]:
    """Yield the studio's presets whose model is here."""
    by_id = {model.id: model for model in models}
    for known in BUILT_IN:
        if (model := by_id.get(known.model)) is not None:
            request = outline(Draft.for_model(model, **known.choices), model)
            yield Preset(known.name, request, (PICTURES / known.picture).read_bytes())
