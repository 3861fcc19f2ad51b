"""VAE, clip skip and precision of a Request: given as flags, kept in the picture, and replayed by another session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pytest
import torch

from engine.__main__ import main
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.hashes import Hashes, sha256
from engine.checkpoints.settings import ModelSettings
from engine.pictures.image_file import load as load_picture
from engine.pictures.png import read_settings
from engine.session import Session
from engine.spec.catalog import find, own_checkpoint, with_hash
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request, RequestError
from engine.spec.vae import VaeUse
from engine.store import RunReader
from tests.fakes.tiny_sd import nets, write_folder

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # diffusers warns of configs without every key


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "tiny", nets(small=True))


@pytest.fixture
def vae(tmp_path: Path) -> Path:
    """A TAESD with random weights, as two files."""
    from diffusers import AutoencoderTiny
    from safetensors.torch import save_file

    with torch.random.fork_rng():
        torch.manual_seed(3)
        state = AutoencoderTiny().state_dict()
    for half, shift in {"decoder": 1, "encoder": 0}.items():
        part = {}
        for name, value in state.items():
            if name.startswith(f"{half}.layers."):
                number, _, rest = name.removeprefix(f"{half}.layers.").partition(".")
                part[f"{int(number) + shift}.{rest}"] = value
        save_file(part, tmp_path / f"taesd_{half}.safetensors")
    return tmp_path / "taesd_decoder.safetensors"


def generate(model: Path, out: Path, *more: str) -> Request:
    flags = ["--model", str(model), "--steps", "2", "--seed", "5", "--out", str(out), *more]
    assert main(["generate", "a red apple", *flags]) == 0
    settings = read_settings(out)
    assert settings is not None
    return settings


def test_the_flags_are_in_the_picture_and_the_run_file_and_replay_is_equal(
    tiny: Path, vae: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = generate(tiny, tmp_path / "plain.png")
    out, run = tmp_path / "apple.png", tmp_path / "apple.twrun"
    more = ("--vae", str(vae), "--clip-skip", "2", "--precision", "bfloat16", "--run-file", str(run))
    request = generate(tiny, out, *more)
    assert request.vae is not None
    assert request.vae.name == "taesd_decoder"
    assert (request.clip_skip, request.precision) == (2, "bfloat16")
    assert request.model_sha256 == plain.model_sha256  # the model is the same
    assert RunReader(run).request == request
    assert (load_picture(out).rgb != load_picture(tmp_path / "plain.png").rgb).any()

    session = Session("cpu", [find(str(tiny))])  # its description knows nothing of these choices
    *_, last = session.generate(request)
    assert session.model(request).compute_dtype == torch.bfloat16
    assert (session.picture(request, last.move.x)[0] == load_picture(out).rgb).all()
    capsys.readouterr()


def test_models_with_another_vae_or_precision_are_held_apart(tiny: Path, vae: Path) -> None:
    info = find(str(tiny))
    session = Session("cpu", [info])
    digest = session.vaes.add(str(vae))[1]
    plain = resolve(Draft.for_model(info), info)
    other = resolve(Draft.for_model(info, vae=VaeUse(name=vae.stem, sha256=digest)), info)
    half = resolve(Draft.for_model(info, precision="float16"), info)
    models = [session.model(request) for request in (plain, other, half)]
    assert [model.codec.tiny for model in models] == [False, True, False]  # type: ignore[attr-defined]
    assert [model.compute_dtype for model in models] == [torch.float32, torch.float32, torch.float16]
    assert [session.model(request) for request in (plain, other, half)] == models


def test_a_checkpoint_without_a_part_is_refused_in_one_sentence_and_another_vae_mends_it(
    tiny: Path, vae: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rmtree(tiny / "vae")
    out = tmp_path / "a.png"
    assert main(["generate", "a", "--model", str(tiny), "--steps", "1", "--out", str(out)]) == 2
    err = capsys.readouterr().err
    assert f"{tiny.name} has no VAE: choose one for it (on the command line: --vae FILE)." in err
    assert len(err.splitlines()) == 1
    with pytest.raises(CheckpointError, match="has no VAE"):
        Session("cpu", []).load(find(str(tiny)))
    request = generate(tiny, out, "--vae", str(vae))
    assert resolve(Draft.of(request), find(str(tiny))).vae == request.vae
    rmtree(tiny / "text_encoder")
    with pytest.raises(RequestError, match="has no text encoder: get the complete checkpoint"):
        resolve(Draft.for_model(info := find(str(tiny), vae)), info)


def test_the_estimate_of_a_precision_needs_no_file(tiny: Path) -> None:
    info = find(str(tiny))
    assert info.in_precision("float16").bytes == find(str(tiny), compute_dtype="float16").bytes < info.bytes


def test_a_draft_without_a_precision_takes_the_models_and_says_which(tiny: Path) -> None:
    info = find(str(tiny), compute_dtype="bfloat16")
    request = resolve(Draft.for_model(info), info)
    assert request.precision == "bfloat16"
    assert Draft.of(request).precision == "bfloat16"


def test_a_vae_that_is_not_here_is_named(tiny: Path) -> None:
    info = find(str(tiny))
    request = resolve(Draft.for_model(info, vae=VaeUse(name="gone", sha256="a" * 64)), info)
    with pytest.raises(CheckpointError, match=r"The VAE “gone” .* is missing"):
        Session("cpu", [info]).model(request)


def test_json_without_these_fields_reads_and_with_them_comes_back(tiny: Path) -> None:
    info = find("emoji")
    old = resolve(Draft.for_model(info), info)
    assert not {"vae", "precision", "clip_skip"} & set(old.to_dict())
    assert Request.from_json(old.to_json()).precision is None
    info = find(str(tiny))
    new = resolve(Draft.for_model(info, vae=VaeUse(name="x", sha256="b" * 64), clip_skip=2), info)
    assert Request.from_json(new.to_json()) == new
    with pytest.raises(RequestError, match="no precision “int4”"):
        Request.from_dict(new.to_dict() | {"precision": "int4"})


def test_a_model_in_the_box_takes_neither() -> None:
    info = find("emoji")
    with pytest.raises(RequestError, match="takes no precision"):
        resolve(Draft.for_model(info, precision="float16"), info)


def test_a_vae_that_the_model_is_set_to_is_in_its_requests(tiny: Path, vae: Path, tmp_path: Path) -> None:
    hashes = Hashes(tmp_path / "hashes")
    settings = ModelSettings().with_defaults(tiny, {"vae": str(vae)})
    info = with_hash(own_checkpoint(tiny, settings, hashes), hashes)
    request = resolve(Draft.for_model(info), info)
    assert request.vae == VaeUse(name="taesd_decoder", sha256=sha256(vae))
    assert request.model_sha256 == find(str(tiny)).sha256
    session = Session("cpu", [info])
    assert session.model(request).codec.tiny  # type: ignore[attr-defined]
    own = replace(request, vae=None)  # of a picture that was made before
    assert not session.model(own).codec.tiny  # type: ignore[attr-defined]


def test_a_hash_of_the_vae_is_awaited_as_that_of_the_model_is(tiny: Path, vae: Path, tmp_path: Path) -> None:
    hashes = Hashes(tmp_path / "hashes")
    settings = ModelSettings().with_defaults(tiny, {"vae": str(vae)})
    with_hash(own_checkpoint(tiny, ModelSettings(), hashes), hashes)
    assert own_checkpoint(tiny, ModelSettings(), hashes).sha256
    assert own_checkpoint(tiny, settings, hashes).sha256 == ""
    hashes.of(vae)
    assert own_checkpoint(tiny, settings, hashes).sha256
