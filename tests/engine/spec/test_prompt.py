"""The prompt language: weights, chunks, choices and wildcards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, branch, outline, resolve
from engine.spec.prompt.choices import Drawn, Wildcards, draw, plain
from engine.spec.prompt.chunks import ROOM, Unit, Used, chunks, used
from engine.spec.prompt.emphasis import Span, parse
from engine.spec.request import Request, RequestError

COMMA = 0
NO_LISTS = Wildcards()


# weights


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("a red cat", [("a red cat", 1.0)]),
        ("a (red) cat", [("a ", 1.0), ("red", 1.1), (" cat", 1.0)]),
        ("a (red:1.3) cat", [("a ", 1.0), ("red", 1.3), (" cat", 1.0)]),
        ("[red]", [("red", 1 / 1.1)]),
        ("(a (red:2) cat)", [("a ", 1.1), ("red", 2.2), (" cat", 1.1)]),
        ("((red))", [("red", 1.1 * 1.1)]),
        ("[red:1.3]", [("red:1.3", 1 / 1.1)]),
        ("(red :  .5 )", [("red ", 0.5)]),
        ("(red:-1)", [("red", -1.0)]),
        ("(a b:c:1.5)", [("a b:c", 1.5)]),
        ("(red:1) cat", [("red cat", 1.0)]),
        ("()", []),
    ],
)
def test_brackets_weigh_their_text(text: str, spans: list[tuple[str, float]]) -> None:
    found = parse(text)
    assert [span.text for span in found] == [text for text, _ in spans]
    assert [span.weight for span in found] == pytest.approx([weight for _, weight in spans], rel=1e-15)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"a \(red\) cat", "a (red) cat"),
        (r"\[x\] \\", r"[x] \\"[:-1]),
        ("(red", "(red"),
        ("red)", "red)"),
        ("a smile :)", "a smile :)"),
        ("[red", "[red"),
        ("red: 1.3)", "red: 1.3)"),
        ("a \\ b", "a \\ b"),
        ("((", "(("),
    ],
)
def test_escaped_and_unbalanced_brackets_are_plain_text(text: str, read: str) -> None:
    assert parse(text) == (Span(read),)


def test_a_bracket_whose_partner_is_missing_leaves_the_others_their_weight() -> None:
    assert [tuple(span[:2]) for span in parse("(a [b)")] == [("a [b", 1.1)]
    assert [tuple(span[:2]) for span in parse("(a (b:2)")] == [("(a ", 1.0), ("b", 2.0)]
    assert parse(r"(red:1.3\))") == (Span("red:1.3)", 1.1),)


def test_break_begins_a_chunk_and_only_as_a_word_of_its_own() -> None:
    assert parse("red BREAK blue") == (Span("red"), Span("blue", breaks=True))
    assert parse("(red BREAK blue:1.2)") == (Span("red", 1.2), Span("blue", 1.2, breaks=True))
    assert parse("BREAKFAST break") == (Span("BREAKFAST break"),)
    assert parse("red BREAK blue", breaks=False) == (Span("red BREAK blue"),)


# chunks


def numbers(text: str) -> list[Unit]:
    """Each word a token: "," is COMMA, a number itself, "v3" three tokens that stay together."""

    def unit(word: str) -> Unit:
        return (COMMA,) if word == "," else (900,) * int(word[1:]) if word[0] == "v" else (int(word),)

    return [unit(word) for word in text.split()]


def words(first: int, last: int) -> str:
    return " ".join(map(str, range(first, last + 1)))


def sizes(text: str) -> list[int]:
    return [len(chunk.ids) for chunk in chunks(parse(text), numbers, COMMA)]


def test_a_prompt_fills_one_chunk_after_the_other() -> None:
    made = chunks(parse(words(1, 160)), numbers, COMMA)
    assert [len(chunk.ids) for chunk in made] == [75, 75, 10]
    assert [token for chunk in made for token in chunk.ids] == list(range(1, 161))
    assert chunks((), numbers, COMMA) == chunks(parse(""), numbers, COMMA) != ()


def test_the_words_after_the_last_comma_move_together_to_the_next_chunk() -> None:
    """A1111: where the comma is among the last 20 tokens of a full chunk."""
    assert sizes(f"{words(1, 60)} , {words(61, 80)}") == [61, 20]
    assert sizes(f"{words(1, 55)} , {words(56, 80)}") == [56, 25]
    assert sizes(f"{words(1, 54)} , {words(55, 80)}") == [75, 6]
    assert sizes(f"{words(1, 75)} , 76") == [75, 2]
    assert sizes(words(1, 75)) == [75]


def test_break_ends_a_chunk_and_vectors_of_one_word_stay_together() -> None:
    assert sizes("1 2 BREAK 3") == [2, 1]
    assert sizes(f"{words(1, 74)} v3 5") == [74, 4]
    with pytest.raises(ValueError, match="80 tokens cannot stay together"):
        sizes("v80")


def test_weights_go_with_their_tokens() -> None:
    (chunk,) = chunks(parse("1 (2 3:1.5) [4]"), numbers, COMMA)
    assert chunk.ids == (1, 2, 3, 4)
    assert chunk.weights == (1.0, 1.5, 1.5, 1 / 1.1)


@pytest.mark.parametrize(("text", "count"), [("", (0, 75)), (words(1, 31), (31, 75)), (words(1, 80), (80, 150))])
def test_used_tokens_are_counted_of_the_room_of_the_chunks(text: str, count: tuple[int, int]) -> None:
    assert used(chunks(parse(text), numbers, COMMA)) == Used(*count)


def test_a_chunk_that_a_comma_ended_counts_in_full() -> None:
    made = chunks(parse(f"{words(1, 60)} , {words(61, 80)}"), numbers, COMMA)
    assert used(made) == Used(ROOM + 20, 2 * ROOM)


# choices


def test_a_choice_draws_each_of_its_texts_and_the_same_with_the_same_seed() -> None:
    def apple(seed: int) -> str:
        return draw("a {red|green|} apple", "", seed, NO_LISTS)[0]

    assert {apple(seed) for seed in range(40)} == {"a red apple", "a green apple", "a  apple"}
    assert [apple(seed) for seed in range(8)] == [apple(seed) for seed in range(8)]
    assert [apple(seed) for seed in range(6)] == [  # for ever: a seed that was noted stands for its picture
        "a  apple", "a green apple", "a green apple", "a  apple", "a green apple", "a green apple",
    ]  # fmt: skip


def test_choices_nest_and_what_was_drawn_is_kept() -> None:
    made, _, drawn = draw("{a {b|c}|a {b|c}} d", "{x|x}", 5, NO_LISTS)
    assert made in ("a b d", "a c d")
    assert drawn is not None
    assert (drawn.prompt, drawn.negative) == ("{a {b|c}|a {b|c}} d", "{x|x}")
    assert [choice for choice, _ in drawn.choices] == ["{a {b|c}|a {b|c}}", "{b|c}", "{x|x}"]
    assert [text for _, text in drawn.choices] == ["a {b|c}", made[2], "x"]


@pytest.mark.parametrize("text", ["{red} {", "a | b", "} {a|b", "__colour__", "(red:1.3)", r"\(red\)"])
def test_braces_without_a_choice_and_lists_without_a_folder_are_plain_text(text: str) -> None:
    assert draw(text, "", 0, NO_LISTS) == (text, "", None)


def test_escaped_braces_are_plain_text_and_so_escaped_text_is_not_drawn() -> None:
    assert draw(r"\{a|b\} \__colour__", "", 0, NO_LISTS) == ("{a|b} __colour__", "", None)
    for text in ("{a|b}", "x {a|{b|c}} __y__ {z}", "{a} (b:1.2)"):
        assert draw(plain(text), "", 0, NO_LISTS) == (text, "", None)


def test_lists_are_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "animal").mkdir()
    (tmp_path / "colour.txt").write_text("# one a line\n\nred\n  blue {sky|sky}  \n", encoding="utf-8")
    (tmp_path / "animal" / "cat.txt").write_text("tabby", encoding="utf-8")
    lists = Wildcards((tmp_path / "missing", tmp_path))
    found = {draw("a __colour__ __animal/cat__", "", seed, lists)[0] for seed in range(20)}
    assert found == {"a red tabby", "a blue sky tabby"}
    with pytest.raises(RequestError, match=r"no list for __size__: put size\.txt into"):
        draw("__size__", "", 0, lists)
    with pytest.raises(RequestError, match="leads out of its folder"):
        draw("__../secret__", "", 0, lists)
    (tmp_path / "empty.txt").write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(RequestError, match="is empty"):
        draw("__empty__", "", 0, lists)


def test_lists_that_name_each_other_end_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x __b__", encoding="utf-8")
    (tmp_path / "b.txt").write_text("y __a__", encoding="utf-8")
    with pytest.raises(RequestError, match="without end"):
        draw("__a__", "", 0, Wildcards((tmp_path,)))
    (tmp_path / "a.txt").write_text("__c__ " * 300, encoding="utf-8")
    (tmp_path / "c.txt").write_text("z", encoding="utf-8")
    with pytest.raises(RequestError, match="200 choices at most"):
        draw("__a__", "", 0, Wildcards((tmp_path,)))


# into the request


def test_the_request_holds_the_drawn_text_and_the_written_one(tiny_model: ModelInfo, tmp_path: Path) -> None:
    (tmp_path / "colour.txt").write_text("red\ngreen\nblue\n", encoding="utf-8")
    draft = Draft.for_model(
        tiny_model, prompt="a __colour__ {cat|dog}", negative="{x|y}", seed=3, wildcards=(str(tmp_path),)
    )
    request = resolve(draft, tiny_model)
    assert request.prompt.split()[1] in ("red", "green", "blue")
    assert request.drawn is not None
    assert (request.drawn.prompt, request.drawn.negative) == (draft.prompt, draft.negative)
    assert [choice for choice, _ in request.drawn.choices] == ["__colour__", "{cat|dog}", "{x|y}"]
    assert Request.from_json(request.to_json()) == request
    assert resolve(draft, tiny_model) == request
    assert str(tmp_path) not in request.to_json()


def test_restored_settings_make_the_same_picture_when_the_list_has_changed(
    tiny_model: ModelInfo, tmp_path: Path
) -> None:
    (tmp_path / "colour.txt").write_text("red\n", encoding="utf-8")
    draft = Draft.for_model(tiny_model, prompt=r"__colour__ \{a|b\}", wildcards=(str(tmp_path),))
    request = resolve(draft, tiny_model)
    (tmp_path / "colour.txt").write_text("green\n", encoding="utf-8")
    restored = replace(Draft.of(request), wildcards=draft.wildcards)
    assert resolve(restored, tiny_model).prompt == request.prompt == "red {a|b}"


def test_a_prompt_without_choices_is_the_request_of_before(tiny_model: ModelInfo) -> None:
    request = resolve(Draft.for_model(tiny_model, prompt="a (red:1.3) {cat}"), tiny_model)
    assert request.drawn is None
    assert "drawn" not in request.to_dict()


def test_the_price_of_a_draft_reads_no_list(tiny_model: ModelInfo, tmp_path: Path) -> None:
    draft = Draft.for_model(tiny_model, prompt="__colour__", wildcards=(str(tmp_path),))
    assert outline(draft, tiny_model).evaluations > 0
    with pytest.raises(RequestError, match="no list for __colour__"):
        resolve(draft, tiny_model)


def test_a_fork_draws_for_itself_with_the_seed_of_the_run(tiny_model: ModelInfo) -> None:
    draft = Draft.for_model(tiny_model, prompt="{a|b|c|d}", seed=11)
    parent = resolve(draft, tiny_model)
    assert branch(draft, tiny_model, parent, 1).prompt == parent.prompt


@pytest.mark.parametrize("drawn", [7, {"prompt": "a"}, {"prompt": 1, "negative": "", "choices": []}])
def test_a_damaged_note_of_what_was_drawn_is_one_sentence(drawn: object, tiny_model: ModelInfo) -> None:
    data = resolve(Draft.for_model(tiny_model, prompt="{a|b}"), tiny_model).to_dict()
    assert Drawn.from_dict(data["drawn"]).prompt == "{a|b}"
    with pytest.raises(RequestError, match="damaged"):
        Request.from_dict(data | {"drawn": drawn})
