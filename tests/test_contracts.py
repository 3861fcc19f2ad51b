"""Rules of the code that import-linter cannot check: imports of submodules, and imports at the start."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration
from PySide6.QtWidgets import QApplication, QLabel

ROOT = Path(__file__).resolve().parents[1]
APP = sorted((ROOT / "app").rglob("*.py"))
ENGINE = sorted((ROOT / "engine").rglob("*.py"))


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


def torch_free() -> list[str]:
    """The modules that the import contract of that name is about."""
    contracts = read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]
    sources = next(contract["source_modules"] for contract in contracts if contract["id"] == "torch-free")
    return [name for name in map(module, ENGINE) if any(f"{name}.".startswith(f"{source}.") for source in sources)]


def test_what_the_window_reads_of_the_engine_needs_neither_torch_nor_qt() -> None:
    """The contract forbids to import torch; here nothing that these modules import, even of others, may bring it."""
    names = torch_free()
    assert {"engine.types", "engine.noise", "engine.spec.request", "engine.jobs.likelihood"} <= set(names)
    assert loaded_with(["engine", *names]) == []


@pytest.mark.parametrize(("package", "with_types"), [("engine", False), ("app", True)])
def test_no_module_imports_itself_through_others(package: str, with_types: bool) -> None:
    """`with_types`: imports for annotations alone count too. The message is a circle."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=not with_types, cache_dir=None)
    arrows = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(arrows) > 100
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_the_whole_studio_is_imported_without_torch() -> None:
    assert [found for found in loaded_with([*map(module, APP)]) if not found.startswith("PySide6")] == []


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_a_void_call_into_qt_keeps_its_reference_to_none(qapp: QApplication) -> None:
    """PySide6 6.12.0 loses one in each call, until the interpreter aborts: hence the pin in pyproject.toml."""
    label, before = QLabel(), sys.getrefcount(None)
    for _ in range(1000):
        label.setText("tweedie")
    assert abs(sys.getrefcount(None) - before) < 500
