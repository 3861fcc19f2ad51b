"""Crash reports: log every uncaught error, and name the report at the next start."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import os
import platform
import sys
import threading
import traceback
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from engine.files import lock
from engine.pictures.naming import next_path

LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
LOG_BYTES = 1_000_000
MOST_REPORTS = 20  # on a file system that cannot lock

log = logging.getLogger(__name__)


class Log(logging.handlers.RotatingFileHandler):
    """The log file. Where its folder was removed it is made again; what cannot be logged is dropped without a word."""

    def emit(self, record: logging.LogRecord) -> None:
        if not os.path.exists(self.baseFilename):
            with suppress(OSError):
                os.makedirs(os.path.dirname(self.baseFilename), exist_ok=True)
                self.close()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        pass


class CrashReporter(QObject):
    """Reports to `folder`: studio.log, and last-crash.txt with exceptions that nobody caught and fatal signals.

    Each open studio has a report of its own, last-crash-2.txt for the second, and locks it while it is open.

    earlier -- the newest report of a session that ended badly, moved to a name of its own; None where all ended well
    """

    caught = Signal(str)  # an exception that nobody caught, in one sentence; from any thread

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.earlier = self._set_aside()
        self.report = folder / "last-crash.txt"
        self._fatal: IO[str] | None = None
        self._log: logging.Handler | None = None
        self._hooks = sys.excepthook, threading.excepthook

    def install(self) -> None:
        """Take over the hooks of Python, of its threads, of Qt and of fatal signals. A folder that cannot be written
        leaves the hooks, which then report to stderr alone.
        """
        self._hooks = sys.excepthook, threading.excepthook
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        qInstallMessageHandler(self._on_qt_message)
        logging.getLogger().setLevel(logging.INFO)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._fatal = self._open_report()
            path = self.folder / "studio.log"
            self._log = Log(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            print(f"No crash reports can be written to {self.folder}: {error}", file=sys.stderr)
            return
        faulthandler.enable(self._fatal)
        self._log.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logging.getLogger().addHandler(self._log)

    def uninstall(self) -> None:
        """Give every hook back: the session ended well."""
        sys.excepthook, threading.excepthook = self._hooks
        qInstallMessageHandler(None)
        if self._log:
            logging.getLogger().removeHandler(self._log)
            self._log.close()
        if self._fatal:
            faulthandler.disable()
            self._fatal.close()
            with suppress(OSError):  # the folder was removed, perhaps
                if not self.report.stat().st_size:
                    self.report.unlink()
        self._fatal = self._log = None

    def _open_report(self) -> IO[str]:
        """The first report that no open studio has. It is locked as long as it is open. Raises OSError."""
        for k in count(1):
            self.report = self.folder / ("last-crash.txt" if k == 1 else f"last-crash-{k}.txt")
            file = open(self.report, "a", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 -- open for long
            if lock(file) or k == MOST_REPORTS:
                break
            file.close()
        return file

    def _set_aside(self) -> Path | None:
        """Give the reports that closed studios left names of their own; return the newest."""
        aside: Path | None = None
        for report in sorted(self.folder.glob("last-crash*.txt")):
            with suppress(OSError), open(report, "a", encoding="utf-8") as file:
                if report.stat().st_size and lock(file):
                    aside = report.replace(next_path(self.folder, "crash", ".txt"))
        return aside

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        with suppress(OSError, ValueError):  # the terminal is gone
            print(text, file=sys.stderr, end="")
        try:
            if self._fatal:
                where = f"Python {platform.python_version()}, {platform.platform()}"
                self._fatal.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}, {where}\n{text}\n")
                self._fatal.flush()
        except (OSError, ValueError):
            log.exception("the report could not be written")
        self.caught.emit(f"Something went wrong ({kind.__name__}: {error}): the report is in {self.report}.")

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _on_qt_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        level = LEVELS.get(kind, logging.WARNING)
        logging.getLogger(f"qt.{context.category or 'default'}").log(level, "%s", message)
        if level >= logging.WARNING:
            with suppress(OSError, ValueError):
                print(f"Qt: {message}", file=sys.stderr)
