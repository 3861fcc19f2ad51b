"""Typed numbers: taken before every command, in each locale, and never another number without a word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.request.prompt_panel import PromptPanel
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.spin_box import RealSpinBox, WholeSpinBox
from app.ui.widgets.typed_number import read_number, read_whole
from app.ui.window.main_window import MainWindow
from engine.spec.request import MAX_SEED
from tests.app.conftest import Parts
from tests.app.windows import open_window, opened, until

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(params=["C", "de_DE", "ar_EG"])
def locale(request: pytest.FixtureRequest) -> Iterator[str]:
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, parts.document)


@pytest.fixture
def panel(window: MainWindow) -> PromptPanel:
    return window.panel


def insert(field: QWidget, text: str) -> None:
    """Put text into a field as an input method does: any sign, not of a keyboard alone."""
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, CONTROL)
    QGuiApplication.clipboard().setText(text)
    QTest.keyClick(field, Qt.Key.Key_V, CONTROL)


# reading


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7.5", 7.5),
        ("7,5", 7.5),
        (",5", 0.5),
        ("7.", 7.0),
        ("−3", -3.0),
        (" 12 ", 12.0),
        ("٣٫٥", 3.5),
        ("0,125", 0.125),
    ],
)
def test_a_point_and_a_comma_are_both_a_decimal_sign(text: str, number: float) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["", ".", "1.234,5", "1 000", "1'000", "1e3", "nan", "inf", "12px", "1" * 99])
def test_what_could_be_another_number_is_none(text: str) -> None:
    assert read_number(text) is None
    assert read_whole(text) is None


@pytest.mark.parametrize("text", ["7.5", "7,0", "1,000", "1.000"])
def test_a_whole_number_has_no_sign_that_could_separate_thousands(text: str) -> None:
    assert read_whole(text) is None


# in a field


@pytest.mark.parametrize(("text", "number"), [("7.5", 7.5), ("7,5", 7.5), ("-4,5", -4.5), ("1.234,5", 3.0), ("x", 3)])
def test_a_field_takes_the_number_in_every_locale_or_keeps_the_former_one(
    locale: str, qtbot: QtBot, text: str, number: float
) -> None:
    field = RealSpinBox()
    field.setRange(-100, 100)
    field.setKeyboardTracking(False)
    field.setValue(3)
    opened(qtbot, field)
    insert(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.value() == number
    assert read_number(field.text()) == number
    assert (text in field.toolTip()) == (number == 3.0)


@pytest.mark.parametrize(
    ("text", "number", "refused"),
    [
        ("12", 12, ""),
        ("12 px", 12, ""),
        ("7,5", 7, "7,5"),
        ("1,000", 7, "1,000"),
        ("5000", 1000, "5000"),
        ("0", 1, "0"),
    ],
)
def test_a_full_field_explains_refused_text(qtbot: QtBot, text: str, number: int, refused: str) -> None:
    field = WholeSpinBox()
    field.setRange(1, 1000)
    field.setSuffix(" px")
    field.setToolTip("its own tip")
    field.setValue(7)
    opened(qtbot, field)
    insert(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.value() == number
    assert refused in field.toolTip() if refused else field.toolTip() == "its own tip"
    QTest.keyClick(field, Qt.Key.Key_5)  # who types on has read it
    assert field.toolTip() == "its own tip"


# before a command


def numbers(panel: PromptPanel) -> dict[str, tuple[QWidget, str, str]]:
    return {
        "steps": (panel.steps.field, "5", "steps"),
        "guidance": (panel.guidance.field, "2", "guidance"),
        "seed": (panel.seed.field, "4242", "seed"),
        "batch": (panel.batch.field, "2", "batch"),
    }


@pytest.mark.parametrize("name", ["steps", "guidance", "seed", "batch"])
def test_a_command_by_key_uses_the_typed_text(window: MainWindow, parts: Parts, qtbot: QtBot, name: str) -> None:
    field, text, attribute = numbers(window.panel)[name]
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, CONTROL)
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return, CONTROL)
    job = parts.document.jobs.all[-1]
    until(qtbot, lambda: job.state.ended)
    request = job.request
    made = {"steps": request.steps, "guidance": request.guidance, "seed": request.seeds[0], "batch": len(request.seeds)}
    assert made[attribute] == float(text)


@pytest.mark.parametrize("name", ["steps", "guidance", "seed", "batch"])
def test_the_end_of_a_run_keeps_text_being_typed(window: MainWindow, parts: Parts, qtbot: QtBot, name: str) -> None:
    field, text, _ = numbers(window.panel)[name]
    job = parts.document.generate()
    assert job is not None
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, CONTROL)
    QTest.keyClicks(field, text)
    until(qtbot, lambda: job.state.ended)
    parts.document.draft.update(prompt="another")
    line = field if isinstance(field, QLineEdit) else field.findChild(QLineEdit)
    assert isinstance(line, QLineEdit)
    assert line.text() == text


def test_another_command_by_key_takes_it_too(panel: PromptPanel, document: Document) -> None:
    panel.steps.field.setFocus()
    QTest.keyClick(panel.steps.field, Qt.Key.Key_A, CONTROL)
    QTest.keyClicks(panel.steps.field, "41")
    panel.window().actions_["roll"].trigger()  # type: ignore[attr-defined]
    assert document.draft.current.steps == 41


def test_a_slider_and_its_field_stay_one_number(qtbot: QtBot) -> None:
    number = NumberField("Guidance", -100, 100, (0, 12), 0.5, 1)
    opened(qtbot, number)
    with qtbot.waitSignal(number.changed) as changed:
        number.field.setFocus()
        QTest.keyClick(number.field, Qt.Key.Key_A, CONTROL)
        QTest.keyClicks(number.field, "2,5")
        QTest.keyClick(number.field, Qt.Key.Key_Return)
    assert changed.args == [2.5]


# seeds from elsewhere


@pytest.mark.parametrize(("text", "seed"), [("777\n", 777), (" 123 ", 123), (str(MAX_SEED), MAX_SEED), ("+5", 5)])
def test_a_pasted_seed_is_taken(panel: PromptPanel, document: Document, text: str, seed: int) -> None:
    insert(panel.seed.field, text)
    QTest.keyClick(panel.seed.field, Qt.Key.Key_Return)
    assert document.draft.current.seed == seed
    assert panel.seed.field.text() == str(seed)


@pytest.mark.parametrize("text", [str(2**63), str(2**64 - 1), "-7", "7.5", "9" * 5000, "seed 7"])
def test_what_is_no_seed_changes_nothing_and_says_so(panel: PromptPanel, document: Document, text: str) -> None:
    document.draft.update(seed=55)
    insert(panel.seed.field, text)
    QTest.keyClick(panel.seed.field, Qt.Key.Key_Return)
    assert document.draft.current.seed == 55
    assert panel.seed.field.text() == "55"
    assert text[:40] in panel.seed.field.toolTip()


def test_minus_one_is_a_random_seed(panel: PromptPanel, document: Document) -> None:
    document.draft.update(seed=55)
    insert(panel.seed.field, "-1")
    QTest.keyClick(panel.seed.field, Qt.Key.Key_Return)
    seed = document.draft.current.seed
    assert seed != 55
    assert panel.seed.field.text() == str(seed)
    assert str(seed) in panel.seed.field.toolTip()


def test_an_empty_seed_is_the_former_one(panel: PromptPanel, document: Document) -> None:
    document.draft.update(seed=55)
    insert(panel.seed.field, "1")
    QTest.keyClick(panel.seed.field, Qt.Key.Key_Backspace)
    QTest.keyClick(panel.seed.field, Qt.Key.Key_Return)
    assert document.draft.current.seed == 55
    assert QApplication.focusWidget() is panel.seed.field
