"""InvokeAI, NovelAI and Fooocus; and every program in every container that it writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.pictures.foreign import fooocus, invokeai, novelai
from engine.pictures.foreign.a1111 import parse
from engine.pictures.foreign.programs import read_foreign
from engine.pictures.foreign.settings import ForeignFile, ForeignLora
from engine.pictures.foreign.weights import from_comfyui, from_compel, from_novelai
from engine.pictures.image_file import ImageError
from tests.engine.pictures.foreign.files import (
    A1111,
    FOOOCUS,
    GRAPH,
    INVOKE,
    NOVELAI,
    OLD_INVOKE,
    comfy,
    exif,
    hidden,
    png,
)  # fmt: skip


def test_invokeai() -> None:
    found = invokeai.read({"invokeai_metadata": json.dumps(INVOKE)})
    assert found is not None
    assert (found.program, found.version, found.names) == ("InvokeAI", "5.6.0", "invokeai")
    assert (found.prompt, found.negative) == ("a (cat:1.3) and (dog:1.21)", "ugly")
    assert (found.sampler, found.steps, found.guidance, found.seed) == ("dpmpp_2m_sde_k", 30, 7.5, 5)
    assert (found.size, found.clip_skip) == ((1024, 832), 2), "it counts skipped layers"
    assert found.model == ForeignFile("Dream XL", "", "blake3:0123456789abcdef")
    assert found.vae == ForeignFile("fix-vae")
    names = [(lora.file.name, lora.strength) for lora in found.loras]
    assert names == [("detail", 0.75), ("old", -0.5)]
    assert found.unused == ("ControlNet",)


def test_invokeai_2_keeps_the_negative_prompt_in_brackets() -> None:
    found = invokeai.read({"sd-metadata": json.dumps(OLD_INVOKE), "Dream": '"other" -s 3'})
    assert found is not None
    assert (found.prompt, found.negative) == ("a cat", "dog, rat")
    assert (found.sampler, found.steps, found.guidance, found.seed, found.size) == ("k_euler_a", 40, 8, 9, (640, 512))
    assert found.model == ForeignFile("stable-diffusion-1.5", "cc6cb27103417325")
    assert found.loras == (ForeignLora(ForeignFile("detail"), 0.6, 0.6),)
    assert found.unused == ("Perlin noise",)


def test_invokeai_1_wrote_a_command_line() -> None:
    found = invokeai.read({"Dream": '"a cat, \\"x\\" [dog]" -s 50 -S 12 -W 512 -H640 -C7.5 -A k_lms'})
    assert found is not None
    assert (found.prompt, found.negative) == ('a cat, "x"', "dog")
    assert (found.sampler, found.steps, found.guidance, found.seed, found.size) == ("k_lms", 50, 7.5, 12, (512, 640))
    assert invokeai.read({"Dream": '"unclosed -s 50'}) is None


def test_novelai() -> None:
    found = novelai.read(NOVELAI)
    assert found is not None
    assert found.prompt == r"a (cat:1.1025), (dog:0.9524) \(plain\), (hat:1.5)"
    assert (found.negative, found.sampler, found.grid, found.steps) == ("lowres", "k_euler_ancestral", "karras", 28)
    assert (found.guidance, found.seed, found.size) == (5.5, 4242, (832, 1216))
    assert found.model == ForeignFile("NovelAI Diffusion V3 B1DE97E3")
    assert found.strength is None, "a new picture"
    assert found.unused == ("SMEA",)


def test_novelai_4_has_captions() -> None:
    caption = {"caption": {"base_caption": "new", "char_captions": [{"char_caption": "girl"}]}}
    said = {"v4_prompt": caption, "v4_negative_prompt": {"caption": {"base_caption": "bad"}}, "prompt": "old"}
    found = novelai.read({"Comment": json.dumps(said)})
    assert found is not None
    assert (found.prompt, found.negative, found.unused) == ("new", "bad", ("prompts for characters",))


def test_fooocus() -> None:
    found = fooocus.read({"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"})
    assert found is not None
    assert (found.program, found.version) == ("Fooocus", "Fooocus v2.5.5")
    assert (found.prompt, found.negative) == ("cinematic still a cat, sharp", "anime, blurry")
    assert (found.sampler, found.grid, found.steps, found.guidance) == ("dpmpp_2m_sde_gpu", "karras", 30, 4)
    assert (found.seed, found.size, found.clip_skip, found.vae) == (1234567890123, (1152, 896), 2, None)
    assert found.model == ForeignFile("juggernaut", "aeb7e9e689")
    assert found.loras == (ForeignLora(ForeignFile("offset", "4852686128"), 0.1, 0.1),)
    assert found.unused == ("Sharpness", "ADM guidance")
    assert found.notes == ("Fooocus' styles are written into the prompt.",)


def test_fooocus_in_a1111_s_form() -> None:
    text = (
        "a cat\nNegative prompt: dog\nSteps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 7, Size: 1152x896, CFG scale: 4, "
        'Sharpness: 2, ADM Guidance: "(1.5, 0.8, 0.3)", Model: juggernaut, Model hash: aeb7e9e689, Performance: Speed, '
        'Scheduler: karras, VAE: Default (model), Raw prompt: a cat, Lora hashes: "offset: 4852686128", '
        'Lora weights: "offset: 0.1", Version: Fooocus v2.5.5'
    )
    found = fooocus.read({"parameters": text})
    assert found is not None
    assert (found.program, found.sampler, found.grid, found.names) == ("Fooocus", "DPM++ 2M SDE", "karras", "a1111")
    assert found.loras == (ForeignLora(ForeignFile("offset", "4852686128"), 0.1, 0.1),)
    assert found.vae is None
    assert set(found.unused) == {"Sharpness", "ADM Guidance"}


@pytest.mark.parametrize(
    "text", ["(" * 9000, "a" + "-" * 9000 + "x", "{" * 9000 + "a", "1::" * 9000, "a+ " * 9000, "[" * 9000]
)
def test_prompts_of_signs_alone_end(text: str) -> None:
    """A pattern that tried each way to read them would not."""
    for read in (from_compel, from_novelai, from_comfyui):
        assert isinstance(read(text), str)


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "packed iTXt"])
def test_png_texts_of_every_kind(kind: str, tmp_path: Path) -> None:
    assert read_foreign(png(tmp_path / "a.png", {"parameters": A1111}, kind)) == parse(A1111)


@pytest.mark.parametrize("end", ["jpg", "webp"])
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + A1111.encode("utf-16-be"),
        b"UNICODE\0" + A1111.encode("utf-16-le"),
        b"UNICODE\0" + A1111.encode("utf-16"),
        b"ASCII\0\0\0" + A1111.encode(),
        b"JIS\0\0\0\0\0" + A1111.encode("iso2022_jp"),
        bytes(8) + A1111.encode(),
        A1111.encode(),
    ],
    ids=["big-endian", "little-endian", "with a mark", "ASCII", "JIS", "undefined", "no code"],
)
def test_user_comments_in_every_encoding(end: str, comment: bytes, tmp_path: Path) -> None:
    assert read_foreign(exif(tmp_path / f"a.{end}", {}, comment)) == parse(A1111)


def test_letters_beyond_latin_in_every_encoding(tmp_path: Path) -> None:
    text = A1111.replace("a (cat:1.2)", "りんご")
    for k, comment in enumerate(
        (b"UNICODE\0" + text.encode("utf-16-be"), b"JIS\0\0\0\0\0" + text.encode("iso2022_jp"))
    ):
        found = read_foreign(exif(tmp_path / f"{k}.jpg", {}, comment))
        assert found is not None
        assert found.prompt.startswith("りんご")


def test_programs_in_their_containers(tmp_path: Path) -> None:
    graph = comfy(**GRAPH)
    files = {
        "ComfyUI": [png(tmp_path / "c.png", {"prompt": graph, "workflow": "{}"}, "tEXt"),
                    exif(tmp_path / "c.webp", {0x0110: "prompt:" + graph, 0x010F: "workflow:{}"})],
        "InvokeAI": [png(tmp_path / "i.png", {"invokeai_metadata": json.dumps(INVOKE)}),
                     png(tmp_path / "o.png", {"sd-metadata": json.dumps(OLD_INVOKE)})],
        "NovelAI": [png(tmp_path / "n.png", NOVELAI, "tEXt"), hidden(tmp_path / "s.png", json.dumps(NOVELAI))],
        "Fooocus": [png(tmp_path / "f.png", {"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"}),
                    exif(tmp_path / "f.jpg", {0x0131: "Fooocus v2.5.5"}, json.dumps(FOOOCUS).encode())],
        "A1111": [hidden(tmp_path / "h.png", A1111), hidden(tmp_path / "p.png", A1111, packed=False)],
    }  # fmt: skip
    for program, paths in files.items():
        found = [read_foreign(path) for path in paths]
        assert [one.program for one in found if one is not None] == [program] * len(paths), program
        if program != "InvokeAI":
            assert found[0] is not None
            assert all(one == found[0] for one in found), program


def test_a_picture_without_settings_is_none(tmp_path: Path) -> None:
    assert read_foreign(png(tmp_path / "a.png", {"Comment": "made by me", "prompt": "a cat"})) is None
    assert read_foreign(exif(tmp_path / "a.jpg", {0x010E: "a description"}, b"ASCII\0\0\0hello")) is None
    with pytest.raises(ImageError):
        read_foreign(tmp_path / "none.png")


@pytest.mark.parametrize("length", [0, 1, 33, 57, 200, -30])
def test_a_file_that_ends_early_is_none_or_a_sentence(length: int, tmp_path: Path) -> None:
    whole = png(tmp_path / "a.png", {"parameters": A1111}).read_bytes()
    (tmp_path / "b.png").write_bytes(whole[:length])
    try:
        found = read_foreign(tmp_path / "b.png")
    except ImageError:
        found = None  # that every ImageError is one sentence is tested with the fuzzer
    assert found is None or found == parse(A1111)


WRONG: tuple[object, ...] = (None, [], {}, [[]], {"name": []}, "x" * 10, -1, 1e308, True, [None] * 3)


@pytest.mark.parametrize("said", [INVOKE, OLD_INVOKE, FOOOCUS, json.loads(NOVELAI["Comment"])])
def test_wrong_types_are_left_out(said: dict[str, object]) -> None:
    """Each value in turn is something that it is not; readers raise nothing and the rest stays."""
    for key in said:
        for wrong in WRONG:
            text = json.dumps(said | {key: wrong})
            for read, name in ((invokeai.read, "invokeai_metadata"), (invokeai.read, "sd-metadata"),
                               (fooocus.read, "parameters"), (novelai.read, "Comment")):  # fmt: skip
                found = read({name: text, "Software": "NovelAI"})
                assert found is None or replace(found) == found
