"""Fuzzy search and the order of the palette's entries."""

from __future__ import annotations

from app.core.palette.entries import Entry, ranked
from app.core.palette.fuzzy import score


def entry(name: str, title: str, about: str = "", why: str = "") -> Entry:
    return Entry(name, title, lambda: None, about, why=why)


ENTRIES = [
    entry("grow", "Grow the mask", "Canvas"),
    entry("generate", "Generate", "Run"),
    entry("models", "Models", "File"),
    entry("zoom", "Zoom in", "View"),
]


def titles(query: str, *recent: str) -> list[str]:
    return [found.title for found in ranked(ENTRIES, query, recent)]


def test_letters_are_found_in_their_order_only() -> None:
    assert score("gtm", "Grow the mask") > 0
    assert score("mtg", "Grow the mask") == 0
    assert score("", "anything") > 0
    assert score("grow mask", "Grow the mask") > 0, "words may be apart"
    assert score("CAFE", "café") > 0


def test_beginnings_and_whole_words_come_first() -> None:
    assert score("gtm", "Grow the mask") > score("gtm", "bogus atomic")
    assert score("mask", "Grow the mask") > score("mask", "make a sketch")
    assert score("mod", "Models") > score("mod", "commodore")
    assert titles("gen")[0] == "Generate"
    assert titles("zi") == ["Zoom in"]
    assert titles("canvas") == ["Grow the mask"], "the place finds too"
    assert titles("xyz") == []


def test_what_was_chosen_last_stands_first_without_a_query() -> None:
    assert titles("", "zoom", "models") == ["Zoom in", "Models", "Grow the mask", "Generate"]
    assert titles("gen", "zoom")[0] == "Generate", "a recent one does not cover a better hit"


def test_of_two_equal_hits_the_possible_one_comes_first() -> None:
    rows = [entry("a", "Apply", why="Choose a candidate first."), entry("b", "Apply")]
    assert [found.name for found in ranked(rows, "apply", ())] == ["b", "a"]
