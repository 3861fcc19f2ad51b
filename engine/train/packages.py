"""Download packages of the npm registry, pinned by version and hash: the sources of training pictures."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Package:
    """A package: `integrity` is its SHA-512 in base64; `style` the name of its pictures' style ("" without one)."""

    name: str
    version: str
    integrity: str
    style: str = ""

    @property
    def stem(self) -> str:
        """The name that `npm pack` gives its tarball, without .tgz."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}"


def fetch(packages: tuple[Package, ...], folder: Path) -> Path:
    """Unpack each package to folder/<stem>, downloaded if missing. ValueError if npm fails or a hash is wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        if not (folder / package.stem).is_dir():
            tarball = folder / f"{package.stem}.tgz"
            if not tarball.exists():
                pack(package, folder)
            verify(tarball, package.integrity)
            unpack(tarball, folder / package.stem)
    return folder


def pack(package: Package, folder: Path) -> None:
    """Have npm download the package's tarball into `folder`."""
    npm = shutil.which("npm")
    if npm is None:
        raise ValueError(f"npm is not installed: install it, or put {package.stem}.tgz into {folder} yourself.")
    command = [npm, "pack", f"{package.name}@{package.version}", "--pack-destination", str(folder.resolve())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"npm could not fetch {package.name} {package.version}: check the network, then try again.")


def verify(tarball: Path, integrity: str) -> None:
    """Check that the file has that SHA-512 (base64). Raises ValueError."""
    found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != integrity:
        raise ValueError(f"{tarball} is not the expected package (wrong SHA-512): delete it, then try again.")


def unpack(tarball: Path, folder: Path) -> None:
    """Unpack the tarball's plain files into `folder`, which appears completely or not at all; nothing is written
    outside it.
    """
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with tarfile.open(tarball) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            source = archive.extractfile(member) if member.isfile() else None
            if source is not None and not name.is_absolute() and ".." not in name.parts:
                target = part / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
    part.rename(folder)
