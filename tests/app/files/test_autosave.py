"""Nothing made on the canvas is lost: not by a crash, not by a full disk, not by opening another picture."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

import app.core.files.autosave_file as kept_module
from app.core.canvas.artwork import Artwork
from app.core.files.autosave import Autosave
from app.core.files.autosave_file import NAME, AutosaveFile, forget, read, write
from app.core.files.shelf import EARLIER
from app.core.notices import Notice
from engine.pictures.image_file import ImageError, load

RGB = np.random.default_rng(6).integers(0, 256, (50, 70, 3), dtype=np.uint8)
MASK = np.random.default_rng(7).integers(0, 256, (50, 70), dtype=np.uint8)
BOX = QRect(10, 5, 30, 20)


def a_kept(**changes: object) -> AutosaveFile:
    facts: dict[str, object] = {
        "rgb": RGB,
        "mask": MASK,
        "box": (1, 2, 30, 20),
        "aspect": (24, 16),
        "title": "røde “æ”",
    }
    return AutosaveFile(**facts | {"unsaved": True} | changes)  # type: ignore[arg-type]


# the folder


def test_a_kept_artwork_comes_back_bit_for_bit(tmp_path: Path) -> None:
    write(tmp_path, a_kept())
    back = read(tmp_path)
    assert np.array_equal(back.rgb, RGB)
    assert np.array_equal(back.mask, MASK)
    assert (back.box, back.aspect, back.title, back.unsaved, back.notes) == (
        (1, 2, 30, 20), (24, 16), "røde “æ”", True, ()
    )  # fmt: skip
    assert np.array_equal(load(tmp_path / NAME).rgb, RGB), "any program can open it"


def test_writing_again_leaves_the_newest_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, a_kept())
    write(tmp_path, a_kept(mask=255 - MASK))
    assert len(list(tmp_path.iterdir())) == 2
    assert np.array_equal(read(tmp_path).mask, 255 - MASK)
    write(tmp_path, a_kept(mask=np.zeros_like(MASK)))
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert not read(tmp_path).mask.any()
    forget(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ImageError, match="is not there"):
        read(tmp_path)


def test_when_writing_fails_half_way_the_old_picture_has_its_old_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a_kept())
    whole = kept_module.save_image

    def fails(path: Path, *rest: object, **more: object) -> None:
        if path.name == NAME:
            raise OSError("no space left")
        whole(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(kept_module, "save_image", fails)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path, a_kept(rgb=255 - RGB, mask=255 - MASK))
    back = read(tmp_path)
    assert np.array_equal(back.rgb, RGB)
    assert np.array_equal(back.mask, MASK)


@pytest.mark.parametrize("hurt", [b"", b"nonsense", None])
def test_a_damaged_mask_costs_the_mask_alone(tmp_path: Path, hurt: bytes | None) -> None:
    write(tmp_path, a_kept())
    (mask,) = tmp_path.glob("mask-*")
    if hurt is None:
        mask.unlink()
    else:
        mask.write_bytes(hurt)
    back = read(tmp_path)
    assert np.array_equal(back.rgb, RGB)
    assert not back.mask.any()
    assert back.box == (1, 2, 30, 20)
    assert back.notes == ("Its mask was damaged and is left out.",)


def test_a_picture_without_the_studios_words_is_a_picture_all_the_same(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(RGB).save(tmp_path / NAME)
    back = read(tmp_path)
    assert np.array_equal(back.rgb, RGB)
    assert back.box == (0, 0, 70, 50)
    assert back.notes == ("Its mask and its box were damaged and are left out.",)


# as it changes


@pytest.fixture
def make(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[[], tuple[Artwork, Autosave, list[Notice]]]]:
    """An artwork and its autosave, as a start of the studio makes them; each call is another start."""
    made: list[Autosave] = []

    def start() -> tuple[Artwork, Autosave, list[Notice]]:
        for earlier in made:
            earlier.close()
        artwork = Artwork()
        autosave = Autosave(artwork, tmp_path / "artwork")
        autosave._timer.setInterval(0)
        notices: list[Notice] = []
        autosave.notice_raised.connect(notices.append)
        autosave.restore()
        made.append(autosave)
        return artwork, autosave, notices

    yield start
    for autosave in made:
        autosave.close()


def idle(qtbot: QtBot, autosave: Autosave) -> None:
    qtbot.waitUntil(lambda: autosave._background.idle and not autosave._timer.isActive())


def paint(artwork: Artwork, rect: QRect = BOX, value: int = 200) -> None:
    artwork.apply_mask(rect, np.full((rect.height(), rect.width()), value, np.uint8), "Brush")


def test_a_killed_studio_has_the_picture_the_mask_and_the_box_again(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    artwork, autosave, _ = make()
    artwork.open(RGB, "apple", (24, 16))
    paint(artwork)
    artwork.box = QRect(7, 8, 30, 20)
    idle(qtbot, autosave)
    kept = {path: path.read_bytes() for path in (tmp_path / "artwork").iterdir() if path.name != "lock"}

    artwork.apply(artwork.rect, 255 - RGB, "something that was not written before the kill")
    autosave.close()  # what it wrote at its end is taken back: it was killed instead
    for path in (tmp_path / "artwork").glob("*.png"):
        path.unlink()
    for path, data in kept.items():
        path.write_bytes(data)

    again, autosave, notices = make()
    qtbot.waitUntil(lambda: again.is_open)
    assert np.array_equal(again.rgb(), RGB)
    assert again.mask[10, 20] == 200
    assert again.mask[0, 0] == 0
    assert again.box == QRect(7, 8, 30, 20)
    assert again.title == "apple"
    assert [notice.text for notice in notices] == ["“apple” is back as you left it."]
    assert autosave.unsaved


def test_a_stroke_just_before_the_window_closes_is_there_again(
    qtbot: QtBot, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    artwork, autosave, _ = make()
    artwork.open(RGB)
    autosave._timer.setInterval(1_000_000)
    paint(artwork)
    autosave.close()
    again, _, _ = make()
    qtbot.waitUntil(lambda: again.is_open)
    assert again.mask[10, 20] == 200


def test_a_closed_artwork_does_not_come_back_by_itself(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    artwork, autosave, _ = make()
    artwork.open(RGB)
    autosave.mark_saved()
    idle(qtbot, autosave)
    assert (tmp_path / "artwork" / NAME).exists()
    artwork.close()
    idle(qtbot, autosave)
    assert not list((tmp_path / "artwork").glob("*.png"))


def test_a_replaced_unsaved_picture_can_be_restored(
    qtbot: QtBot, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    artwork, autosave, notices = make()
    artwork.open(RGB, "apple")
    paint(artwork)
    autosave.set_aside()
    artwork.open(255 - RGB, "pear")
    autosave.mark_saved()
    qtbot.waitUntil(lambda: autosave.has_earlier)
    assert notices[-1].text == "“apple” was not saved; the studio has kept it."

    with qtbot.waitSignal(autosave.brought_back):
        notices[-1].actions[0].do()
    assert np.array_equal(artwork.rgb(), RGB)
    assert artwork.mask[10, 20] == 200
    idle(qtbot, autosave)
    assert not autosave.has_earlier, "it is the artwork again, and that is what is kept"
    assert autosave.unsaved


def test_a_saved_picture_is_not_set_aside_until_it_is_changed_again(
    qtbot: QtBot, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    artwork, autosave, _ = make()
    artwork.open(RGB)
    autosave.mark_saved()
    autosave.set_aside()
    idle(qtbot, autosave)
    assert not autosave.has_earlier
    paint(artwork)
    autosave.set_aside()
    qtbot.waitUntil(lambda: autosave.has_earlier)
    idle(qtbot, autosave)


def test_only_the_newest_few_are_set_aside(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    artwork, autosave, _ = make()
    for k in range(EARLIER + 2):
        artwork.open(np.full((2, 2, 3), k, np.uint8))
        autosave.set_aside()
    idle(qtbot, autosave)
    folders = sorted((tmp_path / "artwork" / "earlier").iterdir())
    assert [read(folder).rgb[0, 0, 0] for folder in folders] == list(range(2, EARLIER + 2))


def test_a_picture_opened_before_the_last_one_was_read_keeps_both(
    qtbot: QtBot, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    artwork, autosave, _ = make()
    artwork.open(RGB, "old")
    again, autosave, _ = make()
    again.open(255 - RGB, "new")
    qtbot.waitUntil(lambda: autosave.has_earlier)
    assert np.array_equal(again.rgb(), 255 - RGB)
    with qtbot.waitSignal(autosave.brought_back):
        autosave.bring_back()
    assert np.array_equal(again.rgb(), RGB)
    idle(qtbot, autosave)


def test_an_unreadable_autosave_is_set_aside_with_a_notice(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    (tmp_path / "artwork").mkdir()
    (tmp_path / "artwork" / NAME).write_bytes(b"\x89PNG torn")
    artwork, _, notices = make()
    qtbot.waitUntil(lambda: bool(notices))
    assert not artwork.is_open
    assert "cannot be read; what is left of it is" in notices[0].text
    (aside,) = (tmp_path / "artwork").glob("damaged-*.png")
    assert aside.read_bytes() == b"\x89PNG torn"


def test_a_full_disk_gives_one_notice(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    artwork, autosave, notices = make()

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(kept_module, "save_image", full)
    artwork.open(RGB)
    idle(qtbot, autosave)
    paint(artwork)
    idle(qtbot, autosave)
    assert len(notices) == 1
    assert "No space left" in notices[0].text
    assert "save it yourself" in notices[0].text
    monkeypatch.undo()
    paint(artwork, value=90)
    idle(qtbot, autosave)
    assert read(tmp_path / "artwork").mask[10, 20] == 90


def test_two_studios_at_once_do_not_write_over_each_other(qtbot: QtBot, tmp_path: Path) -> None:
    first, second = Artwork(), Artwork()
    keepers = [Autosave(artwork, tmp_path / "artwork") for artwork in (first, second)]
    for autosave in keepers:
        autosave.restore()
    first.open(RGB)
    second.open(255 - RGB)
    for autosave in keepers:
        autosave.close()
    assert np.array_equal(read(tmp_path / "artwork").rgb, RGB)
    assert np.array_equal(read(tmp_path / "artwork-2").rgb, 255 - RGB)


def test_painting_goes_on_while_it_is_written_and_the_newest_is_kept(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    artwork, autosave, _ = make()
    artwork.open(np.zeros((600, 600, 3), np.uint8))
    for k in range(20):
        paint(artwork, QRect(k * 20, 0, 20, 600), 10 * k)
        autosave.flush()
    idle(qtbot, autosave)
    assert np.array_equal(read(tmp_path / "artwork").mask, artwork.mask)
    assert not [path for path in (tmp_path / "artwork").iterdir() if path.name.endswith(".part")]
    assert os.listdir(tmp_path / "artwork").count(NAME) == 1


PAINTER = """
import sys
from pathlib import Path
import numpy as np
from PySide6.QtCore import QCoreApplication, QTimer
from app.core.canvas.artwork import Artwork
from app.core.files import autosave as keeping
from app.core.files.autosave import Autosave
keeping.LATEST_MS = 0
app = QCoreApplication([])
artwork = Artwork()
autosave = Autosave(artwork, Path(sys.argv[1]))
autosave._timer.setInterval(0)
autosave.restore()
artwork.open(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))
value, told = 0, []
def paint():
    global value
    value = value % 255 + 1
    artwork.apply_mask(artwork.rect, np.full((300, 400), value, np.uint8), "Brush")
    if value >= 20 and not told:
        if list(Path(sys.argv[1]).glob("mask-*.png")) and Path(sys.argv[1], "artwork.png").exists():
            told.append(value)
            print("go", flush=True)
timer = QTimer()
timer.timeout.connect(paint)
timer.start(1)
app.exec()
"""


@pytest.mark.parametrize("wait", [0.0, 0.013, 0.051])
def test_a_studio_killed_while_it_writes_leaves_a_whole_picture(tmp_path: Path, wait: float) -> None:
    process = subprocess.Popen([sys.executable, "-c", PAINTER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "go\n"
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(wait)
    process.kill()
    process.communicate()
    back = read(tmp_path)
    assert np.array_equal(back.rgb, np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    assert back.notes == (), "the mask that the picture names is there and whole"


def green(value: int) -> np.ndarray:
    return np.full((8, 8, 3), value, np.uint8)


def test_a_clock_set_back_deletes_no_artwork(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    for name in ("20991231-235959-000000", "20991231-235959-000001"):  # of an older studio, its clock far ahead
        write(tmp_path / "artwork" / "earlier" / name, a_kept())
    artwork, autosave, _ = make()
    for value in range(EARLIER + 1):
        artwork.open(green(value))
        autosave.set_aside()
    idle(qtbot, autosave)
    folders = autosave._shelf.folders()
    assert [int(read(folder).rgb[0, 0, 0]) for folder in folders] == list(range(1, EARLIER + 1))
    with qtbot.waitSignal(autosave.brought_back):
        autosave.bring_back()
    assert artwork.rgb()[0, 0, 0] == EARLIER


def test_what_waits_to_be_set_aside_is_written_when_the_window_closes(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    artwork, autosave, _ = make()
    for value in (1, 2, 3):
        artwork.open(green(value))
        autosave.set_aside()
    artwork.open(green(4))
    autosave.close()
    kept = [int(read(folder).rgb[0, 0, 0]) for folder in autosave._shelf.folders()]
    assert kept == [1, 2, 3]
    assert read(tmp_path / "artwork").rgb[0, 0, 0] == 4


def test_the_picture_of_another_window_is_found_by_the_next_start(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]]
) -> None:
    first, second = Artwork(), Artwork()
    keepers = [Autosave(artwork, tmp_path / "artwork") for artwork in (first, second)]
    for autosave in keepers:
        autosave.restore()
    first.open(green(1))
    second.open(green(2))
    paint(second, QRect(0, 0, 2, 2))
    for autosave in keepers:
        autosave.close()
    again, autosave, notices = make()
    qtbot.waitUntil(lambda: again.is_open)
    assert again.rgb()[0, 0, 0] == 1
    assert autosave.has_earlier
    assert "another window" in notices[0].text
    with qtbot.waitSignal(autosave.brought_back):
        notices[0].actions[0].do()
    assert again.rgb()[0, 0, 0] == 2
    assert again.mask[0, 0] == 200
    assert not (tmp_path / "artwork-2").exists()


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), MemoryError()])
def test_a_temporary_read_error_is_no_damage(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]],
    monkeypatch: pytest.MonkeyPatch, error: Exception,
) -> None:  # fmt: skip
    write(tmp_path / "artwork", a_kept())

    def fails(_: Path) -> bytes:
        raise error

    monkeypatch.setattr(kept_module, "_bytes", fails)
    artwork, _, notices = make()
    qtbot.waitUntil(lambda: bool(notices))
    assert "cannot be read now" in notices[0].text
    assert (tmp_path / "artwork" / NAME).exists()
    monkeypatch.undo()
    notices[0].actions[0].do()
    qtbot.waitUntil(lambda: artwork.is_open)
    assert np.array_equal(artwork.mask, MASK)
    assert not list((tmp_path / "artwork").glob("damaged*"))


def test_an_unreadable_autosave_is_not_overwritten(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    write(tmp_path / "artwork", a_kept())
    monkeypatch.setattr(kept_module, "_bytes", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    artwork, autosave, notices = make()
    qtbot.waitUntil(lambda: bool(notices))
    monkeypatch.undo()
    artwork.open(green(9))
    idle(qtbot, autosave)
    assert read(tmp_path / "artwork").rgb[0, 0, 0] == 9
    (folder,) = autosave._shelf.folders()
    assert np.array_equal(read(folder).rgb, RGB)
    assert np.array_equal(read(folder).mask, MASK)


def test_what_a_full_disk_did_not_take_is_written_once_there_is_room(
    qtbot: QtBot, tmp_path: Path, make: Callable[[], tuple[Artwork, Autosave, list[Notice]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    artwork, autosave, notices = make()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_module, "save_image", full)
    artwork.open(green(1))
    autosave.set_aside()
    artwork.open(green(2))
    idle(qtbot, autosave)
    assert len(notices) == 1
    assert autosave._retry.isActive()
    monkeypatch.undo()
    autosave._retry.setInterval(0)
    autosave._retry.start()
    qtbot.waitUntil(lambda: autosave.has_earlier)
    idle(qtbot, autosave)
    assert read(tmp_path / "artwork").rgb[0, 0, 0] == 2
    assert [read(folder).rgb[0, 0, 0] for folder in autosave._shelf.folders()] == [1]
