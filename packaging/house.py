"""Count the modules and their imports: between packages, upwards, in circles.

    python packaging/house.py [CHECKOUT]

An arrow is an import of one module by another, anywhere in the file; imports for annotations only (TYPE_CHECKING) are
counted separately. A package here is a sub-package, or a module in no sub-package. An upward arrow breaks the layers
that the pyproject.toml of this checkout declares. If CHECKOUT is another one, a module that was moved since has the
name that it has here; both checkouts must belong to one git repository.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import grimp

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parents[1]
PACKAGES = ("engine", "app")
Arrows = dict[str, set[str]]  # module → the modules of the same package that it imports


def arrows_of(package: str, annotations: bool) -> Arrows:
    graph = grimp.build_graph(package, exclude_type_checking_imports=not annotations, cache_dir=None)
    return {name: set(graph.find_modules_directly_imported_by(name)) for name in sorted(graph.modules)}


def circles(arrows: Arrows) -> list[list[str]]:
    """Find the groups of two or more modules that all reach each other (Tarjan 1972)."""
    found: list[list[str]] = []
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(arrows[node]):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in arrows:
        if node not in number:
            visit(node)
    return found


def layers() -> list[list[str]]:
    """Read the layers of pyproject.toml, the highest first; each is a list of modules or packages."""
    with (HERE / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    declared = []
    for contract in contracts:
        if contract["type"] == "layers":
            within = "".join(f"{container}." for container in contract.get("containers", ()))
            declared += [[within + name for name in re.findall(r"[\w.]+", layer)] for layer in contract["layers"]]
    return declared


def upward(arrows: Arrows, names: dict[str, str]) -> list[str]:
    """List the upward arrows as “importer -> imported”; `names` maps names there to names here."""
    place = {name: k for k, layer in enumerate(layers()) for name in layer}

    def height(module: str) -> int | None:
        parts = names.get(module, module).split(".")
        known = (place.get(".".join(parts[:n])) for n in range(len(parts), 1, -1))
        return next((k for k in known if k is not None), None)

    pairs = [(a, b) for a, imported in arrows.items() for b in sorted(imported)]
    heights = [(a, b, height(a), height(b)) for a, b in pairs]
    return [f"{a} -> {b}" for a, b, low, high in heights if low is not None and high is not None and high < low]


def packages(arrows: Arrows) -> Counter[tuple[str, str]]:
    """Count the imports between each pair of packages."""

    def package(module: str) -> str:
        return ".".join(module.split(".")[: 3 if module.startswith("app.") else 2])

    pairs = [(package(a), package(b)) for a, imported in arrows.items() for b in imported]
    return Counter((a, b) for a, b in pairs if a != b)


def moved_since(checkout: Path) -> dict[str, str]:
    """Map the names of moved modules in `checkout` to their names here."""
    old, new = (_git(root, "rev-parse", "HEAD") for root in (checkout, HERE))
    moved = {}
    for line in _git(HERE, "diff", "--find-renames=40%", "--name-status", "--diff-filter=R", old, new).splitlines():
        _, a, b = line.split("\t")
        if a.endswith(".py") and b.endswith(".py"):
            moved[_module(a)] = _module(b)
    return moved


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _git(root: Path, *line: str) -> str:
    return subprocess.run(["git", *line], cwd=root, capture_output=True, text=True, check=True).stdout.strip()


def report(package: str, names: dict[str, str]) -> dict[str, Any]:
    arrows = arrows_of(package, annotations=False)
    between = packages(arrows)
    return {
        "modules": len(arrows),
        "arrows": sum(map(len, arrows.values())),
        "packages": len({package for pair in between for package in pair}),
        "arrows between packages": len(between),
        "upward": upward(arrows, names),
        "circles": circles(arrows),
        "circles with annotations": circles(arrows_of(package, annotations=True)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", nargs="?", type=Path, default=HERE)
    checkout = parser.parse_args().checkout.resolve()
    sys.path.insert(0, str(checkout))
    names = {} if checkout == HERE else moved_since(checkout)
    for package in PACKAGES:
        print(f"{package}:")
        for name, value in report(package, names).items():
            if isinstance(value, int):
                print(f"  {name:25} {value:5}")
                continue
            print(f"  {name:25} {len(value):5}")
            for one in value:
                print(f"    {one if isinstance(one, str) else f'{len(one)}: ' + ', '.join(one)}")


if __name__ == "__main__":
    main()
