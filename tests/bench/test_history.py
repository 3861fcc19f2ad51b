"""The history with 10,000 pictures: start, search, scrolling, memory."""

from __future__ import annotations

import io
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PySide6.QtCore import QCoreApplication, QEventLoop
from pytestqt.qtbot import QtBot

from app.core.history.history import History
from app.core.history.scanner import Place
from app.ui.history.gallery import Gallery
from engine.history.query import Filter
from engine.history.scan import scan
from engine.history.store import PictureStore
from engine.pictures.parameters import parameters
from engine.spec.request import Request
from tests.app.conftest import Parts
from tests.app.history_pictures import open_history, place_in
from tests.app.windows import opened, until, wheel
from tests.bench.test_studio import ROOT, START, spread

pytestmark = pytest.mark.bench
COUNT, SIDE = 10_000, 320
THINGS = ["red apple", "lighthouse at dusk", "cat face", "city in rain", "old bicycle", "mountain lake", "glass vase"]
STYLES = ["watercolour", "oil painting, detailed", "photo, 35 mm", "ink drawing", "low poly", "flat vector"]
MODELS = ["meadow-xl", "lighthouse-1.5", "emoji"]
QUERIES = ["r", "red", "light", "water apple", "meadow -oil", "photo 35", "zebra", "a", "city rain ink", "p0"]


def save_many(folder: Path, request_of: Callable[..., Request]) -> None:
    """Save COUNT pictures over two hundred days, in runs of four seeds."""
    folder.mkdir(parents=True)
    chance = random.Random(1)
    base, now = request_of(), time.time()
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    rgb[..., 0] = np.arange(SIDE)[:, None] % 256
    for k, (thing, style, model) in zip(range(COUNT), endless(), strict=False):
        rgb[..., 1], rgb[: k % SIDE, :, 2] = k % 251, 200
        request = base.from_json(base.to_json().replace('"seeds":[7]', f'"seeds":[{k}]'))
        words = {
            "prompt": f"{thing}, {style}, {chance.choice(THINGS)}",
            "model": model,
            "negative": "blurry, low quality",
        }
        request = Request.from_dict(request.to_dict() | words)
        text = PngInfo()
        text.add_itxt("tweedie", request.to_json())
        text.add_itxt("parameters", parameters(request))
        path, data = folder / f"{k // 1000}" / f"p{k}.png", io.BytesIO()
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rgb).save(data, "PNG", pnginfo=text, compress_level=1)
        path.write_bytes(data.getvalue())
        os.utime(path, (now - 1700 * k,) * 2)


def endless() -> Iterator[tuple[str, str, str]]:
    """Each combination four times in a row, again and again."""
    while True:
        for choice in product(THINGS, STYLES, MODELS):
            yield from (choice,) * 4


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def place(home: Path, request_of: Callable[..., Request]) -> Place:
    place = place_in(home)
    if not place.pictures.exists():
        save_many(place.pictures, request_of)
    return place


@pytest.fixture
def history(place: Place, qtbot: QtBot, parts: Parts) -> Iterator[History]:
    history = open_history(qtbot, parts, place)
    assert len(history.rows) == COUNT
    yield history
    history.close()


def resident() -> float:
    """The memory of this process in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_scanning(place: Place) -> None:
    for name in ("first scan", "nothing new"):
        store = PictureStore(place.database)
        began = time.perf_counter()
        scan(store, [place.pictures], lambda: False)
        print(f"{name} of {COUNT} pictures: {time.perf_counter() - began:.2f} s")
        store.close()
    print(f"the database: {place.database.stat().st_size / 2**20:.1f} MiB")


def test_search_answers_within_fifty_milliseconds(history: History, qtbot: QtBot) -> None:
    """The query alone, and with the gallery laid out and painted anew."""
    gallery = Gallery(history)
    opened(qtbot, gallery, 1100, 760)
    store = PictureStore(history.place.database)
    asked, shown = [], []
    for query in QUERIES * 3:
        began = time.perf_counter()
        store.rows(Filter(text=query))
        asked.append(time.perf_counter() - began)
        began = time.perf_counter()
        history.narrow(text=query)
        gallery.viewport().repaint()
        shown.append(time.perf_counter() - began)
        history.narrow(text="")
    stacked = time.perf_counter()
    history.narrow(stacked=True)
    print(f"stacks: {1000 * (time.perf_counter() - stacked):.0f} ms, {len(history.rows)} of them")
    store.close()
    print(spread("search, query", asked))
    print(spread("search, shown", shown))
    assert statistics.median(shown) <= 0.05
    assert max(asked) <= 0.05


def test_scrolling_is_smooth(history: History, qtbot: QtBot) -> None:
    """Wheel through the gallery at 60 notches a second: what each frame keeps the window busy. Cold: no thumbnail is
    in memory, nor, in the first round, on the disk.
    """
    gallery = Gallery(history)
    opened(qtbot, gallery, 1100, 760)
    before = resident()
    for name, rounds in (("cold", 5), ("warm", 5)):
        worst, frames = [], []
        for number in range(rounds):
            gallery.verticalScrollBar().setValue(0 if name == "warm" else 9000 * (number + 1))
            if name == "warm":
                until(qtbot, lambda: not history.thumbnails.busy)
            taken = []
            for _ in range(120):
                began = time.perf_counter()
                wheel(gallery.viewport(), gallery.viewport().rect().center().toPointF(), -1)
                QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
                taken.append(time.perf_counter() - began)
                qtbot.wait(max(1, round(16 - 1000 * taken[-1])))
            worst.append(max(taken))
            frames += taken
        print(spread(f"scroll, {name}", frames))
        print(f"scroll, {name}: median of the worst frames {1000 * statistics.median(worst):.1f} ms")
        assert statistics.median(worst) <= 0.033
    print(f"thumbnails in memory: {history.thumbnails.bytes / 2**20:.0f} MiB; process +{resident() - before:.0f} MiB")


def test_memory(place: Place, qtbot: QtBot, parts: Parts) -> None:
    before = resident()
    history = open_history(qtbot, parts, place)
    gallery = Gallery(history)
    opened(qtbot, gallery, 1100, 760)
    print(f"{COUNT} pictures listed: +{resident() - before:.0f} MiB")
    history.close()


def test_start_up_with_and_without_pictures(home: Path, place: Place, tmp_path: Path) -> None:
    """The window is painted before anything of the history is opened. Compare with the line of test_studio."""
    for _ in range(3):
        for name, folder in (("empty", tmp_path), ("10,000 pictures", home)):
            environ = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
            command = [sys.executable, "-c", START, str(folder)]
            done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environ)
            assert done.returncode == 0, done.stderr
            print(f"{name}: {done.stdout.strip()}")
