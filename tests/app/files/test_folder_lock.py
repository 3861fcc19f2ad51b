"""One studio at a time has a folder, whatever its name; a killed one has it no longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.files.autosave import Autosave
from app.core.files.folder_lock import FolderLock

HOLD = """
import sys
from pathlib import Path
from app.core.files.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
sys.stdin.read()
"""


def test_the_second_gets_the_folder_when_the_first_gives_it_back(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.take()
    assert first.take(), "it is held already"
    assert not second.take()
    first.give_back()
    first.give_back()
    assert list(tmp_path.iterdir()) == []
    assert second.take()
    second.give_back()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        lock = FolderLock(tmp_path)
        assert not lock.take()
        process.kill()
        process.wait()
    assert (tmp_path / "lock").exists()
    assert lock.take()
    lock.give_back()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_home_whose_name_is_not_utf_8_is_locked_too(qtbot: QtBot, tmp_path: Path) -> None:
    home = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    keepers = [Autosave(Artwork(), home / "artwork") for _ in range(2)]
    for autosave in keepers:
        autosave.restore()
    assert [path.name for path in sorted(home.iterdir())] == ["artwork", "artwork-2"]
    for autosave in keepers:
        autosave.close()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error_of_the_lock(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        FolderLock(tmp_path).take()
    tmp_path.chmod(0o700)
