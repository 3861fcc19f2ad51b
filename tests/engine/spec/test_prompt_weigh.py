"""Weights by keys: the part at the cursor, its brackets, and the way back to none."""

from __future__ import annotations

import random

import pytest

from engine.spec.prompt.emphasis import parse
from engine.spec.prompt.weigh import change_weight


def weigh(marked: str, by: float = 0.1) -> str | None:
    """`marked` has "‸" at the cursor, or at both ends of the selection."""
    start = marked.index("‸")
    text = marked.replace("‸", "", 1)
    end = text.index("‸") if "‸" in text else start
    changed = change_weight(text.replace("‸", ""), start, end, by)
    if changed is None:
        return None
    return f"{changed.text[: changed.start]}‸{changed.text[changed.start : changed.end]}‸{changed.text[changed.end :]}"


@pytest.mark.parametrize(
    ("before", "by", "after"),
    [
        ("a re‸d cat", 0.1, "a (‸red‸:1.1) cat"),
        ("a (red‸:1.1) cat", 0.1, "a (‸red‸:1.2) cat"),
        ("a (‸red‸:1.1) cat", -0.1, "a ‸red‸ cat"),
        ("a re‸d cat", -0.05, "a (‸red‸:0.95) cat"),
        ("a ‸(red:1.05)‸ cat", -0.05, "a ‸red‸ cat"),
        ("‸blue heart ‸on fire", 0.1, "(‸blue heart‸:1.1) on fire"),
        ("(a (b‸lue:1.2) cat:1.1)", 0.1, "(a (‸blue‸:1.3) cat:1.1)"),
        ("(a‸ (blue:1.2) cat:1.1)", 0.1, "(‸a (blue:1.2) cat‸:1.2)"),
        ("x ‸a (blue‸:1.2) y", 0.1, "x (‸a (blue:1.2)‸:1.1) y"),
        ("(wo‸rd)", 0.1, "(‸word‸:1.2)"),
        ("[wo‸rd]", 0.1, "‸word‸"),
        (r"smile‸ \(yellow\)", 0.1, r"(‸smile‸:1.1) \(yellow\)"),
        (r"smile \(yel‸low\)", 0.1, r"smile (‸\(yellow\)‸:1.1)"),
        (":‸) cat", 0.1, "(‸:‸:1.1)) cat"),
        ("(word‸:0)", -0.1, "(‸word‸:0)"),
        ("a, ‸ b", 0.1, None),
        ("<lora:na‸me:0.8>", 0.1, None),
    ],
)
def test_a_key_changes_the_weight_of_the_part_at_the_cursor(before: str, by: float, after: str | None) -> None:
    assert weigh(before, by) == after


def test_up_and_down_gives_back_a_text_whose_words_have_their_weights() -> None:
    dice = random.Random(1)
    for _ in range(300):
        text = "".join(dice.choice(["a", "b ", "(", ")", ":1.3)", r"\(", r"\)", ", "]) for _ in range(12))
        place = dice.randrange(len(text) + 1)
        up = change_weight(text, place, place, 0.1)
        if up is None:
            continue
        down = change_weight(up.text, up.start, up.end, -0.1)
        assert down is not None
        assert meaning(down.text) == meaning(text), text


def meaning(text: str) -> list[tuple[str, float]]:
    return [(span.text, round(span.weight, 6)) for span in parse(text)]
