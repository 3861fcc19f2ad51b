"""No module of the app imports itself by way of others, be it for types alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import grimp
import pytest


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The modules that import each other directly or by way of others: each group once, sorted (Tarjan 1972)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = lowest[module] = len(index)
        path.append(module)
        for other in imports.get(module, ()):
            if other not in index:
                visit(other)
            if other in path:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == index[module]:
            at = path.index(module)
            if len(path) - at > 1:
                found.append(sorted(path[at:]))
            del path[at:]

    for module in sorted(imports):
        if module not in index:
            visit(module)
    return found


@pytest.mark.parametrize(
    ("imports", "found"),
    [
        ({"a": ["b", "c"], "b": ["c"], "c": []}, []),
        ({"a": ["b"], "b": ["a"]}, [["a", "b"]]),
        ({"a": ["b"], "b": ["c"], "c": ["d"], "d": ["b"]}, [["b", "c", "d"]]),
        ({"a": ["b", "c"], "b": ["a"], "c": ["d"], "d": ["c"]}, [["c", "d"], ["a", "b"]]),
    ],
)
def test_every_circle_is_seen(imports: dict[str, list[str]], found: list[list[str]]) -> None:
    assert circles(imports) == found


def test_no_modules_of_the_app_import_each_other() -> None:
    graph = grimp.build_graph("app", exclude_type_checking_imports=False, cache_dir=None)
    imported_by: Callable[[str], set[str]] = graph.find_modules_directly_imported_by
    assert circles({module: sorted(imported_by(module)) for module in graph.modules}) == []
