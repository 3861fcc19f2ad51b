"""A crash leaves a report, and the next start finds it. Each crash happens in its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.crash import CrashReporter

START = """
import sys, threading
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer, qWarning
from app.crash import CrashReporter
app = QCoreApplication([])
reporter = CrashReporter(Path(sys.argv[1]))
reporter.install()
said = []
reporter.caught.connect(said.append)
"""


def run(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START + code, str(tmp_path / "log")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )


def test_a_session_that_ended_well_leaves_no_report(tmp_path: Path) -> None:
    done = run(tmp_path, "reporter.uninstall()")
    assert (done.returncode, done.stderr) == (0, "")
    assert [p.name for p in (tmp_path / "log").iterdir()] == ["studio.log"]
    assert CrashReporter(tmp_path / "log").earlier is None


def test_an_exception_in_a_slot_is_reported_and_the_studio_goes_on(tmp_path: Path) -> None:
    code = """
def slot():
    {}["lost"]
QTimer.singleShot(0, slot)
QTimer.singleShot(0, app.quit)
app.exec()
print("went on:", *said)
reporter.uninstall()
"""
    done = run(tmp_path, code)
    report = tmp_path / "log" / "last-crash.txt"
    assert done.returncode == 0
    assert f"went on: Something went wrong (KeyError: 'lost'): the report is in {report}." in done.stdout
    assert "KeyError: 'lost'" in report.read_text(encoding="utf-8")
    assert "KeyError: 'lost'" in done.stderr, "whoever started it from a terminal sees it there"


def test_an_exception_in_a_thread_is_reported(tmp_path: Path) -> None:
    code = """
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
reporter.uninstall()
"""
    run(tmp_path, code)
    assert "ZeroDivisionError" in (tmp_path / "log" / "last-crash.txt").read_text(encoding="utf-8")


@pytest.mark.skipif(not hasattr(signal, "SIGSEGV") or sys.platform == "win32", reason="needs POSIX signals")
def test_a_fatal_signal_leaves_a_traceback_that_the_next_start_finds_once(tmp_path: Path) -> None:
    done = run(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert done.returncode == -signal.SIGSEGV
    earlier = CrashReporter(tmp_path / "log").earlier
    assert earlier is not None
    assert "Segmentation fault" in earlier.read_text(encoding="utf-8")
    assert CrashReporter(tmp_path / "log").earlier is None


def test_words_of_qt_go_to_the_log(tmp_path: Path) -> None:
    done = run(tmp_path, "qWarning('a warning of Qt'); reporter.uninstall()")
    assert "a warning of Qt" in (tmp_path / "log" / "studio.log").read_text(encoding="utf-8")
    assert "a warning of Qt" in done.stderr


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file")
    done = run(tmp_path, "reporter.uninstall(); print('went on')")
    assert done.stdout == "went on\n"
    assert "No crash reports" in done.stderr


def test_a_log_folder_that_is_removed_while_the_studio_is_open_ends_nothing(tmp_path: Path) -> None:
    code = """
import logging, shutil
shutil.rmtree(sys.argv[1])
logging.info("after that")
reporter.uninstall()
"""
    done = run(tmp_path, code)
    assert (done.returncode, done.stderr) == (0, "")
    assert "after that" in (tmp_path / "log" / "studio.log").read_text()


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_two_open_studios_have_a_report_each(tmp_path: Path) -> None:
    first = CrashReporter(tmp_path)
    first.install()
    first._on_exception(ValueError, ValueError("lost"), None)
    second = CrashReporter(tmp_path)
    assert second.earlier is None, "the first one is still open"
    second.install()
    assert first.report != second.report
    second.uninstall()
    first.uninstall()
    assert "lost" in first.report.read_text()
    third = CrashReporter(tmp_path)
    assert third.earlier is not None
    assert "lost" in third.earlier.read_text()
