#!/usr/bin/env python3
"""Install and start Tweedie Studio: make .venv beside this file, install the project there, run a command.

Standard library only. Python 3.6 can parse this file, so that an old Python gets a message instead of a SyntaxError.
"""

import sys

OLDEST = (3, 10)


def python_problem(version: tuple) -> str:
    """Return the sentence for a Python that is too old; "" for one that is new enough."""
    if tuple(version[:2]) >= OLDEST:
        return ""
    needed, found = ".".join(map(str, OLDEST)), ".".join(map(str, version[:3]))
    return (
        f"Tweedie Studio needs Python {needed} or newer and this is {found}: install a newer one from python.org or "
        f"your package manager and call it by name, as in python3.12 run.py."
    )


if python_problem(sys.version_info):
    sys.stderr.write(python_problem(sys.version_info) + "\n")
    sys.exit(2)

import errno
import hashlib
import io
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
STAMP = "tweedie.json"  # in .venv; written last, so it proves a complete installation
LOCK = ".installing"  # beside .venv, because an installation may clear .venv
TORCH = r'^\s*"(torch(?:vision)?[<>=~][^"]*)"'  # the requirements in pyproject.toml that CPU_INDEX has
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# The extras of pyproject.toml that a command needs.
EXTRAS = {"test": ("test",), "train": ("train",), "data": ("train",), "bench": ("bench",)}
GB = 1e9
FULL_GB, CPU_GB = 6.5, 1.5  # size of the finished .venv on Linux: measured, and without the files of CUDA
WORKERS = ("-n", "auto", "--dist", "loadfile")  # tests/conftest.py decides how many workers auto is
HEADLESS = 'python3 run.py generate "red apple" --out apple.png'

# Keyed by soname: package names change between releases (libglib2.0-0t64), sonames do not.
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
                                    generate a picture without a window
  python3 run.py test [ARGS]        run linters, type checks, import contracts and tests; pytest gets ARGS
  python3 run.py COMMAND [ARGS]     run any other command of the engine;
                                    python3 run.py engine --help lists the commands,
                                    python3 run.py COMMAND --help explains one

The first call makes .venv beside run.py and installs everything there; later calls start at once.

options, before the command:
  --cpu        on the first call: install torch without GPU support, about 1.5 GB instead of 6.5 GB
  --version    print the version
  -h, --help   print this help
"""

NO_NETWORK = "NewConnection|Max retries|name resolution|getaddrinfo failed|ProxyError|Timeout|Network is unreachable"
PIP_FAILURES = {
    "No space left on device|Errno 28": "The disk is full: free some space and call again.",
    NO_NETWORK: "The package index cannot be reached: connect to the network and call again.",
    "No matching distribution found for torch": "There is no torch for this Python: use a 64-bit Python 3.10 to 3.14.",
    "Permission denied|Errno 13": "A folder is not writable: move this project to a folder where you can write.",
}


class Problem(Exception):
    """The user must do something first; the message says what, in one sentence."""


@dataclass(frozen=True)
class Facts:
    """The facts about the machine that decide what to install. free: bytes on the disk of .venv."""

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
    """The parsed command line: the options before the command, the command, and its arguments."""

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
            raise Problem(f"run.py has no option {word}: python3 run.py --help lists the options.")
        else:
            return Call(word, tuple(argv[i + 1 :]), cpu)
    return Call("studio", cpu=cpu)


def find_in_pyproject(pattern: str, root: Path) -> list[str]:
    """Find a pattern in the lines of pyproject.toml; by regular expression, since Python 3.10 has no tomllib."""
    return re.findall(pattern, (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)


def require_display(facts: Facts) -> None:
    """Raise Problem where no window can open. With QT_QPA_PLATFORM set, trust the user."""
    if facts.system == "Linux" and not any(
        facts.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise Problem(f"There is no display to open a window on: generate pictures without a window by {HEADLESS}")


def needed_libraries(command: str, facts: Facts) -> dict[str, str]:
    """Return the shared libraries that Qt needs for a command, each with its Debian package."""
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
    """Install the missing system libraries of Qt, or raise Problem where that is not possible."""
    missing = missing_libraries(needed_libraries(command, facts))
    if not missing:
        return
    packages = list(missing.values())
    if not facts.has_apt:
        raise Problem(f"Qt needs {', '.join(missing)}: install them with the system's package manager and call again.")
    if not facts.is_root:
        raise Problem(f"Qt needs system libraries; type this and call again: sudo apt install {' '.join(packages)}")
    with installation_lock(facts):
        if not missing_libraries(needed_libraries(command, facts)):
            return  # another call has installed them
        say(f"Installing the system libraries that Qt needs: {' '.join(packages)}")
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        environ = {**facts.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.call(install, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            subprocess.call(["apt-get", "update", "-qq"], env=environ)  # a bare machine has no lists yet
            if subprocess.call(install, env=environ):
                raise Problem(
                    f"apt-get could not install the libraries of Qt; type this, then call again: {' '.join(install)}"
                )


@contextmanager
def installation_lock(facts: Facts) -> Iterator[None]:
    """Wait until no other call installs into this folder, and make others wait. The lock ends with its process."""
    with open(facts.root / LOCK, "a+b") as file:
        waiting = False
        while not try_lock(file.fileno()):
            if not waiting:
                say(f"Another installation runs in {facts.root}: waiting until it is done.")
            waiting = True
            time.sleep(0.2)
        yield


def try_lock(descriptor: int) -> bool:
    """Lock an open file without waiting. Return whether it is locked now; True also on a disk without locks."""
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
    """The contents of .venv. The fingerprint is "" during an installation, so that an interrupted one is repaired."""

    fingerprint: str = ""
    extras: tuple[str, ...] = ()
    cpu: bool = False


def fingerprint(facts: Facts) -> str:
    """Hash what .venv depends on: pyproject.toml, the version of Python, the folder."""
    digest = hashlib.sha256((facts.root / "pyproject.toml").read_bytes())
    digest.update(f"{facts.version} {facts.root}".encode())
    return digest.hexdigest()


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


def needed_stamp(call: Call, held: Stamp, facts: Facts) -> Stamp:
    """Return the contents that this call needs: everything that .venv holds, the call's extras, the same torch."""
    extras = tuple(sorted({*held.extras, *EXTRAS.get(call.command, ())}))
    made = held.fingerprint or held.cpu
    return Stamp(fingerprint(facts), extras, held.cpu if made else call.cpu)


def is_installed(name: str, facts: Facts) -> bool:
    """Return whether .venv has the distribution. pip unpacks dist-info last: half a package does not count."""
    pattern = f"site-packages/{name}-*.dist-info"
    return any(any(facts.venv.glob(place + pattern)) for place in ("lib/python3.*/", "Lib/"))


def has_same_python(facts: Facts) -> bool:
    """Return whether .venv has a Python of this version; otherwise it is made again."""
    try:
        config = (facts.venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return False
    same = re.search(r"^version(?:_info)? = {}\.{}\b".format(*facts.version), config, re.MULTILINE)
    return bool(same) and facts.python.exists()


def size_of(folder: Path) -> int:
    """Sum the bytes of all files under a folder; 0 where there is none."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            total += os.lstat(os.path.join(place, name)).st_size
    return total


def require_disk(gigabytes: float, held: int, facts: Facts) -> None:
    """Raise Problem where the disk has too little space for what is missing, half of it twice (download, unpacked)."""
    needed = 0.2 + 1.5 * max(0.0, gigabytes - held / GB)
    if facts.free / GB < needed:
        way = "" if gigabytes <= CPU_GB else ", or call with --cpu, which needs a quarter"
        raise Problem(
            f"The installation needs {needed:.1f} GB in {facts.root} and {facts.free / GB:.1f} GB are free: "
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
        raise Problem(f"This Python cannot make {folder}: call run.py with another Python.") from failure


def prepare(call: Call, facts: Facts) -> None:
    """Install what this call needs into .venv; a few milliseconds where nothing is missing."""
    held = read_stamp(facts)
    stamp = needed_stamp(call, held, facts)
    if call.cpu and held.fingerprint and not held.cpu:
        say("--cpu has no effect, the full torch is installed already: delete .venv first to save 5 GB.")
    if stamp == held and facts.python.exists():
        return
    with installation_lock(facts):
        held = read_stamp(facts)  # another call may have installed it meanwhile
        stamp = needed_stamp(call, held, facts)
        if stamp != held or not facts.python.exists():
            install(stamp, facts)


def install(stamp: Stamp, facts: Facts) -> None:
    """Make .venv if it is missing, install the project there, and write the stamp last. Raises Problem."""
    if not facts.has_venv:
        remedy = "type sudo apt install python3-venv" if facts.has_apt else "install Python from python.org"
        raise Problem(f"This Python cannot make a virtual environment: {remedy}, then call again.")
    began = time.monotonic()
    keep = has_same_python(facts)
    small = stamp.cpu or facts.system != "Linux"  # on other systems the only torch is the one without CUDA
    index = ["--index-url", CPU_INDEX] if stamp.cpu and facts.system != "Darwin" else []
    if index and not reachable(CPU_INDEX + "/torch/"):
        index = []
        if not is_installed("torch", facts):
            small = facts.system != "Linux"
            say(f"{CPU_INDEX} cannot be reached: installing the torch of the default index instead.")
    gigabytes, held = CPU_GB if small else FULL_GB, size_of(facts.venv)
    require_disk(gigabytes, held, facts)
    there = f", {held / GB:.1f} GB of it exist" if keep else ""
    say(f"Installing Tweedie Studio into {facts.venv}, about {gigabytes} GB{there}.")
    if not (small or stamp.cpu or keep):
        say("Most of it is CUDA for NVIDIA cards: with --cpu it is 1.5 GB, without CUDA.")
    if not (keep and is_installed("pip", facts)):
        make_venv(facts.venv, clear=not keep)
    write_stamp(facts, Stamp(extras=stamp.extras, cpu=stamp.cpu))
    if index:
        pip([*index, *find_in_pyproject(TORCH, facts.root)], facts)
    pip(["setuptools>=77"], facts)
    project = f".[{','.join(stamp.extras)}]" if stamp.extras else "."
    pip(["--no-build-isolation", "--editable", project], facts)
    write_stamp(facts, stamp)
    say(f"Installed in {time.monotonic() - began:.0f} s.")


def pip(args: list[str], facts: Facts) -> None:
    """Run one pip install and show its progress: pip's own on a terminal, else a line per package. Raises Problem."""
    unpacking = facts.venv / "unpacking"  # instead of /tmp, which may be a small memory disk: torch is large
    unpacking.mkdir(exist_ok=True)
    command = [str(facts.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *args]
    environ = {**facts.environ, "TMPDIR": str(unpacking), "PYTHONUTF8": "1"}
    lines: deque[str] = deque(maxlen=400)
    out, err = (None, subprocess.PIPE) if facts.tty else (subprocess.PIPE, subprocess.STDOUT)
    try:
        with subprocess.Popen(
            command, cwd=facts.root, env=environ, stdout=out, stderr=err, encoding="utf-8", errors="replace"
        ) as process:
            for line in process.stdout or process.stderr or ():
                lines.append(line)
                if facts.tty:
                    sys.stderr.write(line)
                elif summarise(line):
                    say(summarise(line))
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)
    if process.returncode:
        sentence = explain("".join(lines))
        if not (sentence or facts.tty):
            sys.stderr.writelines(list(lines)[-20:])
        raise Problem(sentence or "pip stopped with the error above: solve it and call again to continue from there.")


def summarise(line: str) -> str:
    """Shorten a line of pip to the package that it downloads, with its size; "" for lines that the user can miss."""
    wheel = re.match(r"\s*(?:Downloading|Processing|Using cached) (?:\S*/)?(\w+)-(\d[^\s-]*)-\S*\.whl(?: (.*))?$", line)
    if wheel:
        return "  " + " ".join(part for part in wheel.groups() if part and not part.startswith("(from"))
    packages = re.match(r"Installing collected packages: (.*)", line)
    if packages and "," in line:
        return f"  unpacking {len(packages.group(1).split(','))} packages"
    return "  the package index does not answer; trying again" if "Retrying" in line else ""


def explain(output: str) -> str:
    """Return why pip failed and the remedy, in one sentence; "" for an unknown failure."""
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
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # pytest would compile all tests anew in every worker, each time
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
    """Return the user's environment, with torch threads that sleep while they wait: spinning ones starve the window."""
    # In small letters: libgomp compares without case in the user's locale, and a Turkish I is no capital of i.
    return {"OMP_WAIT_POLICY": "passive", **facts.environ}


def start(args: list[str], facts: Facts) -> int:
    """Replace this process by the studio or the engine (on Windows: start it and wait)."""
    command = [str(facts.python), *args]
    environ = {**environment(facts), "PYTHONSAFEPATH": "1"}  # ignore folders named app or engine in the current folder
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
        say("Tweedie Studio " + find_in_pyproject('^version = "(.+)"', facts.root)[0])
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character gets "?" instead of a traceback
    try:
        return go(sys.argv[1:], read_facts())
    except Problem as problem:
        print(problem, file=sys.stderr)
    except OSError as problem:
        print(f"{problem.filename or 'The disk'}: {problem.strerror}; solve this and call again.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; the next call continues from here.", file=sys.stderr)
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main())
