"""run.py decides from injected facts: nothing is installed here, nothing is fetched."""

from __future__ import annotations

import ast
import dataclasses
import errno
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

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
    """A Linux desktop with everything in place but .venv."""
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
    """What an installation does, told instead of done."""
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
def test_options_before_the_command_are_run_pys_and_those_after_it_the_commands(
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


def test_the_standard_library_is_enough_for_run_py() -> None:
    bare = [sys.executable, "-S", "-I", run.__file__, "--version"]
    assert subprocess.run(bare, capture_output=True, text=True, check=True).stdout.startswith("Tweedie Studio ")


def test_a_problem_is_one_sentence_and_exit_code_2() -> None:
    done = subprocess.run([sys.executable, run.__file__, "--frobnicate"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "--frobnicate" in done.stderr


# ---- what a machine may lack ----


def test_an_old_python_is_told_which_one_is_needed() -> None:
    assert run.python_problem((3, 10, 0)) == ""
    assert run.python_problem((4, 0, 0)) == ""
    sentence = run.python_problem((3, 9, 18))
    assert "3.10" in sentence
    assert "3.9.18" in sentence


def test_an_old_python_can_read_run_py_as_far_as_that_sentence() -> None:
    source = Path(run.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    before = source[: source.index("if python_problem(")]
    assert "import" not in before.replace("import sys", ""), "a newer module would fail before the sentence is said"


def test_without_a_display_the_studio_says_how_to_work_without_and_installs_nothing(
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
    assert run.wanted_libraries("studio", facts) == {**run.QT_LIBRARIES, **run.X11_LIBRARIES}
    assert run.wanted_libraries("studio", offscreen) == run.QT_LIBRARIES
    assert run.wanted_libraries("studio", wayland) == run.QT_LIBRARIES
    assert run.wanted_libraries("test", facts) == run.QT_LIBRARIES
    assert run.wanted_libraries("generate", facts) == {}
    assert run.wanted_libraries("studio", dataclasses.replace(facts, system="Darwin")) == {}


@pytest.mark.parametrize(
    ("has_apt", "sentence"),
    [
        (True, r"sudo apt install libgl1 libdbus-1-3$"),
        (False, r"libGL\.so\.1, libdbus-1\.so\.3.*package manager"),
    ],
)
def test_who_is_not_root_is_told_what_to_type(
    has_apt: bool, sentence: str, facts: run.Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {"libGL.so.1": "libgl1", "libdbus-1.so.3": "libdbus-1-3"}
    monkeypatch.setattr(run, "missing_libraries", lambda wanted: missing)
    monkeypatch.setattr(subprocess, "call", lambda *args, **kwargs: pytest.fail("nothing may be run"))
    with pytest.raises(run.Problem, match=sentence):
        run.require_qt("test", dataclasses.replace(facts, has_apt=has_apt))


def test_root_gets_the_libraries_installed_and_the_lists_fetched_where_there_are_none(
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


def test_too_small_a_disk_is_refused_before_anything_is_made(facts: run.Facts, steps: list[str]) -> None:
    small = dataclasses.replace(facts, free=int(4 * run.GB))
    with pytest.raises(run.Problem, match=r"needs 9\.9 GB .* there are 4\.0: .*--cpu"):
        run.go(["generate"], small)
    assert steps == []
    assert not small.venv.exists()


def test_what_is_there_already_needs_no_room() -> None:
    def machine(free: float) -> run.Facts:
        return run.Facts(Path(), (3, 11), "Linux", {}, int(free * run.GB), False, True, True, False)

    run.require_disk(6.5, int(6.5 * run.GB), machine(free=0.3))
    run.require_disk(6.5, int(4.5 * run.GB), machine(free=3.3))
    with pytest.raises(run.Problem, match="free some space"):
        run.require_disk(6.5, int(4.5 * run.GB), machine(free=3.1))
    with pytest.raises(run.Problem, match=r"free some space\.$"):
        run.require_disk(1.5, 0, machine(free=1.0))


@pytest.mark.parametrize(("has_apt", "remedy"), [(True, "sudo apt install python3-venv"), (False, "python.org")])
def test_a_python_without_venv_is_told_the_remedy(
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
def test_what_pip_stumbles_over_is_explained(output: str, remedy: str) -> None:
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
        ("echo ERROR: the moon is in the wrong quarter; exit 1", "pip says above", "the moon is in the wrong quarter"),
    ],
)
def test_pips_own_words_are_shown_where_no_sentence_of_ours_fits(
    script: str, sentence: str, shown: str, facts: run.Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_pip(facts.python, script)
    with pytest.raises(run.Problem, match=sentence):
        run.pip(["--editable", "."], facts)
    assert shown in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for pip with a shell script")
def test_pip_unpacks_beside_the_packages_and_leaves_nothing(
    facts: run.Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_pip(
        facts.python, 'test -d "$TMPDIR" && echo "Processing $TMPDIR/timm-1.0-py3-none-any.whl" && touch "$TMPDIR/x"'
    )
    run.pip(["timm"], facts)
    assert capsys.readouterr().out == "  timm 1.0\n"
    assert [path.name for path in facts.venv.iterdir()] == ["bin"]


# ---- the environment ----


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


def test_a_command_brings_what_it_needs_once_and_nothing_is_taken_away(facts: run.Facts, steps: list[str]) -> None:
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


def test_an_environment_that_is_there_is_adopted(facts: run.Facts, steps: list[str]) -> None:
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
    """A process of its own that prepares for a command, and holds at its last step until told to go on."""
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


def test_of_two_calls_at_once_one_installs_and_the_other_waits_for_it_and_says_so(facts: run.Facts) -> None:
    with installing(facts, "studio") as first:
        lines_until(first, "--editable")
        with installing(facts, "generate") as second:
            assert lines_until(second, "waiting")[-1] == (
                f"Another installation is under way in {facts.root}: waiting until it is done.\n"
            )
            (facts.root / "go on").touch()
            assert lines_until(second, "ready") == ["ready\n"], "there is nothing left to install"
        lines_until(first, "ready")
    assert (first.returncode, second.returncode) == (0, 0)


def test_a_call_that_waited_still_installs_what_the_other_did_not(facts: run.Facts) -> None:
    with installing(facts, "studio") as first:
        lines_until(first, "--editable")
        with installing(facts, "train") as second:
            lines_until(second, "waiting")
            (facts.root / "go on").touch()
            assert "pip --no-build-isolation --editable .[train]\n" in lines_until(second, "ready")
        lines_until(first, "ready")


def test_who_waits_for_an_installation_that_was_killed_takes_it_over(facts: run.Facts) -> None:
    with installing(facts, "studio") as first:
        lines_until(first, "--editable")
        with installing(facts, "studio") as second:
            lines_until(second, "waiting")
            first.kill()
            lines_until(second, "--editable")
            (facts.root / "go on").touch()
            lines_until(second, "ready")


@pytest.mark.skipif(sys.platform == "win32", reason="asks what flock says on a disk without locks")
def test_a_disk_that_knows_no_locks_keeps_nobody_waiting(
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


def test_cpu_takes_torch_alone_from_the_cpu_index_and_is_remembered(
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


def test_cpu_after_a_full_installation_says_that_it_comes_too_late(
    facts: run.Facts, steps: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run.go([], facts)
    run.go(["--cpu"], facts)
    assert steps[-2:] == ["start -m app", "start -m app"]
    assert "delete .venv first" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "told"),
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
def test_pip_is_told_in_a_line_per_package(line: str, told: str) -> None:
    assert run.brief(line) == told


# ---- checks, and what a command is started with ----


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


def test_waiting_threads_sleep_unless_the_person_says_otherwise(facts: run.Facts) -> None:
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
