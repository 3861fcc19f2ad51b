"""Search, filters, marks and boards of the history."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.history.query import Filter
from engine.history.store import PictureStore, tidy
from engine.spec.adapter import AdapterUse
from tests.engine.history.conftest import SavePicture

LORA = AdapterUse(name="Watercolour-v2", sha256="a" * 64)


@pytest.fixture
def names(store: PictureStore) -> Callable[..., list[str]]:
    """The names of the listed files: names(text="apple")."""

    def listed(**choices: object) -> list[str]:
        found = [store.picture(row.id) for row in store.rows(Filter(**choices))]  # type: ignore[arg-type]
        return sorted(picture.path.stem for picture in found if picture is not None)

    return listed


@pytest.fixture
def ids(store: PictureStore, save: SavePicture, rescan: Callable[[], object]) -> dict[str, int]:
    """Four pictures by name: two apples of one setting, a rocket with a LoRA, a heart of another model."""
    save("one.png", seed=1, prompt="a red apple (shiny:1.2)", negative="blurry")
    save("two.png", seed=2, prompt="a red apple (shiny:1.2)", negative="blurry")
    save("three.png", seed=3, prompt="rocket, Größe XL", adapters=(LORA,))
    save("deep/below/four.png", seed=4, prompt="heart", model="fashion")
    rescan()
    return {path.rpartition("/")[2].removesuffix(".png"): id for path, (id, *_) in store.known().items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apple", ["one", "two"]),
        ("APP red", ["one", "two"]),
        ("r", ["one", "three", "two"]),
        ("grosse", []),  # ß is a letter of its own
        ("große", ["three"]),
        ("groe", []),
        ("blurry", ["one", "two"]),
        ("watercol", ["three"]),
        ("fashion", ["four"]),
        ("thr", ["three"]),
        ("red -two", ["one"]),
        ("-red", ["four", "three"]),
        ('apple" OR "heart', []),
        ("red*", ["one", "two"]),
        ("(shiny:1.2)", ["one", "two"]),
        ("NEAR(", []),
        ("*", ["four", "one", "three", "two"]),
        ("", ["four", "one", "three", "two"]),
    ],
)
def test_every_word_must_begin_a_word_of_the_picture(
    text: str, expected: list[str], ids: dict[str, int], names: Callable[..., list[str]]
) -> None:
    assert names(text=text) == expected


def test_marks_filter_and_are_found(ids: dict[str, int], store: PictureStore, names: Callable[..., list[str]]) -> None:
    store.star([ids["one"], ids["four"]], True)
    store.rate([ids["two"]], 4)
    store.tag([ids["one"], ids["two"]], tidy(" still life, Still  life ,, "))
    store.add_to_board([ids["three"], ids["four"]], "Posters")
    assert names(starred=True) == ["four", "one"]
    assert names(rating=4) == ["two"]
    assert names(rating=5) == []
    assert names(text="still") == names(tag="still life") == ["one", "two"]
    assert names(board="Posters", model="fashion") == ["four"]
    assert (store.tags(), store.boards()) == ({"still life": 2, "Still life": 2}, {"Posters": 2})
    assert store.models() == {"emoji": 3, "fashion": 1}
    before = store.marks(ids.values())
    store.untag(ids.values(), "still life")
    store.take_off_board([ids["four"]], "Posters")
    store.star(ids.values(), False)
    assert (names(tag="still life"), names(board="Posters"), names(starred=True)) == ([], ["three"], [])
    assert names(text="still") == ["one", "two"], "the other tag is still there"
    store.remove_board("Posters")
    store.mark(before)
    assert (names(tag="still life"), names(board="Posters"), names(starred=True)) == (
        ["one", "two"], ["four", "three"], ["four", "one"],
    )  # fmt: skip
    with pytest.raises(ValueError, match="between 0 and 5"):
        store.rate([1], 6)


def test_pictures_stack_by_their_settings_without_the_seed(ids: dict[str, int], store: PictureStore) -> None:
    rows = store.rows(Filter(stacked=True))
    assert sorted((row.id in (ids["one"], ids["two"]), row.stack) for row in rows) == [
        (False, 1),
        (False, 1),
        (True, 2),
    ]
    assert set(store.alike([ids["one"]])) == {ids["one"], ids["two"]}
    one = store.picture(ids["one"])
    assert one is not None
    assert {row.id for row in store.rows(Filter(parameters=one.facts.parameters))} == {ids["one"], ids["two"]}
    assert one.facts.seed == 1


def test_pictures_in_the_trash_are_not_listed_and_forgotten_later(
    ids: dict[str, int], store: PictureStore, names: Callable[..., list[str]]
) -> None:
    store.star([ids["one"]], True)
    store.set_state([ids["one"]], "trashed")
    assert names() == ["four", "three", "two"]
    assert store.models()["emoji"] == 2
    store.forget_trash()
    store.set_state([ids["one"]], "here")
    assert names(starred=True) == ["one"]
    store.set_state([ids["one"]], "trashed")
    store.forget_trash(now=4e9)
    assert store.picture(ids["one"]) is None
    assert names(text="apple") == ["two"]
