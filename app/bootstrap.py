"""The composition root: the one place where the studio's parts are made and joined."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QImageReader
from PySide6.QtWidgets import QApplication

from app import settings as kept
from app.bridge.client import EngineClient
from app.bridge.worker import Performer, open_lab, open_session
from app.core.collector import Collector
from app.core.document import Document
from app.core.files.autosave import Autosave
from app.core.files.autosave_candidates import AutosaveCandidates
from app.core.files.folders import NAME, Folders
from app.core.history.history import History
from app.core.history.scanner import Place
from app.core.jobs.queue import JobQueue
from app.core.jobs.queue_keeper import QueueKeeper
from app.core.jobs.unfinished import Unfinished
from app.core.lab.lab_model import Lab
from app.core.models.choice import is_checkpoint, last_checkpoint
from app.core.models.preview_decoder import PreviewDecoder
from app.core.models.studio_models import StudioModels
from app.core.notices import Notice
from app.core.request.calibration import Calibration
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from app.crash import CrashReporter
from app.settings import Settings, Values, declarations
from app.signals import Signals
from engine.devices import Computing
from engine.files import sweep
from engine.spec.catalog import ModelInfo
from engine.spec.picture_text import NO_TEXT, PictureText

if TYPE_CHECKING:
    from app.ui.window.main_window import MainWindow

SETTINGS = "settings.json"  # in the folder of settings
IMAGE_MIB = 2048  # Qt's own limit of 256 MiB would load large pictures as nothing


def make_application(argv: Sequence[str]) -> QApplication:
    """The QApplication with the studio's identity and limits."""
    app = QApplication(list(argv))
    app.setApplicationName("tweedie-studio")
    app.setApplicationDisplayName(NAME)
    app.setDesktopFileName("tweedie-studio")
    QImageReader.setAllocationLimit(IMAGE_MIB)
    return app


def set_scale(settings: Path, environ: MutableMapping[str, str]) -> None:
    """Let Qt draw the window as large as the settings file says: call it before the application is made.

    A factor that the user's environment has is left as it is.
    """
    scale = kept.peek(settings).scale
    if scale != declarations(Values)["scale"].default:
        environ.setdefault("QT_SCALE_FACTOR", f"{scale / 100:g}")


class Studio(QObject):
    """All the parts of one running studio. show() opens it; close() ends it in order, more than once does no harm."""

    def __init__(
        self,
        models: Sequence[ModelInfo],
        folders: Folders,
        session: Callable[[], Performer] | None = None,
        reporter: CrashReporter | None = None,
        parent: QObject | None = None,
        *,
        files: Sequence[str] = (),
    ) -> None:
        """`files` are opened once the window is there."""
        super().__init__(parent)
        from app.ui.window.main_window import MainWindow

        path = folders.config / SETTINGS
        values, complaint = kept.load(path)
        self.settings = Settings(path, values, self)
        self.engine = EngineClient(session or partial(open_session, computing_of(values)), self)
        chosen = folders.chosen(values.pictures_folder, values.runs_folder)
        self.library = RunLibrary(chosen.runs, chosen.pictures)
        prices = Prices(folders.runs.parent / "call-times.json", next(iter(models), None), self)
        self.jobs = JobQueue(self.engine, prices, self)
        last, trouble = last_checkpoint(values.model, values.model_path, folders.config)
        self.document = Document(
            [*models, *last],
            self.engine,
            self.jobs,
            self.library,
            prices,
            draft=values.drafts.get(values.model),
            parent=self,
        )
        self.document.draft.remember(values.drafts)
        self.document.draft.seed_locked = values.seed_locked
        # The lab has a thread of its own, so that chains may walk while a picture is made.
        lab_engine = EngineClient(open_lab, self, on_demand=True, name="lab")
        self.lab = Lab(lab_engine, self)
        self.lab.closed.connect(lab_engine.close)
        self.models = StudioModels(folders.config, self.document.draft, self.document.jobs, self)
        self.models.named.changed.connect(lambda: self.document.tokens.set_learned(self.models.named.vectors))
        self.document.sharpener.decoder = PreviewDecoder(
            lambda: self.settings.values.preview_decoder, self.models.library, self.document.draft
        )
        self.document.picture_likelihood.costs.keep_in(folders.runs.parent / "solve-calls.json")
        self.document.prompts.keep_in(folders.config / "prompts.json")
        self._calibration = Calibration(self.document.draft, prices, self.engine, self)
        QueueKeeper(self.jobs, folders.runs, self)
        self._unfinished = Unfinished(self.library, self.document.jobs, self.engine, self)
        self._unfinished.notice_raised.connect(self.document.notice_raised)
        results = AutosaveCandidates(self.document.editing, self.library.root, self)
        self.autosave = Autosave(self.document.artwork, folders.artwork, self, results)
        chosen_place = Place(folders.history, chosen.pictures, chosen.runs)
        self.history = History(chosen_place, self.document.jobs, self)
        self.history.folders = map(Path, values.history_folders)
        self.history.folders_changed.connect(self._remember_folders)
        self.window: MainWindow = MainWindow(
            self.document, self.lab, self.settings, self.autosave, self.models, self.history, folders=folders
        )
        self._closed, self._files = False, list(files)
        self._signals = Signals(self)
        self._signals.received.connect(self._close_window)
        self._collector = Collector(self)
        self._first_paint = FirstPaint(self.window, self._start_engine, self)
        self.document.draft.changed.connect(self._remember)
        self.settings.changed.connect(partial(self._follow, folders))
        self._follow(folders, set())
        self.document.jobs.engine_changed.connect(self._collector.settle)
        self.settings.save_failed.connect(self._complain)
        self.document.presets.keep_in(folders.config / "presets")  # now that a complaint is seen
        for sentence in filter(None, (complaint, trouble)):
            self._complain(sentence)
        if reporter:
            reporter.caught.connect(self._complain)
            if reporter.earlier:
                self._complain(f"The studio ended badly the last time: the report is {reporter.earlier}.")

    def show(self) -> None:
        """Show the window; the engine, which takes seconds to load, begins once the window is painted."""
        self._collector.start()
        self._signals.install()
        self.window.show()

    def raise_window(self, files: Sequence[str] = ()) -> None:
        """Bring the window to the front, and open `files` in it."""
        self.window.raise_window()
        self.window.take_files(files)

    def close(self) -> None:
        """Cancel, wait for the engine (at most one model call), save the settings."""
        if self._closed:
            return
        self._closed = True
        self._first_paint.stop()
        self._unfinished.stop()
        self._calibration.stop()
        self.models.close()
        self.window.sheets.close()
        self.document.tokens.close()
        self.window.files.close()
        self.window.films.close()
        self.document.morph.close()
        self.document.guidance.close()
        self.autosave.close()
        self.window.history_commands.close()
        self.history.close()
        self.document.jobs.cancel_all(closing=True)
        self.lab.close()
        self.engine.close()
        self.document.shown.close()
        self.settings.flush()
        self._collector.stop()
        self._signals.uninstall()

    def _close_window(self) -> None:
        """A signal closes the window as a person would; once it is closing, the next one ends the event loop."""
        if self.window.closing:
            QApplication.exit()
        else:
            self.window.close()

    def _start_engine(self) -> None:
        model = self.document.draft.model
        self.engine.start(None if is_checkpoint(model) else model)  # a large model is loaded by its first run
        self.document.tokens.start()
        self.models.start()
        self.window.sheets.check_storage()
        self.autosave.restore()
        self.window.take_files(self._files)
        sweep(self.library.pictures)

    def _remember(self) -> None:
        draft = self.document.draft
        path = str(draft.model.folder) if is_checkpoint(draft.model) else ""
        self.settings.update(
            drafts=draft.by_model, model=draft.model.id, model_path=path, seed_locked=draft.seed_locked
        )

    def _follow(self, usual: Folders, _names: set[str]) -> None:
        """Use the settings that act at once, outside of the window."""
        values = self.settings.values
        self.document.draft.seed_locked = values.seed_locked
        self.engine.set_preview_share(values.preview_share / 100)
        self.library.pictures = usual.chosen(values.pictures_folder, "").pictures
        text = PictureText(values.written_prompt, values.written_settings, values.written_model)
        self.library.text, self.library.exports = text, NO_TEXT if values.bare_exports else text

    def _remember_folders(self) -> None:
        self.settings.update(history_folders=[str(folder) for folder in self.history.folders])

    def _complain(self, sentence: str) -> None:
        self.document.notice_raised.emit(Notice("error", sentence))


def computing_of(values: Values) -> Computing:
    """The device, the threads and the free memory that the settings say."""
    device = None if values.device == "auto" else values.device
    return Computing(device, values.threads, round(values.headroom * 2**30))


class FirstPaint(QObject):
    """Calls `then` once, after `window` was painted for the first time."""

    def __init__(self, window: QObject, then: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._window = window
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(then)
        window.installEventFilter(self)

    def stop(self) -> None:
        self._timer.stop()
        self._window.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            self._timer.start()
        return False
