"""Installing into .venv: once, again after a change, and one call at a time."""

from __future__ import annotations

import dataclasses
import errno
import subprocess
import sys
from pathlib import Path

import pytest

import run
from tests.run_script.conftest import PYPROJECT, fresh


def test_the_first_call_installs_and_the_next_one_starts_at_once(facts: run.Facts, steps: list[str]) -> None:
    run.go([], facts)
    assert steps == ["venv, cleared", "pip setuptools>=77", "pip --no-build-isolation --editable .", "start -m app"]
    steps.clear()
    run.go([], facts)
    assert steps == ["start -m app"]


def test_a_change_of_pyproject_python_or_folder_is_noticed(facts: run.Facts, steps: list[str], tmp_path: Path) -> None:
    run.go([], facts)
    assert fresh(steps)

    (facts.root / "pyproject.toml").write_text(PYPROJECT.replace("7.8.9", "7.9.0"), encoding="utf-8")
    run.go([], facts)
    assert "venv, cleared" not in steps, "what is installed stays"
    assert fresh(steps)

    run.go([], dataclasses.replace(facts, version=(3, 12)))
    assert "venv, cleared" in steps, "packages of another Python are of no use"
    assert fresh(steps)

    moved = dataclasses.replace(facts, root=facts.root.rename(tmp_path.parent / f"{tmp_path.name}-moved"))
    run.go([], moved)
    assert fresh(steps)


def test_a_command_installs_its_extras_once_and_removes_nothing(facts: run.Facts, steps: list[str]) -> None:
    run.go(["train"], facts)
    assert "pip --no-build-isolation --editable .[train]" in steps
    steps.clear()
    run.prepare(run.Call("test"), facts)
    assert steps[-1] == "pip --no-build-isolation --editable .[test,train]"
    steps.clear()
    for command in ("studio", "train", "test"):
        run.prepare(run.Call(command), facts)
    assert steps == []


def test_an_interrupted_installation_is_repaired_by_the_next_call(
    facts: run.Facts, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pulled_plug(args: list[str], facts: run.Facts) -> None:
        if "--editable" in args:
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "reachable", lambda url: True)
    with monkeypatch.context() as broken:
        broken.setattr(run, "pip", pulled_plug)
        with pytest.raises(KeyboardInterrupt):
            run.go(["--cpu", "train"], facts)
    steps.clear()
    run.go([], facts)
    assert "venv, cleared" not in steps, "what was fetched is kept"
    assert "pip --no-build-isolation --editable .[train]" in steps
    assert any(run.CPU_INDEX in step for step in steps), "and so is the choice of torch"


def test_an_existing_environment_is_kept(facts: run.Facts, steps: list[str]) -> None:
    run.make_venv(facts.venv, clear=False)
    steps.clear()
    run.go([], facts)
    assert not any("venv" in step for step in steps)
    assert fresh(steps)


INSTALL = """\
import dataclasses, json, sys, time
from pathlib import Path
import run

root = Path(sys.argv[1])
facts = run.Facts(root, (3, 11), "Linux", {"DISPLAY": ":0"}, 100 * 10**9, False, True, True, False)

def make_venv(folder, clear):
    facts.bin.mkdir(parents=True)  # fails where another one is at it
    facts.python.touch()
    (folder / "pyvenv.cfg").write_text("version = 3.11.7\\n")
    (folder / "lib/python3.11/site-packages/pip-23.dist-info").mkdir(parents=True)

def pip(args, facts):
    print("pip", *args, flush=True)
    while "--editable" in args and not (root / "go on").exists():
        time.sleep(0.01)

run.make_venv, run.pip = make_venv, pip
run.prepare(run.Call(sys.argv[2]), facts)
print("ready", flush=True)
"""


def installing(facts: run.Facts, command: str) -> subprocess.Popen[str]:
    """Start a process that prepares for a command and waits before its last step until the test lets it continue."""
    return subprocess.Popen(
        [sys.executable, "-c", INSTALL, str(facts.root), command], cwd=run.ROOT, stdout=subprocess.PIPE, text=True
    )


def lines_until(process: subprocess.Popen[str], word: str) -> list[str]:
    assert process.stdout
    lines: list[str] = []
    while not lines or word not in lines[-1]:
        line = process.stdout.readline()
        assert line, f"it ended without “{word}”: {lines}"
        lines.append(line)
    return lines


def test_of_two_calls_at_once_one_installs_and_the_other_waits_and_says_so(facts: run.Facts) -> None:
    with installing(facts, "studio") as first:
        lines_until(first, "--editable")
        with installing(facts, "generate") as second:
            assert lines_until(second, "waiting")[-1] == (
                f"Another installation runs in {facts.root}: waiting until it is done.\n"
            )
            (facts.root / "go on").touch()
            assert lines_until(second, "ready") == ["ready\n"], "there is nothing left to install"
        lines_until(first, "ready")
    assert (first.returncode, second.returncode) == (0, 0)


def test_a_waiting_call_installs_the_missing_extras(facts: run.Facts) -> None:
    with installing(facts, "studio") as first:
        lines_until(first, "--editable")
        with installing(facts, "train") as second:
            lines_until(second, "waiting")
            (facts.root / "go on").touch()
            assert "pip --no-build-isolation --editable .[train]\n" in lines_until(second, "ready")
        lines_until(first, "ready")


def test_a_waiting_call_takes_over_a_killed_installation(facts: run.Facts) -> None:
    with installing(facts, "studio") as first:
        lines_until(first, "--editable")
        with installing(facts, "studio") as second:
            lines_until(second, "waiting")
            first.kill()
            lines_until(second, "--editable")
            (facts.root / "go on").touch()
            lines_until(second, "ready")


@pytest.mark.skipif(sys.platform == "win32", reason="asks what flock says on a disk without locks")
def test_a_disk_without_locks_makes_nobody_wait(
    facts: run.Facts, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    run.go([], facts)
    assert fresh(steps)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fingerprint": "x"}'])
def test_a_damaged_stamp_counts_as_none(content: str, facts: run.Facts) -> None:
    facts.venv.mkdir()
    (facts.venv / run.STAMP).write_text(content, encoding="utf-8")
    assert run.read_stamp(facts) == run.Stamp()


def test_cpu_installs_only_torch_from_the_cpu_index_and_is_remembered(
    facts: run.Facts, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "reachable", lambda url: True)
    run.go(["--cpu"], facts)
    torch = f"pip --index-url {run.CPU_INDEX} torch>=2.6,<3 torchvision>=0.21,<1"
    assert steps.index(torch) < steps.index("pip --no-build-isolation --editable .")
    steps.clear()
    run.go([], facts)
    run.go(["--cpu"], facts)
    assert steps == ["start -m app", "start -m app"]


def test_cpu_falls_back_to_the_default_index_and_says_so(
    facts: run.Facts, steps: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "reachable", lambda url: False)
    run.go(["--cpu"], facts)
    assert not any("--index-url" in step for step in steps)
    said = capsys.readouterr().out
    assert "cannot be reached" in said
    assert "6.5 GB" in said


def test_cpu_after_a_full_installation_says_that_it_has_no_effect(
    facts: run.Facts, steps: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run.go([], facts)
    run.go(["--cpu"], facts)
    assert steps[-2:] == ["start -m app", "start -m app"]
    assert "delete .venv first" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "summary"),
    [
        ("Collecting torch<2.15,>=2.6 (from tweedie-studio==0.1.0)\n", ""),
        ("  Downloading torch-2.14.1-cp311-cp311-manylinux_2_28_x86_64.whl (554.6 MB)\n", "  torch 2.14.1 (554.6 MB)"),
        ("  Downloading https://host/a/pillow-13.0.0-cp311-cp311-win_amd64.whl (7.1 MB)\n", "  pillow 13.0.0 (7.1 MB)"),
        ("  Downloading pillow-13.0.0-cp311-cp311-win_amd64.whl.metadata (9.1 kB)\n", ""),
        ("Processing /opt/files/sympy-1.14.0-py3-none-any.whl (from torch<2.15)\n", "  sympy 1.14.0"),
        ("Requirement already satisfied: numpy in ./.venv/lib/python3.11/site-packages (2.4.6)\n", ""),
        ("Installing collected packages: a, b, c\n", "  unpacking 3 packages"),
        ("Installing collected packages: setuptools\n", ""),
        ("WARNING: Retrying (Retry(total=4))\n", "  the package index does not answer; trying again"),
    ],
)
def test_pips_output_is_shortened_to_a_line_per_package(line: str, summary: str) -> None:
    assert run.summarise(line) == summary
