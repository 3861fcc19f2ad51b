"""Fixtures for run.py with injected facts: these tests install and download nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import run

PYPROJECT = """\
[project]
version = "7.8.9"
dependencies = [
    "torch>=2.6,<3",
    "torchvision>=0.21,<1",
    "timm",
]
"""


@pytest.fixture
def facts(tmp_path: Path) -> run.Facts:
    """A Linux desktop that has everything except .venv."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    return run.Facts(
        root=tmp_path,
        version=(3, 11),
        system="Linux",
        environ={"DISPLAY": ":0"},
        free=int(100 * run.GB),
        is_root=False,
        has_apt=True,
        has_venv=True,
        tty=False,
    )


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the steps of an installation instead of doing them."""
    told: list[str] = []

    def make_venv(folder: Path, clear: bool) -> None:
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        (folder / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n", encoding="utf-8")
        (folder / "lib/python3.11/site-packages/pip-23.dist-info").mkdir(parents=True, exist_ok=True)
        told.append("venv, cleared" if clear else "venv")

    def start(args: list[str], facts: run.Facts) -> int:
        told.append("start " + " ".join(args))
        return 0

    monkeypatch.setattr(run, "make_venv", make_venv)
    monkeypatch.setattr(run, "pip", lambda args, facts: told.append("pip " + " ".join(args)))
    monkeypatch.setattr(run, "missing_libraries", lambda wanted: {})
    monkeypatch.setattr(run, "start", start)
    return told


def fresh(steps: list[str]) -> bool:
    """Whether an installation was made since the last time this was asked."""
    installed = any("--editable" in step for step in steps)
    steps.clear()
    return installed
