"""The vendored text encoder reads as its original does, from its folder alone."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import torch

from engine.errors import Cancelled
from engine.models.bert import Bert
from engine.models.emphasis import emphasise
from engine.models.errors import ModelError
from engine.models.meaning import Meanings, is_slip
from engine.models.text import TextEncoder, read_encoder
from engine.spec.catalog import resource_root

FOLDER = resource_root() / "text" / "minilm"
TEXTS = ["red apple", "", "a cat face in noto style", "cat " * 40]


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(FOLDER, length=16)


def test_states_are_those_of_the_reference_implementation() -> None:
    """Against transformers, on a small random checkpoint: every kind of parameter takes part."""
    from transformers import BertConfig, BertModel

    config = {
        "vocab_size": 50,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 40,
        "max_position_embeddings": 12,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
    }
    torch.manual_seed(0)
    theirs = BertModel(BertConfig(**config), add_pooling_layer=False).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ours = Bert(config)
    ours.load_state_dict(theirs.state_dict())
    ids = torch.randint(50, (3, 9))
    mask = torch.arange(9) < torch.tensor([[9], [4], [1]])
    with torch.no_grad():
        expected = theirs(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        assert torch.allclose(ours(ids, mask), expected, atol=1e-5)


def test_shapes_and_masks(encoder: TextEncoder) -> None:
    states, mask = encoder.encode(TEXTS)
    assert states.shape == (4, 16, 384)
    assert states.dtype == torch.float32
    assert mask.sum(1).tolist() == [4, 2, 9, 16]  # [CLS] and [SEP] are tokens too
    assert not states.requires_grad


def test_neighbours_in_meaning_are_neighbours_here(encoder: TextEncoder) -> None:
    def pooled(text: str) -> torch.Tensor:
        states, mask = encoder(text)
        return torch.nn.functional.normalize(states[mask].mean(0), dim=0)

    dog = pooled("dog")
    assert dog @ pooled("puppy") > max(float(dog @ pooled(other)) for other in ("rocket", "pizza", "church"))


def test_a_text_is_encoded_once_and_the_oldest_forgotten() -> None:
    encoder = TextEncoder(FOLDER, length=8, remember=2)
    first = encoder("one")[0]
    assert encoder("one")[0] is first
    encoder("two")
    encoder("one")
    encoder("three")  # forgets "two", which was asked for longest ago
    assert encoder("one")[0] is first
    assert torch.equal(encoder("two")[0], encoder.encode(["two"])[0])


def test_nothing_reaches_for_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    TextEncoder(FOLDER, length=16)("red apple")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("harm", ["missing", "cut short", "nonsense"])
def test_a_damaged_encoder_is_one_clear_error(name: str, harm: str, tmp_path: Path) -> None:
    folder = tmp_path / "minilm"
    folder.mkdir()
    config = json.loads((FOLDER / "config.json").read_text())
    for path in FOLDER.iterdir():
        if path.name != name:
            (folder / path.name).symlink_to(path)
    if harm == "cut short":
        (folder / name).write_bytes((FOLDER / name).read_bytes()[:300])
    elif harm == "nonsense":
        text = json.dumps(config | {"hidden_size": 12}) if name == "config.json" else "{}"
        (folder / name).write_text(text)
    with pytest.raises(ModelError, match=rf"minilm/{name} is (missing|damaged).*: .*restore"):
        read_encoder(folder, 16)


def test_a_weight_multiplies_the_states_of_its_words(encoder: TextEncoder) -> None:
    plain, mask = encoder("red apple")
    weighted, same = encoder("(red:1.5) apple")
    weights = torch.ones(1, 16)
    weights[0, 1] = 1.5  # after [CLS]
    assert torch.equal(mask, same)
    assert torch.allclose(weighted, emphasise(plain, weights, mask))
    counted = weighted[mask].mean(), plain[mask].mean()
    assert counted[0].item() == pytest.approx(counted[1].item(), rel=1e-4)


@pytest.mark.parametrize("text", ["red apple", "", "a cat: 1.3", "{x|y} BREAK", "smile :)", r"a \ b"])
def test_a_text_without_a_pair_of_brackets_is_encoded_as_it_is(text: str, encoder: TextEncoder) -> None:
    assert torch.equal(encoder(text)[0], encoder.encode([text])[0])


def test_escaped_brackets_are_read_as_brackets(encoder: TextEncoder) -> None:
    assert torch.equal(encoder(r"apple \(red\)")[0], encoder.encode(["apple (red)"])[0])


@pytest.mark.parametrize(
    ("word", "known", "slip"),
    [
        ("aple", "apple", True),
        ("appple", "apple", True),
        ("abple", "apple", True),
        ("paple", "apple", True),
        ("apple", "apple", False),
        ("aplle", "apple", True),
        ("appel", "apple", True),
        ("apel", "apple", False),
        ("portrait", "potato", False),
    ],
)
def test_a_slip_is_one_letter(word: str, known: str, slip: bool) -> None:
    assert is_slip(word, known) == slip


def test_a_name_is_suggested_by_its_meaning_and_never_by_its_letters(encoder: TextEncoder) -> None:
    names = ("potato", "office building", "chair", "dog", "hot dog", "hospital", "printer", "broccoli", "apple")
    meanings = Meanings(encoder, names, frozenset(names) | {"pot", "train"})
    meanings.prepare()
    expected = {
        "portrait": (), "skyscraper": ("office building",), "sofa": ("chair",), "puppy": ("dog",),
        "physician": ("hospital",), "prince": (), "masterpiece": (), "brokoli": ("broccoli",), "aple": ("apple",),
    }  # fmt: skip
    assert {word: meanings.near(word, 3) for word in expected} == expected


def test_the_names_are_encoded_in_parts_that_can_be_cancelled(encoder: TextEncoder) -> None:
    names = [f"name {k}" for k in range(40)]
    whole, parts = Meanings(encoder, names, frozenset()), Meanings(encoder, names, frozenset())
    whole.prepare()
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        parts.prepare(lambda: next(asked))
    parts.prepare()
    assert parts.near("name 7", 3) == whole.near("name 7", 3) != ()
