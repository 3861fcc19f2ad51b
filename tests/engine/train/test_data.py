"""Data sets: built from pinned packages or from one's own folder, and read back as captioned pictures."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image

from engine.models.text import TextEncoder
from engine.spec.catalog import resource_root
from engine.train import emoji, folder
from engine.train.collection import EMOJI, STICKERS, Collection
from engine.train.data import encode_texts, load
from engine.train.packages import Package, fetch, unpack, verify
from engine.train.pictures import on_white, with_alpha


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(resource_root() / "text" / "minilm", length=8)


def icons(colour: str, *names: str) -> dict[str, object]:
    body = f'<rect width="16" height="16" fill="{colour}"/>'
    return {"icons": {name: {"body": body} for name in names}, "width": 16, "height": 16}


def lay(package: Package, root: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        path = root / package.stem / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The seven packages, with a red apple in five styles, a rocket in one, and a flag that nobody chose."""
    root = tmp_path / "npm"
    labels = [
        {
            "label": "red apple",
            "hexcode": "1F34E",
            "subgroup": 7,
            "tags": ["fruit", "apple", "mac os 9", "health", "tasty"],
        },
        {"label": "rocket", "hexcode": "1F680", "tags": ["space"]},
        {"label": "flag: Iceland", "hexcode": "1F1EE"},
    ]
    for package in emoji.PACKAGES:
        if package.style == "":
            messages = {"subgroups": [{"key": "food-fruit", "message": "fruit", "order": 7}]}
            lay(package, root, {"en/data.json": labels, "en/messages.json": messages})
        elif package.style == "3d":
            (root / package.stem / "package/assets").mkdir(parents=True)
            Image.new("RGBA", (256, 256), (0, 0, 255, 255)).save(root / package.stem / "package/assets/1f34e.webp")
        elif package.style == "noto":
            chars = {"1f34e": "apple", "1f680": "rocket"}
            lay(package, root, {"icons.json": icons("#f00", "apple", "rocket", "iceland"), "chars.json": chars})
        elif package.style == "fluent":
            lay(package, root, {"icons.json": icons("#0f0", "iceland"), "chars.json": {}})
        else:
            lay(package, root, {"icons.json": icons("#0f0", "red-apple"), "chars.json": {}})
    return root


def test_the_same_concept_has_one_name_in_every_style(packages: Path, tmp_path: Path) -> None:
    assert emoji.build(packages, tmp_path / "set", side=32) == 6
    table = json.loads((tmp_path / "set/rows.json").read_text())
    drawn = {(row["name"], row["label"]) for row in table["rows"]}
    styles = ("3d", "emojione", "fluent flat", "noto", "twemoji")
    assert drawn == {("red apple", style) for style in styles} | {("rocket", "noto")}
    assert table["labels"] == ["3d", "emojione", "fluent", "fluent flat", "noto", "twemoji"]
    pictures = np.load(tmp_path / "set/pictures.npy")
    corner = {row["label"]: tuple(picture[0, 0]) for row, picture in zip(table["rows"], pictures, strict=True)}
    assert pictures.shape == (6, 32, 32, 3)
    assert corner["noto"] == (255, 0, 0)
    assert corner["twemoji"] == (0, 255, 0)
    assert corner["3d"][2] > 250


def test_captions_name_the_concept_in_several_ways_half_of_them_with_the_style() -> None:
    concept = emoji.Concept("1f34e", "red apple", ("fruit", "health", "tasty", "mac os 9"))
    texts = emoji.captions(concept, "noto", ["apple"], Random(0))
    assert texts[0] == "red apple"
    assert {"a red apple", "apple", "red apple, noto style", "a red apple in noto style"} <= set(texts)
    assert sum("noto" in text for text in texts) == len(texts) // 2
    assert any("fruit" in text or "health" in text for text in texts)
    assert not any("9" in text for text in texts)  # keywords that are no words


@pytest.mark.parametrize(("name", "named"), [("scissors", "scissors"), ("eye", "an eye"), ("glass", "a glass")])
def test_articles(name: str, named: str) -> None:
    assert named in emoji.captions(emoji.Concept("0", name, ()), "noto", [], Random(0))


@pytest.mark.parametrize("collection", [EMOJI, STICKERS], ids=lambda c: c.id)
def test_the_chosen_concepts_contain_the_promised_ones(collection: Collection) -> None:
    assert {"red apple", "cat face", "rocket", "birthday cake", "blue heart", "pizza"} <= collection.concepts().keys()
    assert set(emoji.EXAMPLES) <= collection.concepts().keys()


def test_stickers_are_the_emoji_and_many_more() -> None:
    assert len(STICKERS.concepts()) >= 1200
    assert EMOJI.concepts().items() <= STICKERS.concepts().items()
    assert EMOJI.held_out() < STICKERS.held_out()  # weights of one may be the start of the other


@pytest.mark.parametrize("collection", [EMOJI, STICKERS], ids=lambda c: c.id)
def test_the_lists_to_judge_by_speak_of_chosen_concepts(collection: Collection) -> None:
    names, evaluation = collection.concepts().keys(), collection.evaluation()
    assert len(evaluation) == len(set(evaluation)) == 200
    assert set(evaluation) <= names
    assert len(collection.held_out()) >= 100
    assert {name for name, _ in collection.held_out()} <= names - set(emoji.EXAMPLES)
    assert {style for _, style in collection.held_out()} == set(emoji.STYLES)
    assert len(collection.paraphrases()) >= 60
    assert {name for _, name in collection.paraphrases()} <= names


@pytest.mark.parametrize("collection", [EMOJI, STICKERS], ids=lambda c: c.id)
def test_every_concept_is_described_and_no_description_gives_a_test_away(collection: Collection) -> None:
    described = collection.descriptions()
    assert described.keys() == collection.concepts().keys()
    assert all(len(texts) >= 2 for texts in described.values())
    texts = [f" {text} " for some in described.values() for text in some]
    assert not [text for text, _ in collection.paraphrases() if any(f" {text} " in held for held in texts)]


def test_a_synonym_means_one_concept_alone_and_none_gives_a_test_away(packages: Path) -> None:
    package = packages / emoji.PACKAGES[0].stem
    british = [
        {"label": "red apple", "hexcode": "1F34E", "tags": ["bramley", "shared", "puppy"]},
        {"label": "rocket", "hexcode": "1F680", "tags": ["shared"]},
        {"label": "flag: Iceland", "hexcode": "1F1EE", "tags": ["bramley"]},  # nobody chose it: it takes no name away
    ]
    codes = {"1F34E": ["apple_red", "rocket"], "1F680": "spaceship_"}
    lay(emoji.PACKAGES[0], packages.parent / "npm", {"en-gb/data.json": british, "en/shortcodes/other.json": codes})
    found = {concept.name: concept for concept in emoji.concepts(package, STICKERS).values()}
    assert found["red apple"].synonyms == ("apple", "apple red", "bramley", "fruit", "health", "tasty")
    assert found["rocket"].synonyms == ("space", "spaceship")
    texts = emoji.captions(found["rocket"], "noto", [], Random(0))
    assert {"spaceship", "spaceship, noto style"} <= set(texts)
    assert emoji.concepts(package, EMOJI)["1f34e"].synonyms == ()


def test_a_caption_may_be_a_description_with_and_without_the_style() -> None:
    concept = emoji.Concept("0", "pizza", (), described=("hot slice with cheese", "food from naples"))
    texts = emoji.captions(concept, "noto", [], Random(0))
    assert {"hot slice with cheese", "food from naples"} <= set(texts)
    assert {"hot slice with cheese, noto style", "hot slice with cheese in noto style"} & set(texts)
    assert texts[0] == "pizza"


def test_a_row_knows_its_subgroup_its_weight_and_whether_it_is_held_out(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Collection, "held_out", lambda self: {("red apple", "noto")})
    emoji.build(packages, tmp_path / "set", side=32)
    rows = json.loads((tmp_path / "set/rows.json").read_text())["rows"]
    apples = {row["label"]: row for row in rows if row["name"] == "red apple"}
    assert {row["subgroup"] for row in apples.values()} == {"food-fruit"}
    assert [label for label, row in apples.items() if row.get("held_out")] == ["noto"]
    assert apples["twemoji"]["weight"] > 1
    assert "weight" not in apples["3d"]


def tarball(path: Path, members: dict[str, bytes]) -> str:
    """Writes a .tgz and returns its integrity as the registry gives it."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("package/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def test_a_package_that_lies_there_is_verified_and_unpacked(tmp_path: Path) -> None:
    integrity = tarball(tmp_path / "some-icons-1.0.0.tgz", {"package/icons.json": b"{}"})
    package = Package("@some/icons", "1.0.0", integrity)
    assert fetch((package,), tmp_path) == tmp_path
    assert (tmp_path / "some-icons-1.0.0/package/icons.json").read_bytes() == b"{}"


def test_a_package_with_another_hash_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some-icons-1.0.0.tgz"
    integrity = tarball(path, {"package/icons.json": b"{}"})
    tarball(path, {"package/icons.json": b'{"evil": 1}'})
    with pytest.raises(ValueError, match=r"some-icons-1\.0\.0\.tgz is not the expected package"):
        verify(path, integrity)
    with pytest.raises(ValueError, match="wrong SHA-512"):
        fetch((Package("@some/icons", "1.0.0", integrity),), tmp_path)
    assert not (tmp_path / "some-icons-1.0.0").exists()


def test_unpacking_writes_nothing_outside_its_folder(tmp_path: Path) -> None:
    hostile = {"../evil": b"x", "/tmp/evil-absolute": b"x", "package/../../evil": b"x", "package/good": b"y"}
    tarball(tmp_path / "p.tgz", hostile)
    unpack(tmp_path / "p.tgz", tmp_path / "out")
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if not p.is_dir()) == [
        "out/package/good",
        "p.tgz",
    ]
    assert not Path("/tmp/evil-absolute").exists()


def test_without_npm_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"npm is not installed: install it, or put some-icons-1\.0\.0\.tgz into"):
        fetch((Package("@some/icons", "1.0.0", ""),), tmp_path)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A person's folder: a wide picture without a class, a transparent one in the class “night”."""
    source = tmp_path / "own"
    (source / "night").mkdir(parents=True)
    wide = Image.new("RGB", (90, 30), (255, 0, 0))
    wide.paste((0, 255, 0), (30, 0, 60, 30))
    wide.save(source / "leaf.png")
    (source / "leaf.txt").write_text("a green leaf\nleaf\n")
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(source / "night" / "moon.webp")
    (source / "night" / "moon.txt").write_text("the moon")
    return source


def test_a_folder_reads_pictures_as_the_canvas_does(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    Image.fromarray(np.full((40, 40), 257 * 100, np.uint16)).save(own / "deep.png")
    exif = Image.Exif()
    exif[274] = 6  # turned to the right
    half = np.zeros((64, 64, 3), np.uint8)
    half[:32] = 255
    Image.fromarray(half).save(own / "turned.png", exif=exif)
    for name in ("deep", "turned"):
        (own / f"{name}.txt").write_text(name)
    folder.build(own, tmp_path / "set")
    deep, turned = np.load(tmp_path / "set" / "pictures.npy")
    assert (deep == 100).all()
    assert turned[:, :20].max() == 0
    assert turned[:, -20:].min() == 255


def test_a_folder_of_captioned_pictures_becomes_a_data_set(own: Path, tmp_path: Path, encoder: TextEncoder) -> None:
    assert folder.build(own, tmp_path / "set") == 2
    data = load(tmp_path / "set", 32, encoder)
    assert data.pictures.shape == (2, 3, 32, 32)
    assert data.labels == ("night",)
    assert data.label.tolist() == [1, 0]  # no class is the one past the last
    assert (data.pictures[0].float().mean((1, 2)) - torch.tensor([0.0, 255, 0])).abs().max() < 8  # the central square
    assert data.pictures[1].min() == 255  # transparency is white
    assert data.captions is not None
    leaf = data.captions.tokens[data.captions.caption[0]].float()
    alone = torch.cat([encoder.encode([text])[0] for text in ("a green leaf", "leaf")])
    assert (leaf[0] - leaf[1]).abs().max() > 0.1, "the two captions are told apart"
    # Kept in half precision, and encoded beside other texts, which rounds differently than alone: one rounding each.
    torch.testing.assert_close(leaf, alone, rtol=2**-10, atol=2**-10)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be"])
def test_captions_are_read_as_editors_save_them(own: Path, tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-8-sig" else "\ufeff"
    (own / "leaf.txt").write_bytes(f"{mark}ein grünes Blatt\r\n".encode(encoding))
    folder.build(own, tmp_path / "set")
    rows = json.loads((tmp_path / "set" / "rows.json").read_text(encoding="utf-8"))["rows"]
    assert [row["captions"] for row in rows] == [["ein grünes Blatt"], ["the moon"]]


def test_captions_of_an_unknown_encoding_name_their_file(own: Path, tmp_path: Path) -> None:
    (own / "leaf.txt").write_bytes("ein grünes Blatt".encode("latin-1"))
    with pytest.raises(ValueError, match=r"leaf\.txt is not text in UTF-8: .* save it as UTF-8"):
        folder.build(own, tmp_path / "set")


def test_hidden_files_are_no_pictures(own: Path, tmp_path: Path) -> None:
    (own / "._leaf.png").write_bytes(b"\x00\x05\x16\x07")
    (own / ".thumbnails").mkdir()
    (own / ".thumbnails" / "leaf.png").write_bytes(b"no picture")
    assert folder.build(own, tmp_path / "set") == 2


def test_what_cannot_be_used_is_named(own: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There are no pictures in"):
        folder.build(tmp_path / "nowhere", tmp_path / "set")
    (own / "bad.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"bad\.png has no caption: write one into bad\.txt"):
        folder.build(own, tmp_path / "set")
    (own / "bad.txt").write_text("bad")
    with pytest.raises(ValueError, match=r"bad\.png is not a picture"):
        folder.build(own, tmp_path / "set")


def test_captions_are_encoded_once_and_only_the_new_ones_after(
    tmp_path: Path, encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded_texts: list[str] = []
    real = encoder.encode

    def counting(texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        encoded_texts.extend(texts)
        return real(texts)

    monkeypatch.setattr(encoder, "encode", counting)
    encode_texts(["cat", ""], encoder, tmp_path)
    tokens, mask = encode_texts(["dog", "cat", ""], encoder, tmp_path)
    assert encoded_texts == ["cat", "", "dog"]
    states, counts = real(["dog", "cat", ""])
    assert torch.allclose(tokens.float(), states, atol=0.01)
    assert torch.equal(mask, counts)


def test_pictures_are_averaged_down_on_white() -> None:
    half = Image.new("RGBA", (128, 128), (0, 0, 0, 0))
    half.paste((0, 0, 0, 255), (0, 0, 64, 128))
    small = on_white(half, 2)
    assert small[:, 0].max() == 0
    assert small[:, 1].min() == 255


def test_alpha_and_the_colour_on_white_are_averaged_alike() -> None:
    half = Image.new("RGBA", (128, 128), (0, 0, 0, 0))
    half.paste((200, 0, 0, 255), (0, 0, 64, 128))
    assert with_alpha(half, 2)[0].tolist() == [[200, 0, 0, 255], [255, 255, 255, 0]]
    whole = with_alpha(half, 1)[0, 0].astype(int)
    assert abs(whole - [228, 128, 128, 128]).max() <= 1


def test_stickers_keep_their_alpha(packages: Path, tmp_path: Path) -> None:
    empty = {"icons": {"red-apple": {"body": ""}}, "width": 16, "height": 16}
    lay(emoji.PACKAGES[-1], packages, {"icons.json": empty})
    lay(emoji.PACKAGES[0], packages, {"en-gb/data.json": [], "en/shortcodes/cldr.json": {}})
    assert emoji.build(packages, tmp_path / "set", side=32, collection=STICKERS) == 6
    table = json.loads((tmp_path / "set/rows.json").read_text())
    pictures = np.load(tmp_path / "set/pictures.npy")
    corner = {row["label"]: tuple(picture[0, 0]) for row, picture in zip(table["rows"], pictures, strict=True)}
    assert (table["id"], pictures.shape) == ("stickers", (6, 32, 32, 4))
    assert corner["noto"] == (255, 0, 0, 255)
    assert corner["twemoji"] == (255, 255, 255, 0)


def test_a_side_that_is_no_divisor_is_refused(packages: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="choose a divisor of 128"):
        emoji.build(packages, tmp_path / "set", side=48)
