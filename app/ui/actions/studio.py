"""The interface of the main window that the actions use."""

from __future__ import annotations

from typing import Protocol

from app.core.canvas.toolset import Toolset
from app.core.document import Document
from app.core.flow.encode import Encoder
from app.core.flow.likelihood import PictureLikelihood
from app.core.history.history import History
from app.core.jobs.queue import QueuedJob
from app.core.jobs.queue_selection import QueueSelection
from app.core.lab.lab_model import Lab
from app.core.models.studio_models import StudioModels
from app.core.morph.film_export import Filming
from app.core.morph.morph_room import MorphRoom
from app.core.shown.timeline import StepTimeline
from app.ui.canvas.view import CanvasView
from app.ui.files.dialogs import Files
from app.ui.history.commands import HistoryCommands
from app.ui.look.theme import Appearance
from app.ui.morph.film_files import Films
from app.ui.request.prompt_helpers import PromptHelpers
from app.ui.window.docks import Docks
from app.ui.window.page import Page
from app.ui.window.pages import Pages


class StudioSheets(Protocol):
    """The sheets that belong to no page."""

    def preferences(self, page: str = "") -> object: ...
    def palette(self) -> None: ...
    def shortcuts(self) -> None: ...
    def guide(self) -> None: ...
    def about(self) -> None: ...


class StudioParts(Protocol):
    """`page` is the page in front, `steps` the timeline that belongs to it."""

    document: Document
    picture_likelihood: PictureLikelihood
    encoder: Encoder
    canvas: CanvasView
    look: Appearance
    lab: Lab
    morph: MorphRoom
    films: Films
    filming: Filming
    files: Files
    tools: Toolset
    history: History
    history_commands: HistoryCommands
    docks: Docks
    queue: QueueSelection
    pages: Pages
    models: StudioModels
    helpers: PromptHelpers

    @property
    def sheets(self) -> StudioSheets: ...
    @property
    def page(self) -> Page: ...
    @property
    def steps(self) -> StepTimeline: ...
    def show_page(self, name: str) -> None: ...
    def show_job(self, job: QueuedJob) -> None: ...
    def go_back(self) -> None: ...
    def save_animation(self) -> None: ...
    def copy_picture(self) -> None: ...
    def open_pictures(self) -> None: ...
    def focus_prompt(self) -> None: ...
    def focus_picture(self) -> None: ...
    def steer(self) -> None: ...
    def show_sweep(self) -> None: ...
    def show_models(self) -> None: ...
    def set_smooth(self, smooth: bool) -> None: ...
    def set_theme(self, mode: str) -> None: ...
    def close(self) -> bool: ...
