"""The list of recent pictures: every picture once, as soon as it is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.canvas.editing import Editing
from app.core.canvas.placement import Placement
from app.core.jobs.engine import FINISHED, Engine, Order, Task
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import JobQueue
from app.core.jobs.submission import Submission
from app.core.request.run_costs import Prices
from app.core.shown.viewer import Viewer
from app.ui.shown.recent_pictures import FILE, Recent
from engine.jobs.generate import Generate, PictureSaved
from engine.jobs.job import Job
from engine.spec.request import Request


class HandEngine(Engine):
    """Returns a task for every job and does nothing; the test emits its signals."""

    state = "ready"

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[Task] = []

    def do(self, job: Job, urgent: bool = False, slot: str = "", placement: Placement | None = None) -> Task:
        self.tasks.append(Task(Order(len(self.tasks), job), lambda order: None))
        return self.tasks[-1]

    def show_image(self, index: int) -> None:
        pass

    def set_watched(self, watched: bool) -> None:
        pass

    def set_preview_share(self, share: float) -> None:
        pass


def test_pictures_that_are_saved_one_by_one_are_each_listed_once(
    request_of: Callable[..., Request], tmp_path: Path, qtbot: QtBot
) -> None:
    engine = HandEngine()
    queue = JobQueue(engine, Prices())
    jobs, shown, artwork = JobsModel(engine, queue), Viewer(queue.is_writing), Artwork()
    recent = Recent(jobs, shown, Editing(shown, artwork))
    qtbot.addWidget(recent)
    for first in (1, 10):
        request = request_of(batch=2, seed=first)
        job = queue.submit(Submission(Generate(request=request, run_path=tmp_path / f"{first}.twrun"), request))
        for k in range(2):
            path = tmp_path / f"{first + k}.png"
            Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path)
            engine.tasks[-1].told.emit([PictureSaved(path)])
            jobs.changed.emit()
        engine.tasks[-1].ended.emit(FINISHED)
        assert [path.name for path in job.images] == [f"{first}.png", f"{first + 1}.png"]
    files = [Path(recent.list.item(row).data(FILE)).name for row in range(recent.list.count())]
    assert files == ["10.png", "11.png", "1.png", "2.png"], "the newest job first, its pictures in their order"
