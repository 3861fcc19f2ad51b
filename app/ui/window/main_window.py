"""The main window: makes the widgets, joins them, and carries out the actions of the window itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QMimeData, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices, QGuiApplication, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow

from app.core.document import Document
from app.core.files.autosave import Autosave
from app.core.files.folders import Folders
from app.core.history.history import History
from app.core.jobs.queue import QueuedJob
from app.core.jobs.queue_selection import QueueSelection
from app.core.lab.lab_model import Lab
from app.core.models.dropped import models_in
from app.core.models.studio_models import StudioModels
from app.core.morph.film_export import Filming
from app.core.notices import Notice
from app.core.shown.naming import title_of
from app.core.shown.timeline import StepTimeline
from app.settings import Settings
from app.ui.actions.action_set import ActionSet
from app.ui.actions.bindings import Bindings
from app.ui.canvas.canvas_area import CanvasArea
from app.ui.canvas.tools import toolset
from app.ui.canvas.view import CanvasView
from app.ui.files.dialogs import Files
from app.ui.files.drop import DropTarget
from app.ui.files.file_dialog import LastFolders
from app.ui.files.paste_keys import PasteKeys
from app.ui.flow.panel import LikelihoodPanel
from app.ui.flow.surprise_overlay import SurpriseOverlay
from app.ui.guidance.sweep_sheet import SweepSheet
from app.ui.history.commands import HistoryCommands
from app.ui.lab.page import LabPage
from app.ui.look.theme import Appearance
from app.ui.models.page import ModelPage
from app.ui.morph.film_files import Films
from app.ui.morph.page import MorphPage
from app.ui.queue.panel import QueuePanel
from app.ui.request.panel_undo import PanelUndo
from app.ui.request.prompt_helpers import PromptHelpers
from app.ui.shown.page import PicturesPage
from app.ui.shown.recent_pictures import Recent
from app.ui.window.docks import Docks
from app.ui.window.follow_settings import SettingsFollower
from app.ui.window.page import Page
from app.ui.window.page_stack import PageStack, make_pages
from app.ui.window.page_table import LAB, MORPH, PICTURES, TITLES
from app.ui.window.pages import Pages
from app.ui.window.sheets import Sheets
from app.ui.window.status_bar import StatusBar
from app.ui.window.top_bar import TopBar


class MainWindow(QMainWindow):
    """Everything that is shown comes from the document, the lab and the morph; the window keeps nothing of its own."""

    def __init__(
        self,
        document: Document,
        lab: Lab,
        settings: Settings,
        autosave: Autosave,
        models: StudioModels,
        history: History,
        look: Appearance | None = None,
        folders: Folders | None = None,
    ) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        look = look or Appearance(app, settings.values.theme)  # before any widget: see with_marks
        super().__init__()
        self.document, self.lab, self.settings, self.autosave = document, lab, settings, autosave
        self.models, self.history = models, history
        self.closing = False
        """Whether it is closing; it may still wait for files being written."""
        self.picture_likelihood, self.encoder, self.morph = (
            document.picture_likelihood,
            document.encoder,
            document.morph,
        )
        self.look = look
        LastFolders(settings, self)
        self.files = Files(document, autosave, settings, self)
        self.filming = Filming(self)
        self.films = Films(self.morph, self.filming, self)
        self.history_commands = HistoryCommands(history, document, lambda: self.show_page(PICTURES), self)
        self.tools = toolset(self)
        self.tools.restore(settings.values.tools)
        self.canvas = CanvasView()
        self.canvas.smooth = settings.values.scaling == "smooth"
        self.actions_ = ActionSet(self, self, Bindings(settings, self))
        self.pages = Pages(make_pages(self, self.actions_), self)
        pictures, morph = self.pages.find(PicturesPage), self.pages.find(MorphPage)
        lab_page = self.pages.find(LabPage)
        self.panel, self.timeline = pictures.panel, pictures.timeline
        self.morph_panel, self.morph_timeline, self.morph_view = morph.panel, morph.timeline, morph.view
        self.lab_panel, self.lab_timeline, self.lab_view = lab_page.panel, lab_page.timeline, lab_page.view
        PanelUndo(document.settings_undo, self.panel, self.panel.generate)
        self.helpers = PromptHelpers(document, self.panel.prompt.text, self.panel.negative, self)
        self.recent = Recent(document.jobs, document.shown, document.editing)
        self.likelihood = LikelihoodPanel(self.picture_likelihood, self.encoder, self.actions_)
        self.queue = QueueSelection(document.jobs, self)
        self.queue_panel = QueuePanel(document.jobs, self.queue, document.prices, models.thumbnails, self.actions_)
        SurpriseOverlay(self.canvas, self.picture_likelihood)
        self.morph_view.stage.smooth = self.canvas.smooth
        self.area = CanvasArea(document, self.tools, self.canvas, self.actions_)
        for page in self.pages.all:
            self.area.add_view(page.view)
        panels = PageStack("panel", self.pages), PageStack("timeline", self.pages)
        self.status = StatusBar(document.jobs, document.guidance.scores, self.actions_)
        self.setWindowTitle("Tweedie Studio")
        self.setCentralWidget(self.area)
        self.setStatusBar(self.status)
        beside = {"likelihood": self.likelihood, "queue": self.queue_panel, "recent": self.recent}
        self.docks = Docks(self, {"settings": panels[0], "timeline": panels[1]} | beside)
        self.top = TopBar(self.pages, self.actions_)
        self.setMenuWidget(self.top)
        self.actions_.begin()
        self.actions_.reach("picture", self.canvas, self.timeline.strip)
        self.actions_.reach("steps", self.timeline.strip)
        self.actions_.reach("queue", self.queue_panel.list)
        self.tools.tool_changed.connect(self._remember_tools)
        self.tools.choices_changed.connect(self._remember_tools)
        for source in (lab, self.filming, models, history):
            source.notice_raised.connect(self.area.notices.raise_notice)
        document.auto_box.on = settings.values.box_follows_mask
        document.auto_box.changed.connect(self._remember_box)
        self._paste_keys = PasteKeys(self)
        self._drops = DropTarget(self, self.area, self._take, lambda: self.pages.name == MORPH)
        self.recent.picked.connect(self.morph.keys.add_file)
        self.files.changed.connect(self.actions_.refresh)
        self.files.opened.connect(self._show_artwork)
        self.pages.changed.connect(self._on_page)
        document.shown.run_changed.connect(self._show_title)
        document.editing.changed.connect(self._show_title)
        usual = folders or Folders.of_user()
        self.sheets = Sheets(document, settings, models, self.actions_, usual, self.show_models, self)
        self._follower = SettingsFollower(settings, self.look, self.tools, self.set_smooth, self)
        self.look.finish()
        self.docks.restore(settings)
        self.actions_.refresh()
        self.focus_prompt()

    def _take(self, mime: QMimeData) -> None:
        """Take dropped files: as models, as key frames in the morph, else as the picture to work on."""
        if paths := models_in(mime):
            self.show_models()
            self.findChildren(ModelPage)[-1].take(paths)
            return
        if self.pages.name != MORPH or not self.films.take(mime):
            self.files.take(mime)

    def take_files(self, files: Sequence[str]) -> None:
        """Take files of the command line as dropped ones."""
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(file) for file in files])
        if files:
            self._take(mime)

    def raise_window(self) -> None:
        """Bring the window to the front, also where it is minimised."""
        self.setWindowState((self.windowState() & ~Qt.WindowState.WindowMinimized) | Qt.WindowState.WindowActive)
        self.show()
        self.raise_()
        self.activateWindow()
        QApplication.alert(self)  # where the desktop does not let a window come to the front by itself

    # called by the actions: app.ui.actions.studio

    @property
    def steps(self) -> StepTimeline:
        """The steps of the timeline in front."""
        return self.page.steps

    @property
    def page(self) -> Page:
        """The page in front."""
        return self.pages.front

    def show_page(self, name: str) -> None:
        """Bring that page to the front."""
        self.pages.show(name)

    def go_back(self) -> None:
        """Show the page that was in front before this one."""
        self.pages.go_back()

    def _on_page(self) -> None:
        self.docks.change_page(self.page)
        self.recent.picks = self.pages.name == MORPH
        self.area.show_view(self.page.view)
        self.status.tell_ended(self.pages.name == PICTURES)
        self._tell_watched()
        self.actions_.refresh()
        if not self.top.tabs.hasFocus():  # where the arrow keys go through the tabs
            self.page.take_focus()
        self._show_title()

    def save_animation(self) -> None:
        self.lab_view.save_as(moving=True)

    def _show_artwork(self) -> None:
        """Show the picture that was opened, with the keyboard on it."""
        self.show_page(PICTURES)
        self.document.editing.shows_artwork = True
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_job(self, job: QueuedJob) -> None:
        """Show the run of a job, in its place on the artwork if it has one."""
        self.show_page(PICTURES)
        self.document.show_job(job)

    def copy_picture(self) -> None:
        if self.document.editing.shows_artwork:
            QGuiApplication.clipboard().setImage(self.document.artwork.image.copy())
        elif self.document.shown.frame is not None:
            self.document.when_sharp(self._copy_frame)

    def _copy_frame(self) -> None:
        if self.document.shown.frame is not None:
            QGuiApplication.clipboard().setImage(self.document.shown.frame)

    def open_pictures(self) -> None:
        folder = self.document.library.pictures
        if folder.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        else:
            self.document.notice_raised.emit(Notice("info", f"No picture is finished yet; they will be in {folder}."))

    def focus_prompt(self) -> None:
        self.show_page(PICTURES)
        self.docks.show("settings")
        self.panel.focus_first()

    def focus_picture(self) -> None:
        """Move the keyboard to the canvas, or to the timeline of the run that it shows."""
        if self.pages.name == PICTURES:
            shows_run = not self.document.editing.shows_artwork and self.docks.is_shown("timeline")
            (self.timeline.strip if shows_run else self.canvas).setFocus(Qt.FocusReason.OtherFocusReason)

    def steer(self) -> None:
        """Move the keyboard focus to the field of CLIP's aim."""
        self.focus_prompt()
        self.panel.steering.open()
        self.panel.steering.section.focus_first()

    def show_sweep(self) -> None:
        self._show_sheet(SweepSheet, lambda: SweepSheet(self.document.guidance, self))

    def show_models(self) -> None:
        self._show_sheet(ModelPage, lambda: ModelPage(self.models, self.panel.prompt.text.insert_word, self))

    def set_smooth(self, smooth: bool) -> None:
        self.canvas.smooth = self.morph_view.stage.smooth = smooth
        self.settings.update(scaling="smooth" if smooth else "nearest")
        self.actions_.refresh()

    def set_theme(self, mode: str) -> None:
        self.look.set_mode(mode)
        self.settings.update(theme=mode)

    def _show_sheet(self, kind: type[QDialog], make: Callable[[], QDialog]) -> None:
        """Bring the open sheet of that kind to the front; make one where none is open."""
        opened = (sheet for sheet in self.findChildren(kind) if not sheet.isHidden())  # a closed one is about to go
        sheet = next(opened, None) or make()
        sheet.show()
        sheet.raise_()
        sheet.activateWindow()

    # the window itself

    def _remember_tools(self) -> None:
        self.settings.update(tools=self.tools.state)

    def _remember_box(self) -> None:
        self.settings.update(box_follows_mask=self.document.auto_box.on)

    def _show_title(self) -> None:
        run = self.document.shown.run
        words = title_of(run.request).strip("“”") if run else ""
        if self.document.editing.shows_artwork:
            words = self.document.artwork.title or "Canvas"
        title = self.page.window_title
        words = words if title == "" else title or TITLES[self.pages.name]
        words = words.replace("[*]", "[*][*]")  # which Qt shows as it is
        self.setWindowTitle(f"{words} — Tweedie Studio" if words else "Tweedie Studio")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc that nothing else takes shows the page before."""
        if event.key() == Qt.Key.Key_Escape and self.pages.before:
            self.go_back()
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._tell_watched()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._tell_watched()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._tell_watched()

    def _tell_watched(self) -> None:
        seen = self.isVisible() and not self.isMinimized()
        self.document.jobs.set_watched(seen)
        self.lab.set_watched(seen and self.pages.name == LAB)

    @property
    def _writers(self) -> list[str]:
        """What is being written now, in words."""
        writers = {
            "the exported picture": self.document.exporter.writing,
            "the film": self.filming.busy,
            "the picture that you worked on": self.autosave.writing,
        }
        return [name for name, writing in writers.items() if writing]

    def _close_when_written(self) -> None:
        if self.closing and not self._writers:
            self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if (writers := self._writers) and not self.closing:
            self.closing = True
            self.document.jobs.cancel_all(closing=True)  # what waits for the engine comes sooner
            told = f"The window closes when {' and '.join(writers)} is written. Close it again to hide it now."
            self.document.notice_raised.emit(Notice("info", told))
            for changed in (self.document.exporter.writing_changed, self.filming.changed, self.autosave.idle_changed):
                changed.connect(self._close_when_written, Qt.ConnectionType.QueuedConnection)
            event.ignore()
            return
        self.closing = True
        self.show_page(PICTURES)
        self.docks.remember(self.settings)
        super().closeEvent(event)
