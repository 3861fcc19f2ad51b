"""What a person did not choose fits the picture, and what RePaint or a dialog changed comes back."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.settings import Settings, Values
from engine.pictures.png import save_copy
from tests.app.artworks import picture
from tests.app.conftest import Parts
from tests.app.windows import open_window, until

LEFT = Qt.MouseButton.LeftButton


def test_the_brush_fits_the_picture(parts: Parts, qtbot: QtBot) -> None:
    window, artwork = open_window(qtbot, parts.document), parts.document.artwork
    sizes = {}
    for side in (512, 32, 2048, 512):
        artwork.open(picture(side, side // 2), "a")
        sizes[side] = window.tools.of("brush").size, window.tools.edge
    assert sizes == {512: (48, 8), 32: (3, 1), 2048: (192, 32)}
    artwork.open(picture(32, 32), "a")
    window.tools.tool = "brush"
    window.tools.choose(size=5)
    artwork.open(picture(512, 512), "a")
    assert (window.tools.of("brush").size, window.tools.edge) == (80, 8)
    assert window.tools.state.side == 512


def test_repaint_gives_the_sampler_back(parts: Parts, qtbot: QtBot) -> None:
    """When it is switched off, when the picture is closed, and at the next start."""
    window, document = open_window(qtbot, parts.document), parts.document
    document.draft.update(sampler="heun", options=(("churn", 0.5),), steps=9)
    document.artwork.open(picture(24, 16), "a")
    before, again = document.draft.current, window.panel.edit.again
    QTest.mouseClick(again, LEFT, pos=QPoint(8, again.height() // 2))
    assert (document.draft.current.method, document.draft.current.sampler) == ("repaint", "ddpm")
    assert document.draft.by_model["fake"].sampler == "heun"
    document.draft.update(steps=40)
    QTest.mouseClick(again, LEFT, pos=QPoint(8, again.height() // 2))
    assert document.draft.current == before
    document.draft.choose_repaint(True)
    document.artwork.close()
    assert (document.draft.current.sampler, document.draft.current.method) == ("heun", "new")
    document.artwork.open(picture(24, 16), "a")
    document.draft.choose_repaint(True)
    document.draft.update(sampler="ddim", options=(("eta", 1.0),))
    document.draft.choose_repaint(False)
    assert document.draft.current.sampler == "ddim", "it was chosen meanwhile"


def test_a_dialog_opens_in_the_folder_used_last(parts: Parts, qtbot: QtBot, tmp_path: Path) -> None:
    settings = Settings(values=Values(theme="dark"))
    window = open_window(qtbot, parts.document, settings)
    save_copy(tmp_path / "a.png", picture(24, 16))
    window.files.open_dialog()
    dialog = window.files.dialog
    assert dialog is not None
    assert Path(dialog.directory().path()) != Path.cwd()
    dialog.fileSelected.emit(str(tmp_path / "a.png"))
    dialog.close()
    until(qtbot, lambda: parts.document.artwork.is_open)
    window.files.open_dialog()
    again = window.files.dialog
    assert again is not None
    assert Path(again.directory().path()) == tmp_path
    again.close()
    assert settings.values.folders == {"open": str(tmp_path)}
