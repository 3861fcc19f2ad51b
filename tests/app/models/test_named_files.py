"""What the prompt names: LoRAs by tags and embeddings by their words, found among the listed files."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.models.studio_models import StudioModels
from app.ui.models.page import ModelPage
from app.ui.request.text_field import TextField
from engine.jobs.load import CheckpointOpened, OpenCheckpoint
from tests.app.conftest import Parts
from tests.app.models.conftest import LORA, settle
from tests.app.windows import opened
from tests.fakes.checkpoints import SMALL, write_hollow


@pytest.fixture
def shelf(tmp_path: Path, qtbot: QtBot, parts: Parts, models: StudioModels) -> Path:
    """A folder with a checkpoint, which is chosen, a LoRA, and embeddings of two families."""
    root = tmp_path / "shelf"
    write_hollow(root / "dream.safetensors", SMALL)
    write_hollow(root / "water.safetensors", LORA)
    write_hollow(root / "quiet-night.safetensors", {"emb_params": (8, 768)})
    write_hollow(root / "grand.safetensors", {"clip_l": (2, 768), "clip_g": (2, 1280)})
    parts.fake.answers[OpenCheckpoint] = lambda job: [CheckpointOpened(job.model, 0, 0, 0, None, True)]
    models.library.set_by_hand(root / "dream.safetensors", {"family": "sd1"})
    models.library.add([root])
    settle(qtbot, models)
    assert models.choice.choose(str(root / "dream.safetensors"))
    qtbot.waitUntil(lambda: parts.document.can_generate)
    return root


class Watch:
    """Notes the files and folders that this thread opens or lists."""

    def __init__(self) -> None:
        self.seen: set[str] | None = None
        self.below = ""
        self.thread = threading.get_ident()
        sys.addaudithook(self._on_event)  # which cannot be taken off again

    def _on_event(self, event: str, args: tuple[object, ...]) -> None:
        if self.seen is None or event not in ("open", "os.scandir", "os.listdir"):
            return
        if threading.get_ident() == self.thread and str(args[0]).startswith(self.below):
            self.seen.add(str(args[0]))


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


def test_a_named_file_is_hashed_before_a_run_and_no_other_file_is(
    qtbot: QtBot, parts: Parts, models: StudioModels, shelf: Path, watch: Watch
) -> None:
    parts.document.draft.update(prompt="a quiet-night sky <lora:water:0.5:-1>")
    ((tag, file),) = models.named.loras
    assert (file.stem, tag.text_strength, tag.strength) == ("water", 0.5, -1)
    assert models.named.vectors == {"quiet-night": 8}
    qtbot.waitUntil(lambda: parts.document.can_generate)
    watch.below, watch.seen = str(shelf), set()
    job = parts.document.generate()
    seen, watch.seen = watch.seen, None
    assert job is not None
    assert seen == set(), "the window's thread reads no file of the user's folders"
    (use,), (lora,) = job.request.embeddings, job.request.adapters
    assert (use.name, lora.name, lora.text_strength) == ("quiet-night", "water", 0.5)
    assert job.request.prompt == "a quiet-night sky"
    hashed = {path.stem for path in models.library.files if models.library.hashes.known(path)}
    assert hashed == {"dream", "water", "quiet-night"}


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("x <lora:watr:1>", "no LoRA “watr” in your folders: the nearest names are water."),
        ("x <lora:zzz:1>", "put its file into one of your model folders."),
        ("grand hotel", "“grand” has vectors of 768 and 1280 numbers, and this model takes 768"),
        ("x <hypernet:old:1>", "“old” is a hypernetwork"),
    ],
)
def test_what_cannot_be_used_is_said_before_the_run(prompt: str, says: str, parts: Parts, shelf: Path) -> None:
    parts.document.draft.update(prompt=prompt)
    assert says in parts.document.why_not
    parts.document.draft.update(prompt="a sky")
    assert parts.document.can_generate


def test_the_page_adds_an_embedding_to_the_prompt(
    qtbot: QtBot, parts: Parts, models: StudioModels, shelf: Path
) -> None:
    field = TextField("Prompt", "", 3)
    qtbot.addWidget(field)
    field.edited.connect(lambda text: parts.document.draft.update(prompt=text))
    for text, at, after in (
        ("", 0, "quiet-night"),
        ("a sky", 0, "a sky, quiet-night"),
        ("a sky,", 6, "a sky, quiet-night"),
        ("a (sky)", 3, "a (quiet-night sky)"),
        ("🌙 moon, sky", 7, "🌙 moon quiet-night, sky"),
    ):
        field.show_text(text)
        cursor = field.textCursor()
        cursor.setPosition(at)
        field.setTextCursor(cursor)
        field.insert_word("quiet-night")
        assert parts.document.draft.current.prompt == after
    page = ModelPage(models, field.insert_word)
    opened(qtbot, page, 900, 600)
    field.show_text("a sky")
    page.show_model(shelf / "quiet-night.safetensors")
    assert page.details.use.text() == "Add to the prompt"
    QTest.mouseClick(page.details.use, Qt.MouseButton.LeftButton)
    assert parts.document.draft.current.prompt == "a sky, quiet-night"
    assert not page.isVisible()
