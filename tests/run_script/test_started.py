"""Starting: the checks of run.py test, and the contents of a wheel of the project."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest

import run


def test_every_check_runs_offscreen_and_the_failed_ones_are_named(
    facts: run.Facts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def call(command: list[str], cwd: Path, env: dict[str, str]) -> int:
        assert cwd == facts.root
        assert env["QT_QPA_PLATFORM"] == "offscreen"
        ran.append(" ".join(command[-3:]))
        return {"-m mypy": 1, "pytest -k noise": 3}.get(" ".join(command[-3:]).removeprefix(f"{facts.python} "), 0)

    monkeypatch.setattr(subprocess, "call", call)
    assert run.run_checks(("-k", "noise"), facts) == 1
    assert len(ran) == 5
    assert capsys.readouterr().out.endswith("Failed: mypy, pytest.\n")


def test_waiting_threads_sleep_unless_the_user_sets_otherwise(facts: run.Facts) -> None:
    assert run.environment(facts)["OMP_WAIT_POLICY"] == "PASSIVE"
    active = dataclasses.replace(facts, environ={"OMP_WAIT_POLICY": "ACTIVE"})
    assert run.environment(active)["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as `python -m build` makes it, from a copy: a build leaves its folders behind."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copy(run.ROOT / name, tree)
    for name in ("app", "engine", "resources", "tests"):
        copytree(run.ROOT / name, tree / name, ignore=ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(tree)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(out.glob("tweedie_studio-*.whl")))


def test_the_wheel_holds_every_resource_and_all_code_but_no_tests(wheel: zipfile.ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    code = {p for place in ("app", "engine") for p in (run.ROOT / place).rglob("*") if p.suffix in (".py", ".svg")}
    resources = {p for p in (run.ROOT / "resources").rglob("*") if p.is_file() and p.suffix not in (".pyc", ".part")}
    assert {p.relative_to(run.ROOT).as_posix() for p in code | resources} <= held
    assert {name.split("/")[0] for name in held} == {"app", "engine", "resources"}


def test_the_wheel_starts_the_studio_from_a_menu_and_the_engine_from_a_terminal(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    text = wheel.read(entry_points).decode()
    assert "[gui_scripts]\ntweedie-studio = app.__main__:main" in text
    assert "[console_scripts]\ntweedie = engine.__main__:main" in text
