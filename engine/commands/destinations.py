"""Check the output paths before the work begins; save elsewhere if they cannot be written after it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import UsageError, why
from engine.files import check_writable
from engine.pictures.naming import free_path


def file_name(text: str) -> Path:
    """argparse type of an output file. Raises ArgumentTypeError for a folder and for an empty name."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty: give the name of a file")
    if text.endswith(("/", os.sep)) or Path(text).name in ("", "..") or os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"{text} is a folder: add the name of a file")
    return Path(text)


def film_name(text: str) -> Path:
    """argparse type of a film; a name without an ending is a new folder of frames."""
    path = Path(text)
    if not path.name or path.name == "..":
        raise argparse.ArgumentTypeError(f"“{text}” names no film: give the name of a file, or of a new folder")
    return path


def check_destinations(paths: Sequence[Path], run_file: Path | None = None) -> None:
    """Raise the errors that would stop the pictures or the run file from being written after the work.

    Raises UsageError for a run file that exists or has the name of a picture, OSError for the rest.
    """
    for path in paths:
        check_writable(path)
    if run_file is None:
        return
    if os.path.realpath(run_file) in map(os.path.realpath, paths):
        raise UsageError(f"{run_file} cannot be the picture and the run file: give them different names.")
    if os.path.lexists(run_file):
        raise UsageError(f"{run_file} exists already: choose another name for the run file.")
    check_writable(run_file)


def save_or_keep(path: Path, save: Callable[[Path], object]) -> Path:
    """Save to `path`; if that fails, to another folder, and print where. Return the path of the file.

    Raises the OSError of `path` if no other folder can be written either.
    """
    try:
        save(path)
        return path
    except OSError as error:
        for folder in (Path.cwd(), Path.home(), Path(tempfile.gettempdir())):
            other = free_path(folder, path.stem[:80] or "picture", path.suffix)
            try:
                save(other)
            except OSError:
                continue
            print(f"{path} could not be written ({why(error)}). The result is saved as {other}.", file=sys.stderr)
            return other
        raise
