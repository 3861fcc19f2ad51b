"""Other studios' settings as a Draft: models and LoRAs by hash or name, sizes, and what is said."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from engine.checkpoints.adapters.files import AdapterFiles
from engine.checkpoints.hashes import sha256
from engine.checkpoints.settings import ModelSettings, save
from engine.pictures.foreign.a1111 import parse
from engine.pictures.foreign.adopt import Adopted, FoundLoras, FoundVae, adopt, find_loras, find_vae
from engine.pictures.foreign.settings import ForeignFile, ForeignLora, ForeignSettings
from engine.spec.adapter import AdapterUse
from engine.spec.catalog import ModelInfo, embedded_models
from engine.spec.draft import resolve
from engine.spec.sizes import SizeRule
from engine.spec.vae import VaeUse
from tests.engine.pictures.foreign.files import A1111
from tests.fakes.checkpoints import write_hollow

EMOJI = next(info for info in embedded_models() if info.id == "emoji")
LATENT = replace(
    EMOJI,
    id="dream",
    title="dream",
    sha256="879db523c3" + "0" * 54,
    sizes=SizeRule(((512, 512),), 8, 64, 2048, free=True),
    takes=frozenset({"text", "negative", "size", "clip_skip", "adapters", "vae"}),
    config=EMOJI.config | {"cascade": None, "family": "sd1"},
)
MODELS = [EMOJI, LATENT]
TAESD = {"decoder.layers.0.weight": (64, 4, 3, 3), "encoder.layers.0.weight": (64, 3, 3, 3)}


def whole(text: str = A1111, models: list[ModelInfo] = MODELS, loras: FoundLoras | None = None) -> Adopted:
    found = parse(text)
    assert found is not None
    return adopt(found, models, EMOJI, loras)


def test_everything_that_fits_is_on_the_draft() -> None:
    use = AdapterUse(name="detail", sha256="7" * 64, strength=0.8, text_strength=0.8)
    vae = FoundVae(VaeUse(name="a, b", sha256="735e4c3a44" + "0" * 54), ("sd1", "sd2"))
    found = parse(A1111)
    assert found is not None
    adopted = adopt(found, MODELS, EMOJI, FoundLoras((use,)), vae)
    draft = adopted.draft
    assert (draft.model, draft.prompt, draft.negative) == (
        "dream",
        "a (cat:1.2), in a hat\nsecond line",
        "dog, ugly\nmore",
    )
    assert (draft.sampler, draft.spacing, draft.steps, draft.guidance) == ("dpmpp-2m", "karras", 20, 7.0)
    assert (draft.seed, draft.width, draft.height, draft.clip_skip) == (123456, 512, 768, 2)
    assert (draft.adapters, draft.vae) == ((use,), vae.use)
    assert adopted.missing == ()
    taken = "prompt, negative prompt, LoRAs, VAE, sampler, schedule, steps, guidance, clip skip, size and seed"
    assert adopted.notice.splitlines() == [
        f"Made with A1111: its {taken} can be used.",
        "Not used: Hires upscale 1.5×, ADetailer, ControlNet.",
        "The same seed draws other noise here.",
    ]


def test_a_vae_that_is_missing_or_does_not_fit_is_named() -> None:
    adopted = whole()
    assert "the VAE “a, b” (735e4c3a44)" in adopted.missing
    assert adopted.draft.vae is None
    found = parse(A1111)
    assert found is not None
    other = FoundVae(VaeUse(name="a, b", sha256="7" * 64), ("flux",))
    adopted = adopt(found, MODELS, EMOJI, vae=other)
    assert "Its VAE “a, b” does not fit dream." in adopted.differs
    assert adopted.draft.vae is None
    assert "the VAE “a, b” (735e4c3a44)" in whole(models=[EMOJI]).unused


def test_a_vae_is_found_by_hash_then_by_name_and_only_if_it_is_one(tmp_path: Path) -> None:
    models, config = tmp_path / "models", tmp_path / "config"
    path = write_hollow(models / "mse.safetensors", TAESD)
    write_hollow(models / "lora.safetensors", {"lora_unet_x.lora_down.weight": (4, 320)})
    save(ModelSettings(folders=(models,)), config)
    files, use = AdapterFiles(config, "VAE"), VaeUse(name="mse", sha256=sha256(path))
    by_name = find_vae(ForeignFile("mse"), files)
    assert by_name is not None
    assert (by_name.use, "sdxl" in by_name.families, by_name.note) == (use, True, "")
    by_hash = find_vae(ForeignFile("called otherwise", use.sha256[:10]), files)
    assert by_hash == by_name
    other = find_vae(ForeignFile("mse", "0123456789"), files)
    assert other is not None
    assert other.note == f"The VAE “mse” here is another file ({use.sha256[:10]}, not 0123456789)."
    assert find_vae(ForeignFile("lora"), files) is None
    assert find_vae(ForeignFile("gone"), files) is None
    assert find_vae(None, files) is None


def test_loras_are_found_by_the_hash_of_their_tensors(tmp_path: Path) -> None:
    """A1111 writes twelve digits: of what kohya's metadata say, else of the file without its header."""
    models, config = tmp_path / "models", tmp_path / "config"
    shapes = {"lora_unet_x.lora_down.weight": (4, 320)}
    trained = write_hollow(models / "renamed.safetensors", shapes, metadata={"sshs_model_hash": "ab" * 32})
    plain = write_hollow(models / "plain.safetensors", shapes)
    save(ModelSettings(folders=(models,)), config)
    body = hashlib.sha256(plain.read_bytes()[8 + int.from_bytes(plain.read_bytes()[:8], "little") :]).hexdigest()
    wanted = (ForeignLora(ForeignFile("original", "ab" * 6)), ForeignLora(ForeignFile("plain", body[:12])))
    found = find_loras(wanted, AdapterFiles(config))
    assert [use.sha256 for use in found.uses] == [sha256(trained), sha256(plain)]
    assert (found.missing, found.notes) == ((), ())
    plain = plain.rename(models / "moved.safetensors")
    again = find_loras((ForeignLora(ForeignFile("plain", "0" * 12)), ForeignLora(ForeignFile("moved", "0" * 12))),
                       AdapterFiles(config))  # fmt: skip
    assert again.missing == (ForeignLora(ForeignFile("plain", "0" * 12)),)
    assert again.notes == (f"The LoRA “moved” here is another file ({sha256(plain)[:10]}, not {'0' * 12}).",)


def test_what_is_missing_is_named_and_the_panel_s_model_is_used() -> None:
    adopted = whole(models=[EMOJI])
    assert adopted.draft.model == "emoji"
    assert adopted.missing == ("the model “dream” (879db523c3)", "the LoRA “detail” (7c6bad76eb)")
    assert "Not here: the model “dream” (879db523c3), the LoRA “detail” (7c6bad76eb); Emoji is used" in adopted.notice
    assert "Emoji makes 128×128 pixels, not 512×768." in adopted.notice
    assert "size" not in adopted.notice.split("can be used")[0]
    assert (adopted.draft.width, adopted.draft.height, adopted.draft.clip_skip) == (32, 32, None)
    assert "clip skip" in adopted.unused
    assert resolve(adopted.draft, EMOJI).seeds == (123456,)


def test_a_model_is_known_by_its_hash_whatever_it_is_called() -> None:
    renamed = replace(LATENT, id="other", title="other")
    assert whole(models=[EMOJI, renamed]).draft.model == "other"


def test_a_model_of_that_name_with_another_hash_is_used_and_that_is_said() -> None:
    other = replace(LATENT, sha256="f" * 64)
    adopted = whole(models=[EMOJI, other])
    assert adopted.draft.model == "dream"
    assert any("another hash" in sentence for sentence in adopted.differs)


@pytest.mark.parametrize("name", ["Dream", "dream", "DREAM"])
def test_names_are_compared_without_case(name: str) -> None:
    found = ForeignSettings(program="ComfyUI", model=ForeignFile(name))
    assert adopt(found, MODELS, EMOJI).draft.model == "dream"


def test_names_without_latin_letters_are_told_apart() -> None:
    here = replace(LATENT, id="動漫", title="動漫", folder=Path("動漫.safetensors"))
    for name, model in (("動漫", "動漫"), ("写真", "emoji"), ("___", "emoji")):
        found = ForeignSettings(program="ComfyUI", model=ForeignFile(name))
        assert adopt(found, [EMOJI, here], EMOJI).draft.model == model


def test_unknown_samplers_and_grids_are_named() -> None:
    adopted = whole("x\nSteps: 5, Sampler: Magic 3000, Schedule type: Moon, Seed: 1", [LATENT])
    assert adopted.unused == ("the sampler Magic 3000", "the schedule Moon")
    assert adopted.draft.sampler == EMOJI.defaults["sampler"]


def test_a_sampler_that_is_not_the_same_map_is_said() -> None:
    adopted = whole("x\nSteps: 5, Sampler: PLMS, Seed: 1")
    assert any(sentence.startswith("PLMS is not quite the same here") for sentence in adopted.differs)


def test_numbers_out_of_range_are_said_and_left() -> None:
    found = ForeignSettings(program="ComfyUI", seed=2**64 - 1, steps=5000, guidance=3.0)
    adopted = adopt(found, MODELS, EMOJI)
    assert (adopted.draft.seed, adopted.draft.guidance) == (0, 3.0)
    assert sum("is not possible here" in sentence for sentence in adopted.differs) == 2


def test_sizes_go_to_the_nearest_one() -> None:
    adopted = whole("x\nSteps: 5, Sampler: Euler, Seed: 1, Size: 500x701, Model: dream")
    assert (adopted.draft.width, adopted.draft.height) == (504, 704)
    assert "dream makes 504×704 pixels, not 500×701." in adopted.differs


def test_braces_of_a_finished_prompt_draw_nothing() -> None:
    adopted = whole("a {b|c} __d__\nSteps: 5, Sampler: Euler, Seed: 1")
    assert resolve(adopted.draft, EMOJI).prompt == "a {b|c} __d__"


def test_a_strength_is_kept_and_its_picture_is_missing() -> None:
    adopted = whole("x\nSteps: 5, Sampler: Euler, Seed: 1, Denoising strength: 0.6")
    assert adopted.draft.strength == 0.6
    assert adopted.draft.method == "new"
    assert any("made from another picture" in sentence for sentence in adopted.differs)


def test_loras_are_found_by_name_and_by_hash(tmp_path: Path) -> None:
    models, config = tmp_path / "models", tmp_path / "config"
    models.mkdir()
    (models / "detail.safetensors").write_bytes(b"one")
    (models / "renamed.safetensors").write_bytes(b"two")
    save(ModelSettings(folders=(models,)), config)
    first, second = (sha256(models / f"{name}.safetensors") for name in ("detail", "renamed"))
    files = AdapterFiles(config)
    files.named("renamed")  # its hash is known from now on
    wanted = (
        ForeignLora(ForeignFile("detail", "0123456789"), 0.5, 0.25),
        ForeignLora(ForeignFile("original", second[:10]), -1.0, -1.0),
        ForeignLora(ForeignFile("gone", "a" * 10)),
    )
    found = find_loras(wanted, files)
    assert found.uses == (
        AdapterUse(name="detail", sha256=first, strength=0.5, text_strength=0.25),
        AdapterUse(name="renamed", sha256=second, strength=-1.0, text_strength=-1.0),
    )
    assert found.missing == (wanted[2],)
    assert found.notes == (f"The LoRA “detail” here is another file ({first[:10]}, not 0123456789).",)


def test_a_notice_stays_short() -> None:
    names = tuple(f"extension number {k} with a long name" for k in range(300))
    found = ForeignSettings(program="A1111", seed=1, unused=names, notes=("A long sentence. " * 30,) * 20)
    adopted = adopt(found, MODELS, EMOJI)
    assert len(adopted.notice) < 700
    assert "and 294 more" in adopted.notice
