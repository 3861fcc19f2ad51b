"""Starting: the checks of run.py test, and the contents of a wheel of the project."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
import zipfile
from shutil import copy, copytree, ignore_patterns

import pytest

import run

by_shell = pytest.mark.skipif(sys.platform == "win32", reason="stands in for the checks with a shell script")


def stand_in(facts: run.Facts, **scripts: str) -> None:
    """A shell in the place of Python and of lint-imports, which runs the script of the tool that it is called for."""
    cases = "".join(f"*{tool}*)\n{script}\n;;\n" for tool, script in scripts.items())
    for program in (facts.python, facts.bin / "lint-imports"):
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\ncase "{program.name} $*" in\n{cases}esac\n', encoding="utf-8")
        program.chmod(0o755)


@by_shell
def test_every_check_is_shown_under_its_name_and_the_failed_ones_are_named(
    facts: run.Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(
        facts,
        mypy="echo a wrong type >&2; exit 1",
        imports="echo contracts kept",
        pytest='echo "$QT_QPA_PLATFORM in $PWD: $*"; echo "=== 1 failed, 41 passed in 9.00s ==="; exit 3',
    )
    assert run.run_checks(("-k", "noise"), facts) == 1, "the first exit code that is not 0"
    told = capsys.readouterr().out
    shown = [part for part in told.split("\n== ") if part]
    assert [part.split()[0] for part in shown[::2]] == ["ruff", "ruff", "mypy", "import", "pytest"]
    assert shown[4].startswith("mypy ==\na wrong type")
    assert shown[5].startswith("mypy: failed, exit code 1, ")
    assert "contracts kept" in shown[6]
    assert f"offscreen in {facts.root}: -m pytest -n auto --dist loadfile -k noise\n" in shown[8]
    assert told.endswith("Failed: mypy, pytest. 1 failed, 41 passed in 9.00s\n")


@by_shell
def test_where_all_pass_the_last_line_says_so_in_pytests_own_words(
    facts: run.Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(facts, pytest="printf '\\033[32m== \\033[1m42 passed\\033[0m in 9.00s ==\\033[0m\\n'")
    assert run.run_checks((), facts) == 0
    assert capsys.readouterr().out.endswith("\nAll 5 checks passed. 42 passed in 9.00s\n")


@by_shell
def test_the_checks_run_beside_each_other_however_much_they_say(facts: run.Facts) -> None:
    stand_in(
        facts,
        mypy="until test -e pytest-began; do sleep 0.01; done",
        pytest="i=0; while test $i -lt 5000; do echo line $i of many; i=$((i + 1)); done; touch pytest-began",
    )
    assert run.run_checks((), facts) == 0


@by_shell
@pytest.mark.parametrize("args", [("-m", "bench", "-s"), ("tests/bench",), ("-x", "--pdb"), ("-s",)])
def test_benchmarks_and_interactive_runs_use_the_terminal_directly(
    args: tuple[str, ...], facts: run.Facts, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in(facts, mypy="sleep 0.1; test ! -e pytest-began", pytest="touch pytest-began; echo to the terminal")
    assert run.run_checks(args, facts) == 0
    assert "to the terminal\n" in capfd.readouterr().out


@by_shell
def test_an_interruption_leaves_no_check_running(facts: run.Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(facts, pytest="echo $$ > number.part; mv number.part number; exec sleep 60")

    def interrupted(check: run.Check) -> int:
        while not (facts.root / "number").exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(run.Check, "show", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.run_checks((), facts)
    with pytest.raises(ProcessLookupError):
        os.kill(int((facts.root / "number").read_text()), 0)


def test_waiting_threads_sleep_unless_the_user_sets_otherwise(facts: run.Facts) -> None:
    assert run.environment(facts)["OMP_WAIT_POLICY"] == "passive"
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
    build += ["--config-setting=--build-option=--compression=stored"]  # packing the weights takes longer than the rest
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
