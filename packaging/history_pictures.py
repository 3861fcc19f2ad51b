"""Take the pictures of docs/history.md: the gallery, and two pictures under the slider.

QT_QPA_PLATFORM=offscreen python packaging/history_pictures.py [--out docs/pictures] [--all]
"""

from __future__ import annotations

import os
import sys
import time

from walk import Walk, main

from app.ui.history.page import HistoryPage
from app.ui.window.page_table import HISTORY
from engine.history.query import Filter
from engine.history.store import PictureStore

RUNS = (("red apple", "noto"), ("rocket", "fluent"), ("cat face", "3d"), ("birthday cake", "noto"), ("pizza", "3d"),
        ("owl", "fluent"), ("hot air balloon", "noto"), ("mushroom", "3d"))  # prompt, style  # fmt: skip
BATCH, DAYS = 4, 3


def walk(to: Walk) -> None:
    history = to.studio.history
    for k, (prompt, label) in enumerate(RUNS):
        job = to.generate(prompt=prompt, label=label, seed=10 * k + 1, batch=BATCH, enlarge=False)
        to.finish(job)
        for path in job.images:  # three days of work
            when = time.time() - 86_400 * (k * DAYS // len(RUNS)) - 60 * k
            os.utime(path, (when, when))
    to.wait(lambda: len(history.rows) == BATCH * len(RUNS), history.rows_changed)
    store = PictureStore(history.place.database)
    store.forget(row.id for row in store.rows(Filter()))  # so that they are found again with those days
    store.close()
    to.window.show_page(HISTORY)
    to.wait(lambda: len(history.rows) == BATCH * len(RUNS), history.rows_changed)
    to.wait(lambda: not history.scanner.scanning, history.activity_changed)
    ids = [row.id for row in history.rows]
    history.star([ids[k] for k in (1, 6, 13)], True)
    history.rate([ids[6], ids[9]], 4)
    history.tag(ids[5:7], "poster, bright")
    history.add_to_board([ids[6]], "Stickers")
    view = to.window.pages.find(HistoryPage).view.content
    view.gallery.show_picture(ids[6])
    to.window.area.notices.close_one()
    to.settle()
    shown = [row.head for row in history.rows[: 3 * BATCH]]
    to.wait(lambda: all(history.thumbnails.kept(head) is not None for head in shown), history.thumbnails.arrived)
    to.wait(lambda: not history.thumbnails.busy, history.thumbnails.arrived)
    to.photograph("history")
    history.look(ids[5:7])
    view.look.choose_mode("slider")
    to.wait(lambda: all(image is not None for image in view.look.pair.images), history.large.arrived)
    to.photograph("compare")
    history.look(())


if __name__ == "__main__":
    sys.exit(main(walk, __doc__))
