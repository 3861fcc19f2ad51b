"""The sheets of the window that belong to no page: preferences, command palette, shortcuts, guide, about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QWidget

from app.core.document import Document
from app.core.files.folders import Folders
from app.core.models.choice import is_checkpoint
from app.core.models.studio_models import StudioModels
from app.core.notices import Notice, NoticeAction
from app.core.storage.storage import RUNS, Storage
from app.core.storage.usage import Place
from app.settings import Settings
from app.ui.actions.action_set import ActionSet
from app.ui.models.page import ModelPage

if TYPE_CHECKING:
    from app.core.palette.entries import Entry
    from app.ui.preferences.parts import PreferenceParts
    from app.ui.preferences.sheet import Preferences

Sheet = TypeVar("Sheet", bound=QDialog)

GB = 1_000_000_000


class Sheets(QObject):
    """Each sheet is open at most once: opening it again brings it to the front. It is imported when it is first opened:
    the window comes sooner.

    usual       -- the folders where the user chose no others
    show_models -- opens the page of models
    """

    def __init__(
        self,
        document: Document,
        settings: Settings,
        models: StudioModels,
        actions: ActionSet,
        usual: Folders,
        show_models: Callable[[], object],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._document, self._settings, self._models, self._actions = document, settings, models, actions
        self._window, self._usual, self._show_models = window, usual, show_models
        self.starred_runs: Callable[[], Iterable[Path]] = tuple
        """Finds the runs of pictures with a star: they are never offered for deletion."""
        folders = self.folders
        places = (
            Place(RUNS, "Runs", folders.runs),
            Place("pictures", "Finished pictures", folders.pictures),
            Place("artwork", "Pictures being worked on", folders.artwork),
            Place("log", "Crash reports and logs", folders.log),
        )
        self.storage = Storage(places, self._runs_in_use, parent=self)
        self.storage.notice_raised.connect(document.notice_raised)
        settings.changed.connect(self._on_settings)

    @property
    def folders(self) -> Folders:
        """The folders in use."""
        library = self._document.library
        return replace(self._usual, pictures=library.pictures, runs=library.root)

    def close(self) -> None:
        """Stop measuring."""
        self.storage.close()

    def check_storage(self) -> None:
        """Measure the runs if they have a limit, and say so where they take more."""
        limit = round(self._settings.values.runs_limit * GB)
        if limit:
            self.storage.changed.connect(self._tell_full)
            self.storage.set_limit(limit)

    def preferences(self, page: str = "") -> Preferences:
        """Open the preferences, at the page of a subject or of a setting where `page` names one."""
        from app.ui.preferences.sheet import Preferences

        self.storage.move("pictures", self.folders.pictures)
        self.storage.set_limit(round(self._settings.values.runs_limit * GB))
        sheet = self._show(Preferences, lambda: Preferences(self._parts(), self._window))
        if page:
            sheet.open_page(page)
        return sheet

    def palette(self) -> None:
        from app.ui.palette.offers import offers
        from app.ui.palette.palette import CommandPalette

        def entries() -> list[Entry]:
            return offers(self._actions, self._models.choice, self.preferences)

        self._show(CommandPalette, lambda: CommandPalette(entries, self._settings, self._window))

    def shortcuts(self) -> None:
        from app.ui.window.shortcut_sheet import ShortcutSheet

        self._show(ShortcutSheet, lambda: ShortcutSheet(self._actions.bindings, self._window))

    def guide(self) -> None:
        from app.ui.help.guide_sheet import GuideSheet

        self._show(GuideSheet, lambda: GuideSheet(self._window))

    def about(self) -> None:
        from app.ui.help.about_sheet import AboutSheet

        device = self._document.jobs.device_text
        self._show(AboutSheet, lambda: AboutSheet(device, self.folders, self._open_folder, self._window))

    def _parts(self) -> PreferenceParts:
        from app.ui.preferences.parts import PreferenceParts

        return PreferenceParts(
            settings=self._settings,
            bindings=self._actions.bindings,
            library=self._models.library,
            set_precision=self._set_precision,
            storage=self.storage,
            usual=self._usual,
            folders=self.folders,
            add_folder=self._add_model_folder,
            open_folder=self._open_folder,
        )

    def _set_precision(self, precision: str) -> None:
        self._models.library.set_precision(precision)
        if is_checkpoint(self._document.draft.model):  # described again, with it
            self._models.choice.choose(self._models.choice.current)

    def _add_model_folder(self) -> None:
        self._show_models()
        self._window.findChildren(ModelPage)[-1].choose_folder()

    def _open_folder(self, path: Path) -> None:
        if path.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
        else:
            self._document.notice_raised.emit(Notice("info", f"{path} is made when the first file is written."))

    def _runs_in_use(self) -> set[Path]:
        """The runs that must stay: starred, shown, waiting or running, and those of the artwork's candidates."""
        document = self._document
        used = set(self.starred_runs())
        used |= {job.run_path for job in document.jobs.all if not job.state.ended}
        used |= {candidate.run for candidate in document.editing.candidates}
        if (run := document.shown.run) is not None:
            used.add(run.own.path)
        return used

    def _on_settings(self, names: set[str]) -> None:
        if "runs_limit" in names:
            self.storage.set_limit(round(self._settings.values.runs_limit * GB))

    def _tell_full(self) -> None:
        if self.storage.busy:
            return
        self.storage.changed.disconnect(self._tell_full)
        if self.storage.surplus:
            count = len(self.storage.surplus)
            told = f"The runs take more than their limit: {count} old one{'' if count == 1 else 's'} could go."
            show = NoticeAction("Show them", lambda: self.preferences("storage"))
            self._document.notice_raised.emit(Notice("info", told, (show,)))

    def _show(self, kind: type[Sheet], make: Callable[[], Sheet]) -> Sheet:
        """Bring the open sheet of that kind to the front; make one where none is open."""
        opened = (sheet for sheet in self._window.findChildren(kind) if not sheet.isHidden())
        sheet = next(opened, None) or make()
        sheet.show()
        sheet.raise_()
        sheet.activateWindow()
        return sheet
