"""The panel: the request has the chosen values, to the last digit."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.jobs.queue import JobState
from app.ui.request.advanced import USUAL_INTERVAL
from app.ui.request.model_calls import COUNTED
from app.ui.request.prompt_panel import PromptPanel
from app.ui.widgets.combo_box import ABOUT
from app.ui.window.main_window import MainWindow
from engine.jobs.suggest import Suggest, Suggested
from engine.rules import RULES
from engine.spec.catalog import ModelInfo
from engine.spec.cost import passes
from engine.spec.draft import Draft, resolve
from tests.app.conftest import Parts
from tests.app.windows import PATIENCE, colours, finish, open_window, painted, until, wheel
from tests.fakes.engine import FakeEngine

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, parts.document)


@pytest.fixture
def panel(window: MainWindow) -> PromptPanel:
    return window.panel


def type_into(field: QWidget, text: str) -> None:
    """Replace what `field` holds, as a person does."""
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, CONTROL)
    QTest.keyClicks(field, text)


def press_enter(field: QWidget) -> None:
    QTest.keyClick(field, Qt.Key.Key_Return)


# from the panel to the engine


def test_every_choice_on_the_panel_is_in_the_request(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    panel = window.panel
    type_into(panel.prompt.text, "blue heart")
    panel.without.button.click()
    type_into(panel.negative, "apple")
    panel.labels.chips["twemoji"].click()
    panel.sampler.choice.setFocus()
    QTest.keyClicks(panel.sampler.choice, "heun")
    press_enter(panel.sampler.choice)
    for number, text in ((panel.steps, "7"), (panel.guidance, "2.5"), (panel.batch, "2")):
        type_into(number.field, text)
        press_enter(number.field)
    type_into(panel.seed.field, "9223372036854775806")
    press_enter(panel.seed.field)
    panel.advanced.button.click()
    panel.further.spacing.choice.setFocus()
    QTest.keyClicks(panel.further.spacing.choice, "karras")
    press_enter(panel.further.spacing.choice)
    panel.further.interval.switch.click()
    for field, text in ((panel.further.interval.low, "0.25"), (panel.further.interval.high, "7.5")):
        type_into(field, text)
        press_enter(field)
    panel.further.threshold.choice.setFocus()
    QTest.keyClicks(panel.further.threshold.choice, "dyn")
    press_enter(panel.further.threshold.choice)
    for number, text in ((panel.further.threshold.quantile, "0.97"), (panel.further.start.temperature, "0.85")):
        type_into(number.field, text)
        press_enter(number.field)
    QTest.keyClick(panel.prompt.text, Qt.Key.Key_Return, CONTROL)
    until(qtbot, lambda: len(parts.fake.requests) == 1)
    asked = Draft(
        model="fake",
        prompt="blue heart",
        negative="apple",
        label="twemoji",
        sampler="heun",
        spacing="karras",
        steps=7,
        guidance=2.5,
        seed=9223372036854775806,
        batch=2,
        guidance_interval=(0.25, 7.5),
        threshold="dynamic",
        quantile=0.97,
        temperature=0.85,
    )
    assert parts.fake.requests == [resolve(asked, parts.document.draft.model)]


def test_sliders_set_what_the_fields_show(panel: PromptPanel, parts: Parts) -> None:
    for number, read in ((panel.steps, lambda d: d.steps), (panel.guidance, lambda d: d.guidance)):
        slider = number.slider
        for share in (0.0, 0.5, 1.0):
            QTest.mouseClick(slider, LEFT, pos=QPoint(round(share * (slider.width() - 1)), slider.height() // 2))
            assert read(parts.document.draft.current) == pytest.approx(number.field.value())
        assert number.slider.value() == number.slider.maximum()
    panel.steps.slider.setFocus()
    QTest.keyClick(panel.steps.slider, Qt.Key.Key_Left)
    assert parts.document.draft.current.steps == 59


def test_a_field_takes_more_than_its_slider(panel: PromptPanel, parts: Parts) -> None:
    type_into(panel.steps.field, "400")
    press_enter(panel.steps.field)
    assert parts.document.draft.current.steps == 400
    assert panel.steps.slider.value() == panel.steps.slider.maximum()
    type_into(panel.guidance.field, "-3")
    press_enter(panel.guidance.field)
    assert parts.document.draft.current.guidance == -3


def test_what_the_document_says_is_shown_without_an_echo(panel: PromptPanel, document: Document) -> None:
    told: list[None] = []
    document.draft.changed.connect(lambda: told.append(None))
    document.draft.update(
        prompt="rocket", negative="blue", label="noto", steps=33, guidance=1.5, batch=4, seed=12, sampler="heun"
    )
    assert len(told) == 1
    assert panel.prompt.text.toPlainText() == "rocket"
    assert panel.negative.toPlainText() == "blue"
    assert "blue" in panel.without.button.text()
    assert panel.labels.chips["noto"].isChecked()
    assert (panel.steps.field.value(), panel.guidance.field.value(), panel.batch.field.value()) == (33, 1.5, 4)
    assert panel.seed.field.text() == "12"
    assert panel.sampler.choice.currentData() == "heun"


def test_the_guidance_interval_is_off_at_first(panel: PromptPanel, document: Document) -> None:
    panel.advanced.open()
    interval = panel.further.interval
    assert document.draft.current.guidance_interval is None
    assert not interval.low.isVisible()
    QTest.mouseClick(interval.switch, LEFT, pos=QPoint(8, interval.switch.height() // 2))
    assert document.draft.current.guidance_interval == USUAL_INTERVAL
    assert interval.low.isVisible()
    QTest.keyClick(interval.switch, Qt.Key.Key_Space)
    assert document.draft.current.guidance_interval is None


def test_an_interval_cannot_be_turned_inside_out(panel: PromptPanel, document: Document) -> None:
    panel.advanced.open()
    document.draft.update(guidance_interval=(0.5, 2.0))
    interval = panel.further.interval
    type_into(interval.low, "3")
    press_enter(interval.low)
    assert document.draft.current.guidance_interval == (3.0, 3.0)
    type_into(interval.high, "1")
    press_enter(interval.high)
    assert document.draft.current.guidance_interval == (1.0, 1.0)


def test_the_quantile_is_there_for_a_dynamic_threshold_alone(panel: PromptPanel, document: Document) -> None:
    panel.advanced.open()
    threshold = panel.further.threshold
    for name, there in (("none", False), ("static", False), ("dynamic", True)):
        document.draft.update(threshold=name)
        assert threshold.choice.currentData() == name
        assert threshold.quantile.isVisible() == there


def test_no_threshold_is_offered_for_latents(panel: PromptPanel, document: Document, model: ModelInfo) -> None:
    panel.advanced.open()
    assert panel.further.threshold.isVisible()
    document.draft.update(threshold="static")
    latent = replace(model, id="latent", sha256="a" * 64, config=model.config | {"codec": {"type": "linear"}})
    document.draft.model = latent
    assert not panel.further.threshold.isVisible()
    assert document.draft.current.threshold == "none"
    assert resolve(document.draft.current, latent).threshold == "none"


def test_advanced_settings_are_restored_from_a_picture(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    further, document = window.panel.further, parts.document
    window.panel.advanced.open()
    finish(qtbot, document, guidance_interval=(0.4, 6.0), threshold="dynamic", quantile=0.95, temperature=1.3)
    document.draft.update(guidance_interval=None, threshold="none", quantile=0.995, temperature=1.0)
    assert not further.interval.switch.isChecked()
    window.actions_["restore"].trigger()
    assert further.interval.switch.isChecked()
    assert (further.interval.low.value(), further.interval.high.value()) == (0.4, 6.0)
    assert further.threshold.choice.currentData() == "dynamic"
    assert further.threshold.quantile.field.value() == pytest.approx(0.95)
    assert further.start.temperature.field.value() == pytest.approx(1.3)


def test_a_sampler_known_by_another_name_is_shown_under_its_first(panel: PromptPanel, document: Document) -> None:
    document.draft.update(sampler="euler-a")
    assert panel.sampler.choice.currentData() == "ddpm"


def test_a_sampler_brings_its_own_numbers(panel: PromptPanel, document: Document) -> None:
    panel.advanced.open()
    document.draft.update(sampler="dpmpp-2m")
    assert not panel.further.options.isVisible()
    document.draft.update(sampler="ddim")
    eta = panel.further.options.fields["eta"]
    assert eta.isVisible()
    type_into(eta.field, "0.4")
    press_enter(eta.field)
    assert resolve(document.draft.current, document.draft.model).options == (("eta", 0.4),)
    type_into(eta.field, "0")
    press_enter(eta.field)
    assert document.draft.current.options == ()  # its default is nothing to speak of
    document.draft.update(options=(("eta", 0.7),))
    assert eta.field.value() == pytest.approx(0.7)
    panel.sampler.choice.setFocus()
    QTest.keyClicks(panel.sampler.choice, "heun")
    press_enter(panel.sampler.choice)
    assert document.draft.current.options == ()
    assert set(panel.further.options.fields) == {option.name for option in RULES["heun"].options}


def test_every_sampler_has_an_entry_a_line_and_fields_within_its_limits(panel: PromptPanel, document: Document) -> None:
    for sampler, rule in RULES.items():
        document.draft.update(sampler=sampler, options=())
        assert panel.sampler.choice.currentText() == rule.title
        assert panel.sampler.about.text() == rule.about
        for option in rule.options:
            field = panel.further.options.fields[option.name].field
            assert field.minimum() == pytest.approx(option.low, abs=1e-3)
            assert field.maximum() == pytest.approx(option.high, abs=1e-3)
            assert field.value() == pytest.approx(option.default)


def test_the_price_is_given_in_model_calls(panel: PromptPanel, document: Document) -> None:
    document.draft.update(sampler="ddim", steps=10, guidance=3.0)
    assert panel.sampler.price.text() == "20 model calls (10 × 2 for guidance)"
    document.draft.update(guidance=1.0)
    assert panel.sampler.price.text() == "10 model calls"
    document.draft.update(sampler="heun")
    assert panel.sampler.price.text() == "19 model calls"
    document.draft.update(sampler="ddim", guidance=3.0, guidance_interval=(0.3, 5.0))
    within = sum(0.3 <= s <= 5.0 for s in resolve(document.draft.current, document.draft.model).sigmas)
    assert panel.sampler.price.text() == f"{10 + within} model calls ({within} of 10 steps guided)"
    assert panel.sampler.price.toolTip() == COUNTED


def test_the_list_shows_the_cost_of_each_sampler(panel: PromptPanel, document: Document, qtbot: QtBot) -> None:
    choice = panel.sampler.choice
    for steps, guidance in ((10, 3.0), (7, 1.0)):
        document.draft.update(steps=steps, guidance=guidance)
        QTest.mouseClick(choice, LEFT)
        until(qtbot, choice.view().isVisible)
        for row in range(choice.count()):
            name = choice.itemData(row)
            request = resolve(replace(document.draft.current, sampler=name, options=()), document.draft.model)
            said = choice.itemData(row, ABOUT)
            assert said.startswith(RULES[name].about.rstrip("."))
            assert said.endswith(f"· {sum(passes(request))} model calls")
        choice.hidePopup()


def test_the_dice_rolls_and_the_lock_keeps(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    dice, lock = (
        next(b for b in window.panel.seed.children() if isinstance(b, QWidget) and b.accessibleName() == name)
        for name in ("Another seed", "Keep the seed")
    )
    before = document.draft.current.seed
    QTest.mouseClick(dice, LEFT)
    assert document.draft.current.seed != before
    QTest.mouseClick(lock, LEFT)
    assert document.draft.seed_locked
    kept = document.draft.current.seed
    finish(qtbot, document)
    assert document.draft.current.seed == kept
    QTest.mouseClick(lock, LEFT)
    finish(qtbot, document)
    assert document.draft.current.seed != kept


def test_the_wheel_over_a_field_without_the_focus_changes_nothing(panel: PromptPanel, document: Document) -> None:
    panel.prompt.text.setFocus()
    before = document.draft.current
    for field in (panel.steps.field, panel.steps.slider, panel.sampler.choice, panel.guidance.field):
        wheel(field, QPointF(5, 5))
    assert document.draft.current == before
    panel.steps.field.setFocus()
    wheel(panel.steps.field, QPointF(5, 5))
    assert document.draft.current.steps == before.steps + 1


# generating


def test_ctrl_enter_generates_from_the_prompt_without_a_new_line(
    window: MainWindow, parts: Parts, qtbot: QtBot
) -> None:
    text = window.panel.prompt.text
    text.setFocus()
    QTest.keyClick(text, Qt.Key.Key_Return, CONTROL)
    until(qtbot, lambda: parts.document.shown.run is not None)
    assert text.toPlainText() == "red apple"


def test_cancel_stands_beside_generate_while_a_run_goes_on(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    bar, document = window.panel.generate, hand_parts.document
    assert not bar.cancel.isVisible()
    QTest.mouseClick(bar.button, LEFT)
    assert (bar.button.text(), bar.cancel.text(), bar.cancel.isVisible()) == ("Generate", "Cancel", True)
    hand_parts.fake.allow(2)
    until(qtbot, lambda: document.shown.step_count >= 1)
    QTest.mouseClick(bar.button, LEFT)  # one more
    assert "1 waiting" in bar.progress.text()
    QTest.mouseClick(bar.cancel, LEFT)
    first, second = document.jobs.all
    until(qtbot, lambda: first.state is JobState.CANCELLED and document.jobs.running is second)
    assert document.shown.step_count == 2  # what was reached is kept
    document.jobs.paused = True
    until(qtbot, lambda: document.jobs.running is None)
    assert bar.cancel.text() == "Resume"
    QTest.mouseClick(bar.cancel, LEFT)
    assert document.jobs.running is second
    document.jobs.cancel()
    until(qtbot, lambda: not bar.cancel.isVisible())


def test_escape_cancels(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    job = hand_parts.document.generate()
    assert job is not None
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_Escape)
    until(qtbot, lambda: job.state.ended)
    assert job.state is JobState.CANCELLED


def test_while_one_runs_ctrl_enter_queues_another(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    text = window.panel.prompt.text
    for _ in range(3):
        QTest.keyClick(text, Qt.Key.Key_Return, CONTROL)
    assert len(hand_parts.document.jobs.all) == 3
    assert "2 waiting" in window.panel.generate.progress.text()
    hand_parts.document.jobs.cancel_all()
    until(qtbot, lambda: all(job.state.ended for job in hand_parts.document.jobs.all))


def test_generate_explains_itself_until_the_engine_is_ready(make_parts: Callable[..., Parts], qtbot: QtBot) -> None:
    parts = make_parts(FakeEngine(), ready=False)
    window = open_window(qtbot, parts.document)
    bar = window.panel.generate
    assert not bar.button.isEnabled()
    assert "loading" in bar.note.text()
    assert "loading" in bar.button.accessibleDescription()
    assert "loading" in window.actions_["generate"].toolTip()
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_Return, CONTROL)
    assert parts.document.jobs.all == []
    with qtbot.waitSignal(parts.document.jobs.engine_changed, timeout=PATIENCE):
        parts.engine.start(parts.document.draft.model)
    assert bar.button.isEnabled()
    assert bar.note.text() == "Ctrl+Return"


def test_an_engine_that_cannot_start_says_why(make_parts: Callable[..., Parts], qtbot: QtBot) -> None:
    fake = FakeEngine()
    fake.open_error = RuntimeError("no such device")
    parts = make_parts(fake)
    window = open_window(qtbot, parts.document)
    assert not window.panel.generate.button.isEnabled()
    assert window.panel.generate.note.text() == parts.document.why_not != ""


def test_the_time_is_shown_after_the_first_measurement(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    assert window.panel.generate.note.text() == "Ctrl+Return"
    finish(qtbot, parts.document)
    assert window.panel.generate.note.text() == f"Takes {parts.document.draft.price_text}   Ctrl+Return"


# words


NAMES = {"aple": ("apple",), "skyscraper": ("office building", "house"), "portrait": ()}


@pytest.fixture
def suggesting(parts: Parts, panel: PromptPanel) -> PromptPanel:
    """The panel of a studio whose engine finds NAMES."""
    parts.fake.answers[Suggest] = lambda job: [Suggested(word, NAMES.get(word, ())) for word in job.words]
    return panel


def marked(panel: PromptPanel) -> list[tuple[int, int]]:
    """Start and length of the words with a wave."""
    formats = panel.prompt.text.document().firstBlock().layout().formats()
    return [(f.start, f.length) for f in formats if f.format.underlineColor().isValid()]


def test_a_word_is_looked_up_when_it_has_ended(suggesting: PromptPanel, parts: Parts, qtbot: QtBot) -> None:
    """With a space, a comma, or when the field is left; and nothing below the prompt moves by a pixel."""
    panel, text = suggesting, suggesting.prompt.text
    type_into(text, "")
    below = panel.sampler.mapTo(panel, QPoint())
    for letter in "portrait":
        QTest.keyClicks(text, letter)
        assert (panel.prompt.hint.word, marked(panel)) == ("", [])
    QTest.keyClicks(text, ",")
    assert (panel.prompt.hint.word, marked(panel)) == ("portrait", [(0, 8)])
    QTest.keyClicks(text, " skyscraper")
    assert panel.prompt.hint.word == "portrait"
    panel.steps.field.setFocus()
    assert (panel.prompt.hint.word, marked(panel)) == ("skyscraper", [(0, 8), (10, 10)])
    until(qtbot, lambda: panel.prompt.hint.names)
    assert panel.prompt.hint.names[0] == "office building"
    assert panel.sampler.mapTo(panel, QPoint()) == below
    assert {word for job in parts.fake.others if isinstance(job, Suggest) for word in job.words} == {
        "portrait",
        "skyscraper",
    }


def test_a_word_without_a_name_near_it_gets_none(suggesting: PromptPanel, parts: Parts, qtbot: QtBot) -> None:
    type_into(suggesting.prompt.text, "portrait, ")
    until(qtbot, lambda: parts.fake.others)
    until(qtbot, lambda: parts.document.suggestions.idle)
    assert suggesting.prompt.hint.text.text() == "The model does not know “portrait”"
    assert suggesting.prompt.hint.names == ()


def test_a_long_text_costs_one_question(suggesting: PromptPanel, document: Document, parts: Parts) -> None:
    panel = suggesting
    QGuiApplication.clipboard().setText(" ".join(f"q{k}zq" for k in range(500)))
    panel.prompt.text.setFocus()
    QTest.keyClick(panel.prompt.text, Qt.Key.Key_A, CONTROL)
    QTest.keyClick(panel.prompt.text, Qt.Key.Key_V, CONTROL)
    assert document.draft.current.prompt.startswith("q0zq q1zq")
    assert len(marked(panel)) == 499, "the last one may go on"
    assert panel.prompt.hint.text.text() == "The model does not know “q498zq” and 498 more"


@pytest.mark.parametrize("length", [4010, 15_000, 400_000])
def test_a_longer_text_is_cut_with_a_sentence(panel: PromptPanel, document: Document, length: int) -> None:
    for field, name in ((panel.prompt.text, "prompt"), (panel.negative, "negative")):
        panel.without.open()
        field.setFocus()
        QGuiApplication.clipboard().setText("red apple " * (length // 10))
        QTest.keyClick(field, Qt.Key.Key_A, CONTROL)
        QTest.keyClick(field, Qt.Key.Key_V, CONTROL)
        assert getattr(document.draft.current, name) == ("red apple " * 400)
        assert field.toPlainText() == "red apple " * 400
        assert f"the last {length - 4000} were left out" in field.toolTip()
        QTest.keyClicks(field, "x")
        assert field.toPlainText() == "red apple " * 400
        assert "the last 1 were left out" in field.toolTip()
        QTest.keyClick(field, Qt.Key.Key_Backspace)
        assert field.toolTip() == ""
    assert document.why_not == ""


def test_a_click_on_a_name_replaces_the_word_wherever_it_stands(
    suggesting: PromptPanel, document: Document, qtbot: QtBot
) -> None:
    panel = suggesting
    type_into(panel.prompt.text, "aple red aple ")
    until(qtbot, lambda: panel.prompt.hint.names == ("apple",))
    link = panel.prompt.hint.links[0]
    assert link.accessibleName() == "Replace aple by apple"
    QTest.mouseClick(link, LEFT)
    assert document.draft.current.prompt == "apple red apple "
    assert panel.prompt.text.toPlainText() == "apple red apple "
    assert panel.prompt.hint.word == ""
    assert panel.prompt.text.hasFocus()


# models


def test_another_model_brings_its_own_panel(make_parts: Callable[..., Parts], qtbot: QtBot) -> None:
    parts = make_parts(FakeEngine())
    window = open_window(qtbot, parts.document)
    panel, document = window.panel, parts.document
    panel.model.setFocus()
    QTest.keyClick(panel.model, Qt.Key.Key_O)  # opens the list, which gets the keys from now on
    QTest.keyClicks(panel.model.popup.search, "ther")
    press_enter(panel.model.popup.search)
    assert document.draft.model.id == "other"
    assert document.draft.current.model == "other"
    type_into(panel.prompt.text, "aple ")
    assert not panel.prompt.hint.isVisible()  # this model lists no words


def test_many_labels_are_a_list_and_none_are_nothing(
    make_parts: Callable[..., Parts], model: ModelInfo, qtbot: QtBot
) -> None:
    parts = make_parts(FakeEngine())
    classes = replace(model, id="many", labels=tuple(f"kind-{k}" for k in range(20)), label_kind="class")
    classes = replace(classes, takes=frozenset({"label"}))
    window = open_window(qtbot, parts.document)
    panel, document = window.panel, parts.document
    document.draft.model = classes
    assert panel.label_heading.text() == "Class"
    assert panel.labels.choice is not None
    assert panel.labels.choice.count() == 21
    panel.labels.choice.setFocus()
    QTest.keyClicks(panel.labels.choice, "kind-7")
    press_enter(panel.labels.choice)
    assert document.draft.current.label == "kind-7"
    assert not panel.prompt.isVisible()
    document.draft.model = replace(model, id="none", labels=())
    assert not panel.labels.isVisible()
    assert not panel.label_heading.isVisible()


def test_a_label_with_a_picture_shows_it(model: ModelInfo, make_parts: Callable[..., Parts], qtbot: QtBot) -> None:
    picture = QImage(32, 32, QImage.Format.Format_RGB32)
    picture.fill(QColor("#c02010"))
    (model.folder / "labels").mkdir()
    picture.save(str(model.folder / "labels" / "noto.png"))
    window = open_window(qtbot, make_parts(FakeEngine()).document)
    chips = window.panel.labels.chips
    assert not chips["noto"].icon().isNull()
    assert chips["twemoji"].icon().isNull()
    assert "#c02010" in colours(painted(chips["noto"]))


def test_tab_goes_through_the_panel_from_top_to_bottom(panel: PromptPanel) -> None:
    panel.prompt.text.setFocus()
    tops = []
    for _ in range(30):
        focused = QApplication.focusWidget()
        assert focused is not None
        if not panel.isAncestorOf(focused):
            break
        tops.append(focused.mapTo(panel, QPoint()).y())
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert len(tops) >= 12
    assert all(later >= earlier - 8 for earlier, later in itertools.pairwise(tops))
