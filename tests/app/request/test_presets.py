"""Presets: saved as a Request, put on the panel whole or without the prompt, deleted and brought back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.request.presets import SIDE, Presets
from app.ui.request.preset_sheet import PresetSheet
from engine.spec.request import Request
from tests.app.conftest import Parts
from tests.app.windows import opened, until


@pytest.fixture
def presets(parts: Parts, tmp_path: Path) -> Presets:
    parts.document.presets.keep_in(tmp_path / "presets")
    return parts.document.presets


def test_a_saved_preset_puts_every_setting_back_but_the_seed(presets: Presets, parts: Parts, tmp_path: Path) -> None:
    draft = parts.document.draft
    draft.update(
        prompt="a {red|blue} __thing__", negative="blurry", label="noto", sampler="ddpm", steps=9, guidance=2.5,
        batch=3, temperature=0.9, guidance_interval=(0.1, 5.0), threshold="dynamic", seed=3,
    )  # fmt: skip
    saved, picture = draft.current, QImage(400, 200, QImage.Format.Format_RGB32)
    preset = presets.save("Mine", picture)
    assert preset is not None
    draft.model = parts.document.draft.models[1]
    draft.update(prompt="rocket", negative="", steps=2, seed=8)
    again = Presets(draft)
    again.keep_in(tmp_path / "presets")
    (read,) = [one for one in again.all if one.path is not None]
    assert read == preset
    assert QImage.fromData(read.picture).width() == SIDE
    assert again.apply(read, prompt=False)
    kept: dict[str, Any] = {"prompt": "rocket", "negative": "", "seed": 8}
    assert draft.current == replace(saved, **kept)
    assert again.apply(read)
    assert draft.current == replace(saved, seed=8)


def test_a_missing_model_is_said_and_changes_nothing(presets: Presets, parts: Parts) -> None:
    preset = presets.save("Mine")
    assert preset is not None
    before = parts.document.draft.current
    gone = replace(preset, request=replace(preset.request, model="gone"))
    assert not presets.apply(gone)
    assert parts.document.draft.current == before
    assert "“gone” is not here" in parts.notices[-1].text


def test_a_damaged_preset_costs_only_itself(presets: Presets, parts: Parts, tmp_path: Path) -> None:
    presets.save("Mine")
    (tmp_path / "presets" / "broken.json").write_text('{"version": 1, "name": "x"')
    again = Presets(parts.document.draft)
    told: list[object] = []
    again.notice_raised.connect(told.append)
    again.keep_in(tmp_path / "presets")
    assert [one.name for one in again.all if one.path is not None] == ["Mine"]
    assert len(told) == 1


def test_the_sheet_saves_renames_deletes_and_undoes(presets: Presets, qtbot: QtBot, tmp_path: Path) -> None:
    sheet = PresetSheet(presets, lambda: None)
    opened(qtbot, sheet)
    QTest.keyClicks(sheet.name, "First")
    QTest.keyClick(sheet.name, Qt.Key.Key_Return)
    (file,) = (tmp_path / "presets").iterdir()
    Request.from_dict(json.loads(file.read_text(encoding="utf-8"))["request"])
    until(qtbot, sheet.list.count)
    sheet.list.setCurrentRow(0)
    sheet.list.item(0).setText("Second")  # as the field in the list does
    assert [one.name for one in presets.all] == ["Second"]
    until(qtbot, lambda: sheet.current == presets.all[0])
    sheet.list.setFocus()
    QTest.keyClick(sheet.list, Qt.Key.Key_Delete)
    assert presets.all == []
    assert not file.exists()
    QTest.mouseClick(sheet.back, Qt.MouseButton.LeftButton)
    assert [one.name for one in presets.all] == ["Second"]
    assert file.exists()
