"""The checks of the machine before an installation, and the messages for what is missing."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import run

# ---- the command line ----


@pytest.mark.parametrize(
    ("argv", "call"),
    [
        ([], run.Call("studio")),
        (["--cpu"], run.Call("studio", cpu=True)),
        (["--cpu", "test", "-k", "noise"], run.Call("test", ("-k", "noise"), cpu=True)),
        (["generate", "red apple", "--cpu", "--help"], run.Call("generate", ("red apple", "--cpu", "--help"))),
        (["--version", "test"], run.Call("version")),
        (["-h"], run.Call("h")),
    ],
)
def test_options_before_the_command_belong_to_run_py_and_later_ones_to_the_command(
    argv: list[str], call: run.Call
) -> None:
    assert run.parse(argv) == call


@pytest.mark.parametrize(
    ("argv", "started"),
    [
        ([], "start -m app"),
        (["studio", "cat.png"], "start -m app cat.png"),
        (["generate", "red apple", "--out", "a.png"], "start -m engine generate red apple --out a.png"),
        (["bench", "-q"], "start -m engine bench -q"),
        (["engine", "--help"], "start -m engine --help"),
    ],
)
def test_commands_reach_the_studio_or_the_engine(
    argv: list[str], started: str, facts: run.Facts, steps: list[str]
) -> None:
    assert run.go(argv, facts) == 0
    assert steps[-1] == started


def test_version_and_help_install_nothing(
    facts: run.Facts, steps: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.go(["--version"], facts) == 0
    assert capsys.readouterr().out == "Tweedie Studio 7.8.9\n"
    assert run.go(["--help"], facts) == 0
    assert "generate" in capsys.readouterr().out
    assert steps == []


def test_run_py_imports_only_the_standard_library() -> None:
    bare = [sys.executable, "-S", "-I", run.__file__, "--version"]
    assert subprocess.run(bare, capture_output=True, text=True, check=True).stdout.startswith("Tweedie Studio ")


def test_a_problem_is_one_sentence_and_exit_code_2() -> None:
    done = subprocess.run([sys.executable, run.__file__, "--frobnicate"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "--frobnicate" in done.stderr


# ---- what a machine may lack ----


def test_the_message_for_an_old_python_names_the_needed_version() -> None:
    assert run.python_problem((3, 10, 0)) == ""
    assert run.python_problem((4, 0, 0)) == ""
    sentence = run.python_problem((3, 9, 18))
    assert "3.10" in sentence
    assert "3.9.18" in sentence


def test_an_old_python_can_parse_run_py() -> None:
    source = Path(run.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    before = source[: source.index("if python_problem(")]
    assert "import" not in before.replace("import sys", ""), "a newer module would fail before the sentence is said"


def test_without_a_display_the_studio_names_the_headless_command_and_installs_nothing(
    facts: run.Facts, steps: list[str]
) -> None:
    with pytest.raises(run.Problem, match=r"no display.* run.py generate"):
        run.go([], dataclasses.replace(facts, environ={"DISPLAY": ""}))
    assert steps == []


@pytest.mark.parametrize(
    ("system", "environ"),
    [
        ("Linux", {"DISPLAY": ":0"}),
        ("Linux", {"WAYLAND_DISPLAY": "wayland-0"}),
        ("Linux", {"QT_QPA_PLATFORM": "vnc"}),
        ("Darwin", {}),
        ("Windows", {}),
    ],
)
def test_a_display_is_recognised(system: str, environ: dict[str, str], facts: run.Facts) -> None:
    run.require_display(dataclasses.replace(facts, system=system, environ=environ))


def refuse(*names: str) -> Callable[[str], None]:
    def load(soname: str) -> None:
        if soname in names:
            raise OSError(f"{soname}: cannot open shared object file")

    return load


def test_missing_libraries_are_found_by_trying_to_load_them() -> None:
    missing = run.missing_libraries(run.QT_LIBRARIES, refuse("libEGL.so.1", "libxcb-shape.so.0"))
    assert missing == {"libEGL.so.1": "libegl1"}


def test_only_a_real_x11_window_needs_the_x11_libraries(facts: run.Facts) -> None:
    offscreen = dataclasses.replace(facts, environ={"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"})
    wayland = dataclasses.replace(facts, environ={"WAYLAND_DISPLAY": "wayland-0"})
    assert run.needed_libraries("studio", facts) == {**run.QT_LIBRARIES, **run.X11_LIBRARIES}
    assert run.needed_libraries("studio", offscreen) == run.QT_LIBRARIES
    assert run.needed_libraries("studio", wayland) == run.QT_LIBRARIES
    assert run.needed_libraries("test", facts) == run.QT_LIBRARIES
    assert run.needed_libraries("generate", facts) == {}
    assert run.needed_libraries("studio", dataclasses.replace(facts, system="Darwin")) == {}


@pytest.mark.parametrize(
    ("has_apt", "sentence"),
    [
        (True, r"sudo apt install libgl1 libdbus-1-3$"),
        (False, r"libGL\.so\.1, libdbus-1\.so\.3.*package manager"),
    ],
)
def test_a_user_who_is_not_root_gets_the_apt_command(
    has_apt: bool, sentence: str, facts: run.Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {"libGL.so.1": "libgl1", "libdbus-1.so.3": "libdbus-1-3"}
    monkeypatch.setattr(run, "missing_libraries", lambda wanted: missing)
    monkeypatch.setattr(subprocess, "call", lambda *args, **kwargs: pytest.fail("nothing may be run"))
    with pytest.raises(run.Problem, match=sentence):
        run.require_qt("test", dataclasses.replace(facts, has_apt=has_apt))


def test_root_gets_the_libraries_installed_after_fetching_missing_package_lists(
    facts: run.Facts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []
    listed = False

    def apt(command: list[str], **kwargs: object) -> int:
        nonlocal listed
        calls.append(command[1])
        listed = listed or command[1] == "update"
        return 0 if listed else 100

    monkeypatch.setattr(run, "missing_libraries", lambda wanted: {"libEGL.so.1": "libegl1"})
    monkeypatch.setattr(subprocess, "call", apt)
    run.require_qt("test", dataclasses.replace(facts, is_root=True))
    assert calls == ["install", "update", "install"]
    assert "libegl1" in capsys.readouterr().out


def test_too_small_a_disk_is_refused_before_anything_is_written(facts: run.Facts, steps: list[str]) -> None:
    small = dataclasses.replace(facts, free=int(4 * run.GB))
    with pytest.raises(run.Problem, match=r"needs 9\.9 GB .* 4\.0 GB are free: .*--cpu"):
        run.go(["generate"], small)
    assert steps == []
    assert not small.venv.exists()


def test_installed_packages_need_no_more_space() -> None:
    def machine(free: float) -> run.Facts:
        return run.Facts(Path(), (3, 11), "Linux", {}, int(free * run.GB), False, True, True, False)

    run.require_disk(6.5, int(6.5 * run.GB), machine(free=0.3))
    run.require_disk(6.5, int(4.5 * run.GB), machine(free=3.3))
    with pytest.raises(run.Problem, match="free some space"):
        run.require_disk(6.5, int(4.5 * run.GB), machine(free=3.1))
    with pytest.raises(run.Problem, match=r"free some space\.$"):
        run.require_disk(1.5, 0, machine(free=1.0))


@pytest.mark.parametrize(("has_apt", "remedy"), [(True, "sudo apt install python3-venv"), (False, "python.org")])
def test_the_message_for_a_python_without_venv_names_the_remedy(
    has_apt: bool, remedy: str, facts: run.Facts, steps: list[str]
) -> None:
    with pytest.raises(run.Problem, match=remedy):
        run.go(["generate"], dataclasses.replace(facts, has_venv=False, has_apt=has_apt))
    assert steps == []


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "free some space"),
        ("WARNING: Retrying (Retry(total=4)) after NewConnectionError\nERROR: No matching distribution found for torch",
         "connect to the network"),
        ("ERROR: No matching distribution found for torch<3,>=2.6", "3.10 to 3.14"),
    ],
)  # fmt: skip
def test_known_pip_failures_are_explained(output: str, remedy: str) -> None:
    assert remedy in run.explain(output)


def fake_pip(python: Path, script: str) -> None:
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for pip with a shell script")
@pytest.mark.parametrize(
    ("script", "sentence", "shown"),
    [
        ("echo ERROR: No space left on device; exit 1", "disk is full", ""),
        (
            "echo ERROR: the moon is in the wrong quarter; exit 1",
            "pip stopped with the error above",
            "the moon is in the wrong quarter",
        ),
    ],
)
def test_unknown_pip_failures_show_pips_output(
    script: str, sentence: str, shown: str, facts: run.Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_pip(facts.python, script)
    with pytest.raises(run.Problem, match=sentence):
        run.pip(["--editable", "."], facts)
    assert shown in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for pip with a shell script")
def test_pip_unpacks_inside_venv_and_leaves_nothing(facts: run.Facts, capsys: pytest.CaptureFixture[str]) -> None:
    fake_pip(
        facts.python, 'test -d "$TMPDIR" && echo "Processing $TMPDIR/timm-1.0-py3-none-any.whl" && touch "$TMPDIR/x"'
    )
    run.pip(["timm"], facts)
    assert capsys.readouterr().out == "  timm 1.0\n"
    assert [path.name for path in facts.venv.iterdir()] == ["bin"]
