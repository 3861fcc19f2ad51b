"""The house rules that import-linter cannot express: it sees neither a package's submodules nor a start-up."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel

ROOT = Path(__file__).resolve().parents[1]
APP = sorted((ROOT / "app").rglob("*.py"))
WITHOUT_TORCH = [
    *sorted(f"engine.jobs.{path.stem}" for path in (ROOT / "engine" / "jobs").glob("[!_]*.py")),
    "engine",
    "engine.lab.data",
    "engine.spec.request",
    "engine.spec.catalog",
    "engine.store",
    "engine.schedules",
    "engine.types",
]


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source: str) -> Iterator[str]:
    """Every dotted name that a source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def shows_widgets(source: str) -> bool:
    return any(f"{name}.".startswith("PySide6.QtWidgets.") for name in imported(source))


@pytest.mark.parametrize(
    "source",
    [
        "import PySide6.QtWidgets",
        "from PySide6 import QtCore, QtWidgets as w",
        "def late() -> None:\n    from PySide6.QtWidgets import QLabel",
    ],
)
def test_every_way_to_import_widgets_is_seen(source: str) -> None:
    assert shows_widgets(source)
    assert not shows_widgets(source.replace("QtWidgets", "QtGui"))


@pytest.mark.parametrize("path", APP, ids=module)
def test_only_the_ui_and_the_composition_root_know_widgets(path: Path) -> None:
    allowed = f"{module(path)}.".startswith("app.ui.") or module(path) in ("app.bootstrap", "app.__main__")
    assert allowed or not shows_widgets(path.read_text(encoding="utf-8"))


def loaded_with(modules: list[str]) -> list[str]:
    """The heavy libraries that importing the modules, one after the other in a new process, brings along."""
    script = (
        "import importlib, json, sys\n"
        "heavy = {'torch', 'transformers', 'open_clip', 'PySide6'}\n"
        "told = {}\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        "    told.update({h: name for h in heavy & set(sys.modules) if h not in told})\n"
        "print(json.dumps(sorted(f'{h} by {name}' for h, name in told.items())))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_what_the_window_reads_of_the_engine_needs_neither_torch_nor_qt() -> None:
    assert loaded_with(WITHOUT_TORCH) == []


def test_the_whole_studio_is_imported_without_torch() -> None:
    assert [found for found in loaded_with([*map(module, APP)]) if not found.startswith("PySide6")] == []


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_a_void_call_into_qt_keeps_its_reference_to_none(qapp: QApplication) -> None:
    """PySide6 6.12.0 loses one in each call, until the interpreter aborts: hence the pin in pyproject.toml."""
    label, before = QLabel(), sys.getrefcount(None)
    for _ in range(1000):
        label.setText("tweedie")
    assert abs(sys.getrefcount(None) - before) < 500
