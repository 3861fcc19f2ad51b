#!/usr/bin/env python3
"""Tweedie Studio on a fresh machine: makes .venv beside this file, installs the project into it and starts it.

Standard library only. Python 3.6 can still parse this file, so that it can say which Python it needs.
"""

import sys

OLDEST = (3, 10)


def python_problem(version: tuple) -> str:
    """What is wrong with a Python of this version, in a sentence; "" when nothing is."""
    if tuple(version[:2]) >= OLDEST:
        return ""
    needed, found = ".".join(map(str, OLDEST)), ".".join(map(str, version[:3]))
    return (
        f"Python {needed} or newer is needed and this is {found}: install one from python.org or your package "
        f"manager and call it by name, as in python3.12 run.py."
    )


if python_problem(sys.version_info):
    sys.stderr.write(python_problem(sys.version_info) + "\n")
    sys.exit(2)

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ctypes import CDLL
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent
STAMP = "tweedie.json"  # in .venv, written last
LOCK = ".installing"  # beside .venv, which an installation may clear
TORCH = r'^\s*"(torch(?:vision)?[<>=~][^"]*)"'  # the requirements that CPU_INDEX can serve
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# What a command needs beyond the studio itself.
EXTRAS = {"test": ("test",), "train": ("train",), "data": ("train",), "bench": ("bench",)}
GB = 1e9
FULL_GB, CPU_GB = 6.5, 1.5  # the finished .venv on Linux: measured, and the same less the files of CUDA
WORKERS = ("-n", "auto", "--dist", "loadfile")  # tests/conftest.py says how many workers auto is
HEADLESS = 'python3 run.py generate "red apple" --out apple.png'

# By the name that is loaded: packages are renamed from release to release (libglib2.0-0t64), sonames are not.
# fmt: off
QT_LIBRARIES = {
    "libGL.so.1": "libgl1", "libEGL.so.1": "libegl1", "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3", "libfontconfig.so.1": "libfontconfig1", "libxkbcommon.so.0": "libxkbcommon0",
}
X11_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0", "libxcb-icccm.so.4": "libxcb-icccm4", "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1", "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
# fmt: on

HELP = """\
Tweedie Studio: watch, scrub, fork and understand every denoising step.

  python3 run.py                    open the studio
  python3 run.py generate "red apple" --out apple.png
                                    make a picture without a window
  python3 run.py test [ARGS]        linters, types, import contracts and tests; ARGS go to pytest
  python3 run.py COMMAND [ARGS]     any other command of the engine; COMMAND --help explains it,
                                    python3 run.py engine --help lists them

The first call makes .venv beside run.py and installs everything into it; later calls start at once.

options, before the command:
  --cpu        on the first call: a torch for the processor alone, about 1.5 GB instead of 6.5
  --version    print the version
  -h, --help   print this
"""

NO_NETWORK = "NewConnection|Max retries|name resolution|getaddrinfo failed|ProxyError|Timeout|Network is unreachable"
PIP_FAILURES = {
    "No space left on device|Errno 28": "The disk is full: free some space and call again.",
    NO_NETWORK: "The package index cannot be reached: connect to the network and call again.",
    "No matching distribution found for torch": "There is no torch for this Python: call a 64-bit one, 3.10 to 3.14.",
    "Permission denied|Errno 13": "A folder cannot be written: move run.py and all beside it into one that is yours.",
}


class Problem(Exception):
    """Something that a person has to do first; the message says what, in one sentence."""


@dataclass(frozen=True)
class Facts:
    """The machine as far as it decides anything here; free in bytes, on the disk that .venv goes to."""

    root: Path
    version: tuple[int, int]
    system: str
    environ: Mapping[str, str]
    free: int
    is_root: bool
    has_apt: bool
    has_venv: bool
    tty: bool

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def bin(self) -> Path:
        return self.venv / ("Scripts" if self.system == "Windows" else "bin")

    @property
    def python(self) -> Path:
        return self.bin / ("python.exe" if self.system == "Windows" else "python")


def read_facts() -> Facts:
    from importlib.util import find_spec

    return Facts(
        root=ROOT,
        version=sys.version_info[:2],
        system=platform.system(),
        environ=os.environ,
        free=shutil.disk_usage(ROOT).free,
        is_root=getattr(os, "geteuid", lambda: -1)() == 0,
        has_apt=shutil.which("apt-get") is not None,
        has_venv=find_spec("venv") is not None and find_spec("ensurepip") is not None,
        tty=sys.stdout.isatty(),
    )


class Call(NamedTuple):
    """The command line: what comes before the command is for run.py, what follows it for the command."""

    command: str
    args: tuple[str, ...] = ()
    cpu: bool = False


def parse(argv: list[str]) -> Call:
    cpu = False
    for i, word in enumerate(argv):
        if word == "--cpu":
            cpu = True
        elif word in ("-h", "--help", "--version"):
            return Call(word.lstrip("-"))
        elif word.startswith("-"):
            raise Problem(f"run.py has no option {word} before a command: python3 run.py --help lists what there is.")
        else:
            return Call(word, tuple(argv[i + 1 :]), cpu)
    return Call("studio", cpu=cpu)


def declared(pattern: str, root: Path) -> list[str]:
    """What pyproject.toml says, line by line (tomllib came with 3.11)."""
    return re.findall(pattern, (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)


def require_display(facts: Facts) -> None:
    """Raises Problem where no window can be shown. An explicit QT_QPA_PLATFORM is taken at its word."""
    if facts.system == "Linux" and not any(
        facts.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise Problem(f"There is no display here to open a window on; without one, {HEADLESS} makes pictures.")


def wanted_libraries(command: str, facts: Facts) -> dict[str, str]:
    """The shared libraries that Qt needs for a command, each with the Debian package it comes in."""
    if facts.system != "Linux" or command not in ("studio", "test"):
        return {}
    window = command == "studio" and facts.environ.get("DISPLAY") and not facts.environ.get("QT_QPA_PLATFORM")
    return {**QT_LIBRARIES, **X11_LIBRARIES} if window else QT_LIBRARIES


def missing_libraries(wanted: Mapping[str, str], load: Callable[[str], Any] = CDLL) -> dict[str, str]:
    missing = {}
    for soname, package in wanted.items():
        try:
            load(soname)
        except OSError:
            missing[soname] = package
    return missing


def require_qt(command: str, facts: Facts) -> None:
    """Installs the system libraries that Qt misses where that is possible; raises Problem where it is not."""
    missing = missing_libraries(wanted_libraries(command, facts))
    if not missing:
        return
    packages = list(missing.values())
    if not facts.has_apt:
        raise Problem(f"Qt misses {', '.join(missing)}: install them with the system's package manager and call again.")
    if not facts.is_root:
        raise Problem(f"Qt misses system libraries; type this and call again: sudo apt install {' '.join(packages)}")
    with alone(facts):
        if not missing_libraries(wanted_libraries(command, facts)):
            return  # who was before us installed them
        say(f"Installing the system libraries that Qt needs: {' '.join(packages)}")
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        environ = {**facts.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.call(install, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            subprocess.call(["apt-get", "update", "-qq"], env=environ)  # a bare machine has no lists yet
            if subprocess.call(install, env=environ):
                told = " ".join(install)
                raise Problem(f"apt-get could not install what Qt needs; type this, then call again: {told}")


@contextmanager
def alone(facts: Facts) -> Iterator[None]:
    """Waits until no other call installs into this folder, and keeps others waiting. A lock ends with its process."""
    with open(facts.root / LOCK, "a+b") as file:
        told = False
        while not locked(file.fileno()):
            if not told:
                say(f"Another installation is under way in {facts.root}: waiting until it is done.")
            told = True
            time.sleep(0.2)
        yield


def locked(descriptor: int) -> bool:
    """Whether an open file is locked by this process now; at once. True too on a disk that knows no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        return problem.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)  # held by another
    return True


class Stamp(NamedTuple):
    """What .venv holds. The fingerprint is "" while an installation is under way, so an interrupted one is repaired."""

    fingerprint: str = ""
    extras: tuple[str, ...] = ()
    cpu: bool = False


def fingerprint(facts: Facts) -> str:
    """Changes when .venv has to be brought up to date: another pyproject, another Python, another folder."""
    told = hashlib.sha256((facts.root / "pyproject.toml").read_bytes())
    told.update(f"{facts.version} {facts.root}".encode())
    return told.hexdigest()


def read_stamp(facts: Facts) -> Stamp:
    try:
        held = json.loads((facts.venv / STAMP).read_text(encoding="utf-8"))
        return Stamp(held["fingerprint"], tuple(held["extras"]), held["cpu"])
    except (OSError, ValueError, KeyError, TypeError):
        return Stamp()


def write_stamp(facts: Facts, stamp: Stamp) -> None:
    part = facts.venv / (STAMP + ".part")
    part.write_text(json.dumps(stamp._asdict()), encoding="utf-8")
    os.replace(part, facts.venv / STAMP)


def wanted(call: Call, held: Stamp, facts: Facts) -> Stamp:
    """What .venv should hold for this call: never less than it does, and the torch that it was made with."""
    extras = tuple(sorted({*held.extras, *EXTRAS.get(call.command, ())}))
    made = held.fingerprint or held.cpu
    return Stamp(fingerprint(facts), extras, held.cpu if made else call.cpu)


def installed(name: str, facts: Facts) -> bool:
    """Whether .venv has the distribution. pip unpacks the dist-info last, so half a package does not count."""
    pattern = f"site-packages/{name}-*.dist-info"
    return any(any(facts.venv.glob(place + pattern)) for place in ("lib/python3.*/", "Lib/"))


def usable(facts: Facts) -> bool:
    """Whether .venv has a Python of this version: else it is made anew."""
    try:
        config = (facts.venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return False
    same = re.search(r"^version(?:_info)? = {}\.{}\b".format(*facts.version), config, re.MULTILINE)
    return bool(same) and facts.python.exists()


def size_of(folder: Path) -> int:
    """Bytes of all files under a folder; 0 where there is none."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            total += os.lstat(os.path.join(place, name)).st_size
    return total


def require_disk(gigabytes: float, held: int, facts: Facts) -> None:
    """Raises Problem where the disk cannot take what is missing, half of it twice: as a download, then unpacked."""
    needed = 0.2 + 1.5 * max(0.0, gigabytes - held / GB)
    if facts.free / GB < needed:
        way = "" if gigabytes <= CPU_GB else ", or call with --cpu, which takes a quarter of it"
        raise Problem(
            f"The installation needs {needed:.1f} GB free in {facts.root} and there are {facts.free / GB:.1f}: "
            f"free some space{way}."
        )


def reachable(url: str) -> bool:
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=8):
            return True
    except (OSError, ValueError):
        return False


def make_venv(folder: Path, clear: bool) -> None:
    from venv import EnvBuilder

    try:
        EnvBuilder(clear=clear, with_pip=True, symlinks=os.name != "nt", prompt="tweedie").create(folder)
    except subprocess.CalledProcessError as failure:
        raise Problem(f"{folder} cannot be made with this Python: call run.py with another one.") from failure


def prepare(call: Call, facts: Facts) -> None:
    """Brings .venv to what this call needs; a few milliseconds where it is there already."""
    held = read_stamp(facts)
    stamp = wanted(call, held, facts)
    if call.cpu and held.fingerprint and not held.cpu:
        say("The full torch is installed already, --cpu changes nothing: delete .venv first to save the 5 GB.")
    if stamp == held and facts.python.exists():
        return
    with alone(facts):
        held = read_stamp(facts)  # another call may have done it meanwhile
        stamp = wanted(call, held, facts)
        if stamp != held or not facts.python.exists():
            install(stamp, facts)


def install(stamp: Stamp, facts: Facts) -> None:
    """Makes .venv where there is none, installs the project into it and writes the stamp, last. Raises Problem."""
    if not facts.has_venv:
        remedy = "type sudo apt install python3-venv" if facts.has_apt else "install Python from python.org"
        raise Problem(f"This Python cannot make a virtual environment: {remedy}, then call again.")
    began = time.monotonic()
    keep = usable(facts)
    small = stamp.cpu or facts.system != "Linux"  # elsewhere there is but one torch, without CUDA
    index = ["--index-url", CPU_INDEX] if stamp.cpu and facts.system != "Darwin" else []
    if index and not reachable(CPU_INDEX + "/torch/"):
        index = []
        if not installed("torch", facts):
            small = facts.system != "Linux"
            say(f"{CPU_INDEX} cannot be reached: the torch of the default index is taken instead.")
    gigabytes, held = CPU_GB if small else FULL_GB, size_of(facts.venv)
    require_disk(gigabytes, held, facts)
    say(f"Installing Tweedie Studio into {facts.venv}, about {gigabytes} GB{f', {held / GB:.1f} of it there' * keep}.")
    if not (small or stamp.cpu or keep):
        say("Most of it is CUDA for NVIDIA cards: --cpu leaves that out and takes 1.5 GB.")
    if not (keep and installed("pip", facts)):
        make_venv(facts.venv, clear=not keep)
    write_stamp(facts, Stamp(extras=stamp.extras, cpu=stamp.cpu))
    if index:
        pip([*index, *declared(TORCH, facts.root)], facts)
    pip(["setuptools>=77"], facts)
    project = f".[{','.join(stamp.extras)}]" if stamp.extras else "."
    pip(["--no-build-isolation", "--editable", project], facts)
    write_stamp(facts, stamp)
    say(f"Installed in {time.monotonic() - began:.0f} s.")


def pip(args: list[str], facts: Facts) -> None:
    """One pip install, its progress shown: pip's own on a terminal, else a line per package. Raises Problem."""
    unpacking = facts.venv / "unpacking"  # /tmp may be a small memory disk, and torch is large
    unpacking.mkdir(exist_ok=True)
    command = [str(facts.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *args]
    environ = {**facts.environ, "TMPDIR": str(unpacking), "PYTHONUTF8": "1"}
    told: deque[str] = deque(maxlen=400)
    out, err = (None, subprocess.PIPE) if facts.tty else (subprocess.PIPE, subprocess.STDOUT)
    try:
        with subprocess.Popen(
            command, cwd=facts.root, env=environ, stdout=out, stderr=err, encoding="utf-8", errors="replace"
        ) as process:
            for line in process.stdout or process.stderr or ():
                told.append(line)
                if facts.tty:
                    sys.stderr.write(line)
                elif brief(line):
                    say(brief(line))
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)
    if process.returncode:
        sentence = explain("".join(told))
        if not (sentence or facts.tty):
            sys.stderr.writelines(list(told)[-20:])
        raise Problem(sentence or "The installation stopped at what pip says above: call again to go on from there.")


def brief(line: str) -> str:
    """A line of pip as a line of ours: the package it fetches, with its size; "" for what nobody needs to read."""
    wheel = re.match(r"\s*(?:Downloading|Processing|Using cached) (?:\S*/)?(\w+)-(\d[^\s-]*)-\S*\.whl(?: (.*))?$", line)
    if wheel:
        return "  " + " ".join(part for part in wheel.groups() if part and not part.startswith("(from"))
    packages = re.match(r"Installing collected packages: (.*)", line)
    if packages and "," in line:
        return f"  unpacking {len(packages.group(1).split(','))} packages"
    return "  the package index does not answer; trying again" if "Retrying" in line else ""


def explain(output: str) -> str:
    """Why pip failed, as a sentence with the remedy; "" where only its own words tell."""
    return next((sentence for pattern, sentence in PIP_FAILURES.items() if re.search(pattern, output)), "")


class Check:
    """A command that is started at once.

    Its output goes straight to the terminal where nothing runs beside it; else it waits until it is shown.
    """

    def __init__(self, command: list[str], root: Path, environ: Mapping[str, str], beside: bool) -> None:
        self.seconds, self.summary = 0.0, ""
        self.lines: SimpleQueue[str] = SimpleQueue()  # of the output; "" behind the last one
        out, err = (subprocess.PIPE, subprocess.STDOUT) if beside else (None, None)
        self.process = subprocess.Popen(
            command, cwd=root, env=environ, stdout=out, stderr=err, text=True, errors="replace"
        )
        Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Takes the output until the command ends: one whose output nobody takes stands still."""
        began = time.monotonic()
        with self.process:
            for line in self.process.stdout or ():
                self.lines.put(line)
        self.seconds = time.monotonic() - began
        self.lines.put("")

    def show(self) -> int:
        """Prints the output as it comes. Returns the exit code."""
        for line in iter(self.lines.get, ""):
            print(line, end="", flush=True)
            self.summary = plain(line) or self.summary
        return self.process.wait()

    def stop(self) -> None:
        self.process.terminate()  # does nothing to what has ended
        self.process.wait()


def plain(line: str) -> str:
    """A line without colours and rulers: of pytest's last one, the summary."""
    return re.sub(r"\x1b\[[\d;]*m", "", line).strip("= \r\n")


def run_checks(args: tuple[str, ...], facts: Facts) -> int:
    """Runs every check, whatever the others say, and shows them one after the other, pytest last.

    They run beside each other; benchmarks run alone, as does what talks with the person (-s, --pdb).
    Returns the first exit code that is not 0.
    """
    python = str(facts.python)
    checks = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "import contracts": [str(facts.bin / "lint-imports"), "--no-logo"],
        "pytest": [python, "-m", "pytest", *WORKERS, *args],
    }
    beside = not any(word in ("-s", "--pdb") or "bench" in word for word in args)
    environ = {**environment(facts), "QT_QPA_PLATFORM": "offscreen"}
    if facts.tty and beside:  # a pipe has neither colours nor a width
        environ = {"PY_COLORS": "1", "COLUMNS": str(shutil.get_terminal_size().columns), **environ}
    begun: dict[str, Check] = {}
    failed: dict[str, int] = {}
    try:
        for name in checks:
            for each in checks if beside else [name]:
                if each not in begun:
                    begun[each] = Check(checks[each], facts.root, environ, beside)
            say(f"\n== {name} ==")
            code = begun[name].show()
            seconds = begun[name].seconds
            say(f"== {name}: {f'failed, exit code {code}' if code else 'passed'}, {seconds:.1f} s ==")
            if code:
                failed[name] = code
    finally:
        for check in begun.values():
            check.stop()
    said = f"Failed: {', '.join(failed)}." if failed else f"All {len(checks)} checks passed."
    say(f"\n{said} {begun['pytest'].summary}".rstrip())
    return next(iter(failed.values()), 0)


def environment(facts: Facts) -> dict[str, str]:
    """As the person's own, but that threads sleep while they wait: spinning ones starve the window."""
    return {"OMP_WAIT_POLICY": "PASSIVE", **facts.environ}


def start(args: list[str], facts: Facts) -> int:
    """Becomes the studio or the engine (on Windows: waits for it)."""
    command = [str(facts.python), *args]
    environ = {**environment(facts), "PYTHONSAFEPATH": "1"}  # a folder named app or engine where we stand is not ours
    if facts.system == "Windows":
        return subprocess.call(command, env=environ)
    sys.stdout.flush()
    return os.execve(command[0], command, environ)


def say(line: str) -> None:
    print(line, flush=True)


def go(argv: list[str], facts: Facts) -> int:
    call = parse(argv)
    if call.command in ("h", "help"):
        say(HELP)
        return 0
    if call.command == "version":
        say("Tweedie Studio " + declared('^version = "(.+)"', facts.root)[0])
        return 0
    if call.command == "studio":
        require_display(facts)
    require_qt(call.command, facts)
    prepare(call, facts)
    if call.command == "test":
        return run_checks(call.args, facts)
    if call.command == "studio":
        return start(["-m", "app", *call.args], facts)
    return start(["-m", "engine", *(() if call.command == "engine" else (call.command,)), *call.args], facts)


def main() -> int:
    try:
        return go(sys.argv[1:], read_facts())
    except Problem as problem:
        print(problem, file=sys.stderr)
    except OSError as problem:
        print(f"{problem.filename or 'The disk'}: {problem.strerror}; put that right and call again.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; the next call goes on from here.", file=sys.stderr)
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main())
