"""Checkpoints load strictly, from single files and diffusers folders, with the weights that they hold."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import torch

from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.families import families
from engine.checkpoints.hashes import Hashes, layout_md5
from engine.checkpoints.names import unet_name, vae_name
from engine.checkpoints.settings import ModelSettings
from engine.errors import Cancelled
from engine.models.latent import LatentModel, load, load_preview_codec
from engine.models.nets import build_unet, build_vae
from engine.spec.catalog import ModelInfo, checkpoint, checkpoints, with_hash
from engine.types import Said
from tests.fakes.checkpoints import layouts, single_file, write_hollow
from tests.fakes.tiny_sd import BY_HAND, SCHEDULER, UNET, equal, nets, write_folder, write_single_file

# diffusers warns of schedulers' configs without every key
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

CPU = torch.device("cpu")
PUBLISHED = {"sd1": "025a4b86a84829399d89f613e580757b", "sdxl": "142b114f67f5ab3a6d83fb5788f12ded"}
PUBLISHED_VAE = "13115dd45a6e1c39860f91ab073b8a78"
UNETS = {"sd1": "unet-v1-sd", "sd2": "unet-v2-sd", "sdxl": "unet-xl-sd", "sdxl-refiner": "unet-xl-refiner"}


@pytest.fixture(autouse=True)
def no_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a socket nor the user's own settings."""
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def assert_close(one: torch.Tensor, other: torch.Tensor) -> None:
    """Equal but for float32's rounding through a whole net: threads and processors sum in other orders."""
    torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-4)


def info_of(path: Path, **by_hand: object) -> ModelInfo:
    settings = ModelSettings().with_choices(path, by_hand) if by_hand else None
    return checkpoint(path, settings)


def loaded(path: Path, **by_hand: object) -> LatentModel:
    return load(info_of(path, **by_hand), CPU)


@pytest.mark.parametrize("name", UNETS)
def test_a_family_builds_the_published_unet(name: str) -> None:
    with torch.device("meta"):
        built = {key: tuple(v.shape) for key, v in build_unet(families()[name].unet).state_dict().items()}
    published = {unet_name(key): shape for key, shape in layouts()[UNETS[name]].items()}
    assert built == published
    assert name not in PUBLISHED or layout_md5(built) == PUBLISHED[name]


def test_a_family_builds_the_published_vae() -> None:
    with torch.device("meta"):
        built = {key: tuple(v.shape) for key, v in build_vae(families()["sd1"].vae).state_dict().items()}
    assert set(built) == {vae_name(key) for key in layouts()["vae-v1-sd"]}
    assert layout_md5(built) == PUBLISHED_VAE


@pytest.mark.parametrize("name", UNETS)
def test_names_are_those_of_diffusers_converters(name: str) -> None:
    """diffusers' converters are private, so the studio has its own table and compares the two here."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint

    own = layouts()[UNETS[name]]
    made = convert_ldm_unet_checkpoint(
        {f"model.diffusion_model.{key}": key for key in own}, dict(families()[name].unet)
    )
    assert {key: unet_name(old) for key, old in made.items()} == {key: key for key in made}
    assert len(made) == len(own)
    vae = {f"first_stage_model.{key}": torch.zeros(1, 1, 1, 1) for key in layouts()["vae-v1-sd"]}
    assert set(convert_ldm_vae_checkpoint(vae, {"down_block_types": [0] * 4, "up_block_types": [0] * 4})) == {
        vae_name(key) for key in layouts()["vae-v1-sd"]
    }


def test_a_single_file_gives_its_own_weights(tmp_path: Path) -> None:
    model = loaded(write_single_file(tmp_path / "tiny.safetensors"), **BY_HAND)
    assert equal(model.parts["unet"], nets().unet)
    assert equal(model.parts["vae"], nets().vae)
    ours = {k: v for k, v in model.parts["text"].state_dict().items() if "position_ids" not in k}
    theirs = {k.removeprefix("text_model."): v for k, v in nets().text.state_dict().items() if "position_ids" not in k}
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(("variant", "shard"), [(None, "10GB"), ("fp16", "10GB"), (None, "400KB")])
def test_a_diffusers_folder_gives_the_same_model(variant: str | None, shard: str, tmp_path: Path) -> None:
    model = loaded(write_folder(tmp_path / "tiny", variant=variant, shard=shard))
    assert model.family.name == "sd1"
    assert (len(list((tmp_path / "tiny" / "unet").glob("*.safetensors"))) > 1) == (shard == "400KB")
    if variant is None:
        assert equal(model.parts["unet"], nets().unet)
    for one, two in zip(model.parts["unet"].parameters(), nets().unet.parameters(), strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)


def test_the_text_encoder_is_transformers_bit_for_bit(tmp_path: Path) -> None:
    from engine.models.clip_bpe import END, START, read_tokenizer

    model = loaded(write_folder(tmp_path / "tiny"))
    ids = [START, *read_tokenizer()("a red apple"), END]
    ids += [END] * (77 - len(ids))
    theirs = nets().text(torch.tensor([ids])).last_hidden_state
    ours = model.condition(Said("a red apple")).tokens
    assert ours is not None
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("channels", [9, 8])
def test_inpainting_and_pix2pix_load_and_denoise(channels: int, tmp_path: Path) -> None:
    model = loaded(write_folder(tmp_path / "tiny", nets(channels)))
    cond = model.condition(Said("a", size=(64, 64)))
    assert cond.image is not None
    assert cond.image.shape == (1, channels - 4, 8, 8)
    assert model.denoiser(torch.randn(1, 4, 8, 8), 1.0, cond).isfinite().all()


def test_half_precision_is_the_dtype_of_the_net_alone(tmp_path: Path) -> None:
    path = write_single_file(tmp_path / "tiny.safetensors", dtype=torch.float16)
    model = load(info_of(path, **BY_HAND), CPU, torch.bfloat16)
    assert {p.dtype for p in model.parts["unet"].parameters()} == {torch.bfloat16}
    assert {p.dtype for p in model.parts["vae"].parameters()} == {torch.float32}
    x = torch.randn(2, 4, 8, 8)
    out = model.denoiser(x, 3.0, model.condition(Said("a")))
    assert out.dtype == torch.float32
    assert model.codec.decode(out).dtype == torch.float32


def test_missing_unknown_and_misshapen_tensors_are_named(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = write_single_file(tmp_path / "tiny.safetensors")
    whole = load_file(path)
    key = "model.diffusion_model.middle_block.0.in_layers.0.weight"
    for change, said in (
        ({key: None}, "it lacks mid_block.resnets.0.norm1.weight"),
        ({"model.diffusion_model.extra.weight": torch.ones(1)}, "unknown extra.weight"),
        ({key: torch.ones(5)}, r"norm1.weight \(5 instead of 32\)"),
    ):
        changed = {name: value for name, value in (whole | change).items() if value is not None}
        save_file(changed, path)
        with pytest.raises(CheckpointError, match=said):
            loaded(path, **BY_HAND)


def test_a_model_without_its_parts_says_which(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = write_single_file(tmp_path / "tiny.safetensors")
    whole = load_file(path)
    save_file({name: value for name, value in whole.items() if name.startswith("model.")}, path)
    with pytest.raises(CheckpointError, match="has no VAE and no text encoder"):
        loaded(path, **BY_HAND)


def test_a_prediction_that_nothing_says_is_asked_for(tmp_path: Path) -> None:
    path = write_single_file(tmp_path / "tiny.safetensors")
    with pytest.raises(CheckpointError, match="--set predicts=v"):
        loaded(path, **BY_HAND | {"family": "sd2"})


def test_loading_reports_its_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    info = info_of(write_single_file(tmp_path / "tiny.safetensors"), **BY_HAND)
    shares: list[float] = []
    load(info, CPU, report=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.01)
    calls = iter([False] * 10 + [True] * 1000)
    with pytest.raises(Cancelled):
        load(info, CPU, cancelled=lambda: next(calls))


def test_the_codec_keeps_a_picture_as_the_vae_does(tmp_path: Path) -> None:
    model = loaded(write_folder(tmp_path / "tiny"))
    image = torch.rand(2, 3, 64, 64) * 2 - 1
    vae = nets().vae
    latents = vae.encode(image).latent_dist.mode() * 0.18215
    assert_close(model.codec.encode(image), latents)
    assert_close(model.codec.decode(latents), vae.decode(latents / 0.18215).sample)
    assert model.codec.preview(latents).shape == (2, 3, 8, 8)
    with pytest.raises(Cancelled):
        model.codec.decode(latents, lambda: True)


def test_a_picture_is_decoded_in_tiles_where_memory_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.models import placement

    codec = loaded(write_folder(tmp_path / "tiny", nets(small=True))).codec
    latents = torch.randn(1, 4, 8, 80)
    whole = codec.decode(latents)
    assert_close(whole, nets(small=True).vae.decode(latents / 0.18215).sample)
    monkeypatch.setattr(placement, "free_bytes", lambda device: 2**20)
    tiles = codec.decode(latents)
    assert tiles.shape == whole.shape == (1, 3, 64, 640)
    assert not torch.equal(tiles, whole)
    vae = nets(small=True).vae
    corner = vae.decode(latents[..., :64] / 0.18215).sample
    assert_close(tiles[..., :128], corner[..., :128])  # where no other tile is blended in


def test_a_tiny_vae_of_its_own_replaces_the_vae(tmp_path: Path) -> None:
    from diffusers import AutoencoderTiny
    from safetensors.torch import save_file

    taesd = AutoencoderTiny()
    path = write_folder(tmp_path / "tiny")
    taesd.save_pretrained(tmp_path / "taesd")
    state = taesd.state_dict()
    halves = {"decoder": 1, "encoder": 0}  # the published decoder counts a clamp as its first layer
    for half, shift in halves.items():
        part = {}
        for name, value in state.items():
            if name.startswith(f"{half}.layers."):
                number, _, rest = name.removeprefix(f"{half}.layers.").partition(".")
                part[f"{int(number) + shift}.{rest}"] = value
        save_file(part, tmp_path / f"taesd_{half}.safetensors")
    for vae in (tmp_path / "taesd", tmp_path / "taesd_decoder.safetensors"):
        model = load(checkpoint(path, vae=vae), CPU)
        latents = torch.randn(1, 4, 8, 8)
        assert_close(model.codec.decode(latents), taesd.decode(latents).sample)
        image = torch.rand(1, 3, 64, 64)
        assert_close(model.codec.encode(image), taesd.encode(image).latents)
        preview = load_preview_codec(vae, "sd1", CPU)
        apart = (preview.decode(latents) - taesd.decode(latents).sample).abs().max()
        assert apart < 2 / 127.5, "bfloat16 has steps of 1/256 near ±1: a level of a picture or two"
    with pytest.raises(CheckpointError, match="no TAESD for Stable Diffusion 1"):
        load_preview_codec(path, "sd1", CPU)


def test_the_scheduler_of_a_folder_decides_schedule_and_prediction(tmp_path: Path) -> None:
    said = SCHEDULER | {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "beta_schedule": "linear"}
    info = info_of(write_folder(tmp_path / "tiny", scheduler=said))
    assert info.config["predicts"] == "v"
    assert info.config["schedule"] == {
        "type": "linear", "steps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1, "zero_snr": True
    }  # fmt: skip
    assert info.defaults["sigma_max"] == pytest.approx(1e5)
    assert info.defaults["spacing"] == "trailing"
    assert info.size == (64, 64)


def test_a_folder_can_say_that_an_empty_negative_prompt_is_zeros(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "tiny", nets(small=True))
    before = with_hash(checkpoint(path), Hashes(tmp_path / "hashes")).sha256
    index = path / "model_index.json"
    for zeros in (False, True):
        said = json.loads(index.read_text(encoding="utf-8")) | {"force_zeros_for_empty_prompt": zeros}
        index.write_text(json.dumps(said), encoding="utf-8")
        model = load(checkpoint(path), torch.device("cpu"))
        tokens = [model.condition(Said(text, negative=True)).tokens for text in ("", "dog")]
        assert [bool((one == 0).all()) for one in tokens if one is not None] == [zeros, False]
        digest = with_hash(checkpoint(path), Hashes(tmp_path / "hashes")).sha256
        assert (digest == before) is not zeros  # it decides pixels


def test_the_hash_is_the_files_or_of_all_that_decides_the_pixels(tmp_path: Path) -> None:
    import hashlib

    path = write_single_file(tmp_path / "tiny.safetensors")
    hashes = Hashes(tmp_path)
    plain = with_hash(info_of(path, **BY_HAND), hashes).sha256
    file = hashlib.sha256(path.read_bytes()).hexdigest()
    assert plain != file  # since the user's choices are part of it
    assert with_hash(info_of(path, **BY_HAND | {"predicts": "v"}), hashes).sha256 != plain
    assert hashes.known(path) == file


def test_folders_of_the_user_are_listed_without_hashing(tmp_path: Path) -> None:
    write_folder(tmp_path / "mine" / "tiny")
    write_folder(tmp_path / "mine" / "other" / "tiny")
    (tmp_path / "mine" / "broken.safetensors").write_bytes(b"x")
    infos = checkpoints(ModelSettings((tmp_path / "mine",)), Hashes(tmp_path))
    assert [info.id for info in infos] == ["tiny", "other/tiny"] or [info.id for info in infos] == ["tiny", "mine/tiny"]
    assert {info.sha256 for info in infos} == {""}


def test_configs_that_build_no_net_are_refused(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "tiny")
    config = json.loads((path / "unet" / "config.json").read_text(encoding="utf-8"))
    for change in ({"block_out_channels": [7, 7, 7, 7]}, {"down_block_types": ["NoBlock"] * 4}, {"act_fn": 3}):
        (path / "unet" / "config.json").write_text(json.dumps(config | change), encoding="utf-8")
        with pytest.raises(CheckpointError, match=r"no net can be built|does not fit"):
            loaded(path)
    (path / "unet" / "config.json").write_text(json.dumps(config | {"layers_per_block": 10**30}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="out of range"):
        loaded(path)
    assert UNET["sample_size"] == config["sample_size"]


def test_inpainting_reads_the_mask_and_the_kept_part_of_the_picture(tmp_path: Path) -> None:
    """As Stable Diffusion's inpainting was trained: the mask, and the latents of the picture with grey under it."""
    model = loaded(write_folder(tmp_path / "tiny", nets(9)))
    picture, mask = torch.rand(1, 3, 64, 64) * 2 - 1, torch.zeros(1, 1, 64, 64)
    mask[..., 16:48] = 1
    cond = model.read_picture(model.condition(Said("a", size=(64, 64))), picture, mask)
    kept = torch.where(mask == 1, 0.0, picture)
    assert cond.image is not None
    assert torch.equal(cond.image[:, :1], mask[..., ::8, ::8])
    assert_close(cond.image[:, 1:], nets(9).vae.encode(kept).latent_dist.mode() * 0.18215)


def test_an_inpainting_run_sees_the_picture_of_its_edit(tmp_path: Path) -> None:
    import numpy as np

    from engine.session import Session
    from engine.spec.draft import Draft, resolve
    from engine.spec.edit import Inputs

    info = with_hash(info_of(write_folder(tmp_path / "tiny", nets(9))), Hashes(tmp_path))
    session = Session("cpu", [info])
    model = session.load(info)
    draft = Draft.for_model(info, prompt="a", steps=2, seed=1, method="replacement")
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 32:] = 255
    seen: list[torch.Tensor] = []
    model.denoiser.net.register_forward_pre_hook(lambda _, args: seen.append(args[2].image))  # type: ignore[attr-defined]
    inputs = Inputs(picture, mask)
    list(session.generate(resolve(draft, info, inputs), inputs=inputs))
    image = torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1
    image[..., 32:] = 0
    kept = nets(9).vae.encode(image).latent_dist.mode() * 0.18215
    assert len(seen) == 2
    for conds in seen:  # with the prompt and without it
        for one in conds:
            torch.testing.assert_close(one[1:], kept[0])
            assert torch.equal(one[0, 0], torch.tensor([0.0] * 4 + [1.0] * 4))


def test_loading_as_a_job_sends_progress(tmp_path: Path) -> None:
    from engine.jobs.job import Event, Progress
    from engine.jobs.load import FileHashed, HashFile, LoadModel
    from engine.session import Session

    info = with_hash(info_of(write_folder(tmp_path / "tiny", nets(small=True))), Hashes(tmp_path))
    early: list[Event] = []
    list(Session("cpu", [info]).perform(LoadModel("tiny"), early=early.append))
    shares = [event.share for event in early if isinstance(event, Progress)]
    assert shares[-1] == pytest.approx(1.0, abs=0.01)
    path = tmp_path / "tiny" / "unet" / "diffusion_pytorch_model.safetensors"
    assert Hashes(tmp_path).known(path) is not None
    (told,) = Session("cpu", [info]).perform(HashFile(path))
    assert isinstance(told, FileHashed)
    assert told.sha256 == Hashes(tmp_path).known(path)


def test_steps_offset_and_zero_snr_are_of_discrete_schedules() -> None:
    from diffusers import DDIMScheduler

    from engine.schedules import Discrete, from_config, grid

    about = dict(families()["sd1"].schedule)
    offset = from_config(about | {"steps_offset": 1})
    assert isinstance(offset, Discrete)
    theirs = DDIMScheduler(beta_schedule="scaled_linear", steps_offset=1, clip_sample=False)
    for steps in (7, 10, 50):
        theirs.set_timesteps(steps)
        levels = grid("leading", steps, offset.sigma_max, offset.sigma_min, schedule=offset)[:-1]
        assert [round(offset.t(float(s))) for s in levels] == theirs.timesteps.tolist()
    assert from_config(about | {"zero_snr": True}).sigma_max == pytest.approx(1e5)
    with pytest.raises(ValueError, match="no training steps"):
        from_config({"type": "flow", "zero_snr": True})
    with pytest.raises(ValueError, match="steps_offset"):
        from_config(about | {"steps_offset": 5000})


FULL = {  # layout: the width of the text, the depths of the text encoders
    "unet-v1-sd": (768, [12]), "unet-v1-inpainting": (768, [12]), "unet-v1-pix2pix": (768, [12]),
    "unet-v2-sd": (1024, [23]), "unet-v2-inpainting": (1024, [23]), "unet-xl-sd": (2048, [12, 32]),
    "unet-xl-refiner": (1280, [32]),
}  # fmt: skip
SOME = ("unet-v1-inpainting",)  # the others with the benches: a layout of 14 GB takes ten seconds of the kernel


@pytest.mark.parametrize(
    "layout", [name if name in SOME else pytest.param(name, marks=pytest.mark.bench) for name in FULL]
)
def test_a_published_single_file_loads_strictly_at_its_full_size(layout: str, tmp_path: Path) -> None:
    """Mapped from a hole of up to 14 GB: nothing is read, so nothing but the structure is tested here."""
    width, depths = FULL[layout]
    path = write_hollow(tmp_path / "full.safetensors", single_file(layout), "F32")
    model = loaded(path, predicts="eps")
    assert model.parts["unet"].config.cross_attention_dim == width  # type: ignore[union-attr]
    assert sum(encoder.net.width for encoder in model.words.encoders) == width
    assert [encoder.net.depth for encoder in model.words.encoders] == depths
