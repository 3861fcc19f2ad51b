"""When something breaks: nothing is swallowed, a report is left, and the next start says where."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import platform
import sys
import threading
import traceback
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
LOG_BYTES = 1_000_000

log = logging.getLogger(__name__)


class CrashReporter(QObject):
    """Reports to `folder`: studio.log, and last-crash.txt of exceptions that nobody caught and of fatal signals.

    earlier -- the report that the session before left, moved to a name of its own; None where it ended well
    """

    caught = Signal(str)  # an exception that nobody caught, in one sentence; from any thread

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.report = folder / "last-crash.txt"
        self.earlier = self._set_aside()
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
            self._fatal = open(self.report, "a", encoding="utf-8")  # noqa: SIM115 -- open as long as the process lives
            self._log = logging.handlers.RotatingFileHandler(
                self.folder / "studio.log", maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
            )
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
            if not self.report.stat().st_size:
                self.report.unlink()
        self._fatal = self._log = None

    def _set_aside(self) -> Path | None:
        try:
            if not self.report.stat().st_size:
                return None
            aside = self.folder / f"crash-{datetime.now():%Y%m%d-%H%M%S}.txt"
            return self.report.replace(aside)
        except OSError:
            return None

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        print(text, file=sys.stderr, end="")
        try:
            if self._fatal:
                where = f"Python {platform.python_version()}, {platform.platform()}"
                self._fatal.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}, {where}\n{text}\n")
                self._fatal.flush()
        except OSError:
            log.exception("the report could not be written")
        self.caught.emit(f"Something went wrong ({kind.__name__}: {error}): the report is in {self.report}.")

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _on_qt_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        level = LEVELS.get(kind, logging.WARNING)
        logging.getLogger(f"qt.{context.category or 'default'}").log(level, "%s", message)
        if level >= logging.WARNING:
            print(f"Qt: {message}", file=sys.stderr)
