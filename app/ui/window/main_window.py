"""The window: panels around the canvas, menus from the action table, and what of it is remembered."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices, QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QDialog, QDockWidget, QMainWindow, QWidget

from app.core.document import Document
from app.core.files.autosave import Autosave
from app.core.files.folders import Folders
from app.core.lab.lab_model import Lab
from app.core.morph.film_export import Filming
from app.core.notices import Notice
from app.core.shown.runs import title_of
from app.core.shown.timeline import StepTimeline
from app.settings import Settings, from_text, to_text
from app.ui.actions.action_set import ActionSet
from app.ui.canvas.area import CanvasArea
from app.ui.canvas.tools import toolset
from app.ui.canvas.view import CanvasView
from app.ui.files.dialogs import Files
from app.ui.files.drop import DropTarget
from app.ui.flow.glass import SurpriseGlass
from app.ui.flow.panel import LikelihoodPanel
from app.ui.guidance.sweep_sheet import SweepSheet
from app.ui.lab.panel import LabPanel
from app.ui.lab.strip import LabTimeline
from app.ui.lab.view import LabView
from app.ui.look.theme import Look, em
from app.ui.morph.films import Films
from app.ui.morph.panel import MorphPanel
from app.ui.morph.timeline import MorphTimeline
from app.ui.morph.view import MorphView
from app.ui.request.prompt_panel import PromptPanel
from app.ui.shown.recent import Recent
from app.ui.shown.timeline import Timeline
from app.ui.window.about_sheet import AboutSheet
from app.ui.window.room_setup import lab_room, morph_room, pictures_room
from app.ui.window.rooms import LAB, MORPH, PICTURES, Room, Rooms
from app.ui.window.shortcut_sheet import ShortcutSheet
from app.ui.window.status import Status

LAYOUT = 1  # of the docks: an older saved state is not restored
PANELS = {
    "settings": "Settings", "timeline": "Timeline", "likelihood": "Likelihood", "recent": "Pictures of this session",
}  # fmt: skip
BESIDE = ("likelihood", "recent")  # on the right: of pictures, and but for the second only there


class MainWindow(QMainWindow):
    """Lays out the panels and carries out the commands of the action table. The truth is the document's."""

    def __init__(
        self, document: Document, lab: Lab, settings: Settings, autosave: Autosave, look: Look | None = None
    ) -> None:
        super().__init__()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.document, self.lab, self.settings, self.autosave = document, lab, settings, autosave
        self.closing = False
        """Whether it was asked to close: it may still wait for what is being written."""
        self.appraisal, self.encoder, self.morph = document.appraisal, document.encoder, document.morph
        self._had: set[str] = set()  # of BESIDE, what was shown when the pictures were left
        self.look = look or Look(app, settings.values.theme, self)
        self.files = Files(document, autosave, settings, self)
        self.filming = Filming(self)
        self.films = Films(self.morph, self.filming, self)
        self.tools = toolset(self)
        self.tools.restore(settings.values.tools)
        self.canvas = CanvasView()
        self.canvas.smooth = settings.values.scaling == "smooth"
        self._docks: dict[str, QDockWidget] = {}
        self.actions_ = ActionSet(self, self)
        self.panel = PromptPanel(document, self.actions_)
        self.timeline = Timeline(document.shown, document.jobs, document.guidance.scores, self.actions_)
        self.recent = Recent(document.jobs, document.shown, document.editing)
        self.likelihood = LikelihoodPanel(self.appraisal, self.encoder, self.actions_)
        SurpriseGlass(self.canvas, self.appraisal)
        self.lab_panel = LabPanel(lab, self.actions_)
        self.lab_timeline = LabTimeline(lab, self.actions_)
        self.lab_view = LabView(lab, self.actions_)
        self.morph_panel = MorphPanel(self.morph, document.draft, document.jobs, self.actions_)
        self.morph_timeline = MorphTimeline(self.morph, self.filming, self.actions_)
        self.morph_view = MorphView(self.morph, self.actions_)
        self.morph_view.stage.smooth = self.canvas.smooth
        self.area = CanvasArea(document, self.tools, self.canvas, self.actions_, (self.lab_view, self.morph_view))
        self.rooms = Rooms(self._make_rooms(), self)
        self.actions_.begin()
        self.status = Status(document.jobs, document.guidance.scores)
        self.setWindowTitle("Tweedie Studio")
        self.setCentralWidget(self.area)
        self.setStatusBar(self.status)
        self._dock("settings", self.rooms.panels, Qt.DockWidgetArea.LeftDockWidgetArea)
        self._dock("likelihood", self.likelihood, Qt.DockWidgetArea.RightDockWidgetArea)
        self._dock("recent", self.recent, Qt.DockWidgetArea.RightDockWidgetArea)
        self.splitDockWidget(self._docks["likelihood"], self._docks["recent"], Qt.Orientation.Horizontal)
        self._docks["likelihood"].hide()
        self._dock("timeline", self.rooms.timelines, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.setDockOptions(QMainWindow.DockOption(0))
        self.actions_.fill(self.menuBar())
        self.actions_.reach("picture", self.canvas, self.timeline.strip)
        self.actions_.reach("steps", self.timeline.strip)
        self.tools.tool_changed.connect(self._remember_tools)
        self.tools.choices_changed.connect(self._remember_tools)
        for source in (lab, self.filming):
            source.notice_raised.connect(self.area.notices.raise_notice)
        self._drops = DropTarget(self, self.area, self._take, lambda: self.room.name == MORPH)
        self.recent.picked.connect(self.morph.keys.add_file)
        self.files.changed.connect(self.actions_.refresh)
        self.files.opened.connect(self._show_artwork)
        document.shown.run_changed.connect(self._show_title)
        document.editing.changed.connect(self._show_title)
        self._restore()
        self.actions_.refresh()
        self.focus_prompt()

    def _make_rooms(self) -> tuple[Room, ...]:
        """The studio opens with the first one."""
        pictures = pictures_room(
            self.document, self.appraisal, self.files,
            panel=self.panel, timeline=self.timeline, canvas=self.canvas,
        )  # fmt: skip
        lab = lab_room(self.lab, panel=self.lab_panel, timeline=self.lab_timeline, view=self.lab_view)
        morph = morph_room(
            self.morph, self.films, panel=self.morph_panel, timeline=self.morph_timeline, view=self.morph_view
        )
        return pictures, lab, morph

    def _take(self, mime: QMimeData) -> None:
        """What was dropped: in the morph a key frame, else the picture to work on."""
        if self.room.name != MORPH or not self.films.take(mime):
            self.files.take(mime)

    # the commands of the action table

    @property
    def steps(self) -> StepTimeline:
        """What the timeline that is seen moves through."""
        return self.rooms.front.steps

    @property
    def room(self) -> Room:
        return self.rooms.front

    def show_room(self, name: str) -> None:
        """That room in front. Of the panels on the right the morph needs the pictures of this session, the lab none."""
        if name == self.room.name:
            return
        seen = {panel for panel in BESIDE if self.panel_visible(panel)}
        if self.room.name == PICTURES:
            self._had = seen
        elif self.room.name == MORPH:
            self._had = (self._had - {"recent"}) | (seen & {"recent"})
        self.rooms.show(name)
        for panel in self._had:
            self._docks[panel].setVisible(name == PICTURES or (name == MORPH and panel == "recent"))
        self.recent.picks = name == MORPH
        self.area.show_room(self.room.view)
        self._tell_watched()
        self.actions_.refresh()
        self.room.focus.setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_title()

    def save_animation(self) -> None:
        self.lab_view.save_as(moving=True)

    def _show_artwork(self) -> None:
        """A picture was opened: it is in front, with the keyboard on it."""
        self.show_room(PICTURES)
        self.document.editing.shows_artwork = True
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def copy_picture(self) -> None:
        if self.document.editing.shows_artwork:
            QGuiApplication.clipboard().setImage(self.document.artwork.image.copy())
        elif self.document.shown.frame is not None:
            QGuiApplication.clipboard().setImage(self.document.shown.frame)

    def open_pictures(self) -> None:
        folder = Folders.of_user().pictures
        if folder.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        else:
            self.document.notice_raised.emit(Notice("info", f"No picture is finished yet; they will be in {folder}."))

    def focus_prompt(self) -> None:
        self.show_room(PICTURES)
        self._docks["settings"].show()
        self.panel.focus_first()

    def steer(self) -> None:
        """The keyboard where CLIP is told what to steer to."""
        self.focus_prompt()
        self.panel.steering.open()
        self.panel.steering.section.focus_first()

    def show_sweep(self) -> None:
        self._show_sheet(SweepSheet, lambda: SweepSheet(self.document.guidance, self))

    def toggle_panel(self, name: str) -> None:
        self._docks[name].setVisible(not self.panel_visible(name))

    def panel_visible(self, name: str) -> bool:
        dock = self._docks.get(name)
        return dock is not None and not dock.isHidden()

    def set_smooth(self, smooth: bool) -> None:
        self.canvas.smooth = self.morph_view.stage.smooth = smooth
        self.settings.update(scaling="smooth" if smooth else "nearest")

    def set_surround(self, surround: str) -> None:
        self.canvas.surround = surround

    def set_theme(self, mode: str) -> None:
        self.look.set_mode(mode)
        self.settings.update(theme=mode)

    def show_shortcuts(self) -> None:
        self._show_sheet(ShortcutSheet, lambda: ShortcutSheet(self))

    def show_about(self) -> None:
        self._show_sheet(AboutSheet, lambda: AboutSheet(self.document.jobs.device_text, self))

    def _show_sheet(self, kind: type[QDialog], make: Callable[[], QDialog]) -> None:
        """The sheet of that kind that is open comes to the front; where none is, a new one."""
        opened = (sheet for sheet in self.findChildren(kind) if not sheet.isHidden())  # a closed one is about to go
        sheet = next(opened, None) or make()
        sheet.show()
        sheet.raise_()
        sheet.activateWindow()

    # the window itself

    def _dock(self, name: str, widget: QWidget, area: Qt.DockWidgetArea) -> None:
        dock = QDockWidget(PANELS[name], self)
        dock.setObjectName(name)
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget(dock))
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        self._docks[name] = dock

    def _restore(self) -> None:
        values = self.settings.values
        if not (values.geometry and self.restoreGeometry(from_text(values.geometry))):
            self.resize(QSize(1280, 800).boundedTo(self.screen().availableSize()))
        if not (values.window_state and self.restoreState(from_text(values.window_state), LAYOUT)):
            docks = self._docks
            sideways, upright = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
            across = {"settings": 19, "likelihood": 17, "recent": 6.6}
            self.resizeDocks([docks[name] for name in across], [em(self, share) for share in across.values()], sideways)
            self.resizeDocks([docks["timeline"]], [em(self, 12.5)], upright)

    def _remember_tools(self) -> None:
        self.settings.update(tools=self.tools.held)

    def _show_title(self) -> None:
        run = self.document.shown.run
        words = title_of(run.request).strip("“”") if run else ""
        if self.document.editing.shows_artwork:
            words = self.document.artwork.title or "Canvas"
        words = self.room.title or words
        self.setWindowTitle(f"{words} — Tweedie Studio" if words else "Tweedie Studio")

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
        self.lab.set_watched(seen and self.room.name == LAB)

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
        self.show_room(PICTURES)
        self.settings.update(geometry=to_text(self.saveGeometry()), window_state=to_text(self.saveState(LAYOUT)))
        super().closeEvent(event)
