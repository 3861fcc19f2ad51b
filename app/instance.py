"""One studio for each folder of settings: a second start raises the first window, and hands its files to it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

PATIENCE_MS = 3000  # for an answer of the first studio, whose window may be at work
LONGEST = 1_000_000  # bytes of a message
ANSWER = b"here\n"


def name_of(folder: Path) -> str:
    """The name of the socket of the studio with that folder of settings, in the user's runtime folder if any."""
    key = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    name = f"tweedie-studio-{key}"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return str(Path(runtime) / name) if os.name == "posix" and Path(runtime).is_dir() and runtime else name


def hand_over(name: str, files: Sequence[str]) -> bool:
    """Give `files` to the studio that is open; False if there is none, or it does not answer."""
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(PATIENCE_MS):
        return False
    paths = [str(Path(file).absolute()) for file in files]
    socket.write(json.dumps(paths).encode() + b"\n")
    answered = socket.waitForReadyRead(PATIENCE_MS) and socket.readAll().data() == ANSWER
    socket.disconnectFromServer()
    return answered


class Instance(QObject):
    """The first studio: listens for later ones."""

    called = Signal(list)  # the paths of the files that a later start was given

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def listen(self) -> bool:
        """Listen. The socket of a studio that was killed is replaced; ask hand_over() before. False where it cannot."""
        if self._server.listen(self._name):
            return True
        QLocalServer.removeServer(self._name)
        return self._server.listen(self._name)

    def close(self) -> None:
        self._server.close()

    def _on_connection(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(self._read)
            if socket.bytesAvailable():
                self._take(socket)

    def _read(self) -> None:
        socket = self.sender()
        if isinstance(socket, QLocalSocket):
            self._take(socket)

    def _take(self, socket: QLocalSocket) -> None:
        """Read a message once it is whole. What is no message is not answered."""
        if socket.bytesAvailable() > LONGEST:
            socket.abort()
        if not socket.canReadLine():
            return
        try:
            paths = json.loads(bytes(socket.readLine().data()))
        except ValueError:
            paths = None
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            socket.abort()
            return
        socket.write(ANSWER)
        socket.flush()
        self.called.emit(paths)
