"""No folded section acts and says nothing: its heading names every setting that changes the picture."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QSlider, QWidget
from pytestqt.qtbot import QtBot

from app.ui.request.prompt_panel import PromptPanel
from engine.spec.adapter import AdapterUse
from engine.spec.draft import Draft
from engine.spec.guides import Aim, ClassGuide, ClipGuide
from engine.spec.vae import VaeUse
from tests.app.conftest import Parts
from tests.app.windows import open_window

INK = AdapterUse(role="lora", name="ink", sha256="a" * 64, strength=0.7, text_strength=0.7)
CHANGES: dict[str, dict[str, Any]] = {
    "prompt": {"prompt": "a rocket"},
    "negative": {"negative": "green leaf"},
    "label": {"label": "noto"},
    "sampler": {"sampler": "heun"},
    "spacing": {"spacing": "log"},
    "steps": {"steps": 17},
    "guidance": {"guidance": 5.5},
    "seed": {"seed": 99},
    "batch": {"batch": 3},
    "options": {"options": (("eta", 0.4),)},
    "temperature": {"temperature": 0.8},
    "truncation": {"truncation": 1.5},
    "guidance_interval": {"guidance_interval": (0.4, 6.0)},
    "threshold": {"threshold": "static"},
    "quantile": {"threshold": "dynamic", "quantile": 0.9},
    "enlarge": {"enlarge": True},
    "level": {"enlarge": True, "level": 0.3},
    "truncated": {"enlarge": True, "truncated": True},
    "method": {"method": "img2img"},
    "strength": {"method": "img2img", "strength": 0.4},
    "jump": {"method": "repaint", "jump": 3},
    "resample": {"method": "repaint", "resample": 7},
    "guides": {"guides": (ClipGuide(clip="emoji", aims=(Aim("a cat"),)),)},
    "clip_skip": {"clip_skip": 2},
    "distilled": {"distilled": 3.5},
    "adapters": {"adapters": (INK,)},
    "off": {"adapters": (INK,), "off": ("a" * 64,)},
    "vae": {"vae": VaeUse(name="clear", sha256="b" * 64)},
    "precision": {"precision": "float16"},
}
ELSEWHERE = {
    "width": "fields that stand open",
    "height": "the same",
    "model": "the field at the top",
    "wildcards": "the lists that the prompt names",
}


def in_sight(panel: PromptPanel) -> list[Any]:
    """What a person reads on the panel, and which buttons are pressed."""
    QApplication.sendPostedEvents()  # new widgets are shown
    seen: list[Any] = []
    for widget in panel.findChildren(QWidget):
        if not widget.isVisible():
            continue
        if isinstance(widget, QLabel | QLineEdit):
            seen.append(widget.text())
        elif isinstance(widget, QPlainTextEdit):
            seen.append(widget.toPlainText())
        elif isinstance(widget, QPushButton):
            seen.append(
                (widget.accessibleName() or widget.text(), widget.isChecked())
            )  # words that are cut are in the tip
        elif isinstance(widget, QSlider):
            seen.append(widget.value())
        elif hasattr(widget, "currentText"):
            seen.append(widget.currentText())
        elif hasattr(widget, "isChecked"):
            seen.append(widget.isChecked())
    return seen


def test_every_setting_is_seen_while_all_sections_are_folded(parts: Parts, qtbot: QtBot) -> None:
    window, draft = open_window(qtbot, parts.document), parts.document.draft
    cascade = {"net": {"factor": 2}, "defaults": {"level": 0.1, "steps": 2, "sampler": "ddim", "spacing": "log",
               "sigma_max": 9.0, "sigma_min": 0.1}, "schedule": {"type": "flow"}}  # fmt: skip
    takes = draft.model.takes | {"adapters", "vae", "precision", "clip_skip", "distilled"}
    small = replace(draft.model, id="all", sha256="c" * 64, takes=takes)
    assert {f.name for f in fields(Draft)} == set(CHANGES) | set(ELSEWHERE), "a new setting needs a line here"
    for name, changes in CHANGES.items():
        info = replace(small, id="large", config=small.config | {"cascade": cascade}) if "enlarge" in changes else small
        draft.offer(info)
        draft.model = info
        plain = replace(Draft.for_model(info, seed=7, sampler="ddim"), enlarge=False)
        base = replace(plain, **{k: v for k, v in changes.items() if k != name})
        draft.current = base
        before = in_sight(window.panel)
        draft.current = replace(base, **changes)
        assert in_sight(window.panel) != before, f"“{name}” acts and nobody sees it"
    assert window.panel.advanced.opened is window.panel.without.opened is window.panel.steering.opened is False
    draft.current = replace(base, guides=(ClassGuide(classifier="k", label="long"),))
    assert "long" in window.panel.steering.button.text()
