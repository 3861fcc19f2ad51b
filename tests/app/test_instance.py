"""A second start raises the first window and hands its files to it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QDir
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.instance import Instance, hand_over, name_of
from tests.app.windows import open_window, until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def name(tmp_path: Path) -> str:
    return name_of(tmp_path)


START_AGAIN = "import sys; from app.instance import hand_over; sys.exit(not hand_over(sys.argv[1], sys.argv[2:]))"


def start_again(name: str, files: list[str]) -> subprocess.Popen[bytes]:
    """A second start, which ends with 0 where the first studio answers."""
    return subprocess.Popen([sys.executable, "-c", START_AGAIN, name, *files], cwd=ROOT)


def test_the_first_window_comes_to_the_front_with_the_files(
    qtbot: QtBot, document: Document, name: str, tmp_path: Path
) -> None:
    window = open_window(qtbot, document)
    first = Instance(name)
    first.called.connect(window.take_files)
    first.called.connect(window.raise_window)
    assert not hand_over(name, []), "nobody is there yet"
    assert first.listen()
    Image.new("RGB", (24, 16)).save(tmp_path / "a ö “photo”.png")
    window.showMinimized()
    again = start_again(name, [str(tmp_path / "a ö “photo”.png")])
    until(qtbot, lambda: document.artwork.is_open)
    assert again.wait() == 0
    assert not window.isMinimized()
    first.close()
    assert not hand_over(name, [])


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe of Windows goes with its process")
def test_the_socket_of_a_killed_studio_is_replaced(qtbot: QtBot, name: str) -> None:
    path = name if name.startswith("/") else f"{QDir.tempPath()}/{name}"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(path)
    assert Path(path).exists()
    assert not hand_over(name, [])
    first = Instance(name)
    assert first.listen()
    with qtbot.waitSignal(first.called) as called:
        again = start_again(name, [])
    assert (called.args, again.wait()) == ([[]], 0)
    first.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe of Windows is no socket of Python")
def test_what_is_no_message_is_not_answered(qtbot: QtBot, name: str) -> None:
    first = Instance(name)
    assert first.listen()
    for nonsense in (b"{}\n", b"not json\n", b"[1]\n"):
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(name if name.startswith("/") else f"{QDir.tempPath()}/{name}")
            other.sendall(nonsense)
            other.setblocking(False)
            closed: list[bytes] = []

            def has_closed(other: socket.socket = other, closed: list[bytes] = closed) -> bool:
                try:
                    closed.append(other.recv(10))
                except BlockingIOError:
                    return False
                return True

            qtbot.waitUntil(has_closed)
            assert closed == [b""]
    first.close()


def test_each_folder_of_settings_has_a_studio_of_its_own(tmp_path: Path) -> None:
    assert name_of(tmp_path) != name_of(tmp_path / "other")
