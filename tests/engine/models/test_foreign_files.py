"""No file that a person chooses runs code of its own or reaches the network: a canary for each way in.

Ways in: open_clip's configuration, tokenizer and text encoder in transformers' format, timm's names, pickles, folders
of the studio's own. diffusers reads no file of a person's: `bench engine` alone uses it.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.models.clip import load
from engine.models.clip_config import allowed_shape
from engine.models.clip_files import build
from engine.models.clip_model import open_clip
from engine.models.errors import ModelError
from engine.models.hugging_face import encoder_folder, tokenizer_folder
from engine.spec.catalog import resource_root

ROOT = Path(__file__).resolve().parents[3]
MINILM = resource_root() / "text" / "minilm"
SHAPE: dict[str, Any] = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "head_width": 16},
    "text_cfg": {
        "context_length": 16, "vocab_size": 30522, "width": 16, "heads": 2, "layers": 1, "hf_tokenizer_name": "x",
    },
}  # fmt: skip
ALIVE = "import pathlib; pathlib.Path({canary!r}).write_text('code of the checkpoint ran')\n"


@pytest.fixture(autouse=True)
def own_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """transformers would copy the code that it runs to there."""
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A folder as open_clip writes it, of safetensors and JSON, with a tokenizer in Hugging Face's format."""
    folder = tmp_path / "clip"
    folder.mkdir()
    torch.manual_seed(5)
    save_file({k: v.contiguous() for k, v in build(SHAPE).state_dict().items()}, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": SHAPE}))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(MINILM / name, folder / name)
    return folder


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    held = json.loads(path.read_text()) if path.exists() else {}
    change(held)
    path.write_text(json.dumps(held))


def with_code(folder: Path, canary: Path) -> None:
    """The folder's tokenizer is a Python file of its own."""
    rewrite(folder / "config.json", lambda c: c.update(model_type="bert"))
    rewrite(
        folder / "tokenizer_config.json",
        lambda c: c.update(tokenizer_class="Tok", auto_map={"AutoTokenizer": ["tok.Tok", None]}),
    )
    (folder / "tok.py").write_text(ALIVE.format(canary=str(canary)) + "from transformers import BertTokenizer as Tok\n")


def test_a_tokenizer_of_data_files_reads_as_transformers_reads_it(clip: Path) -> None:
    theirs = open_clip().tokenizer.HFTokenizer(str(clip), context_length=16)(["a red apple", "rocket"])
    model = load(clip)
    assert torch.equal(model.tokens(["a red apple", "rocket"]), theirs)
    assert model.text(["a red apple"]).isfinite().all()


def test_a_tokenizer_with_python_of_its_own_is_refused_and_not_run(clip: Path, canary: Path) -> None:
    with_code(clip, canary)
    rewrite(
        clip / "open_clip_config.json",
        lambda c: c["model_cfg"]["text_cfg"].update(tokenizer_kwargs={"trust_remote_code": True}),
    )
    with pytest.raises(ModelError, match=r"asks for code of its own \(trust_remote_code\).*choose another CLIP\.$"):
        load(clip)
    assert not canary.exists()
    # the canary is alive: this is what must not be called
    open_clip().tokenizer.HFTokenizer(str(clip), trust_remote_code=True)
    assert canary.exists()


@pytest.mark.parametrize("file", ["tokenizer_config.json", "config.json", "special_tokens_map.json"])
def test_code_is_refused_in_every_settings_file(clip: Path, canary: Path, file: str) -> None:
    with_code(clip, canary)
    rewrite(clip / "tokenizer_config.json", lambda c: [c.pop("auto_map"), c.update(tokenizer_class="BertTokenizer")])
    rewrite(clip / file, lambda c: c.update(auto_map={"AutoTokenizer": ["tok.Tok", None]}))
    with pytest.raises(ModelError, match=r"asks for code of its own \(auto_map\)"):
        load(clip)
    assert not canary.exists()


def test_a_class_that_is_not_of_transformers_is_refused(clip: Path) -> None:
    rewrite(clip / "tokenizer_config.json", lambda c: c.update(tokenizer_class="TransfoXLTokenizer"))
    with pytest.raises(ModelError, match="of a class of its own"):
        load(clip)


def test_transformers_sees_the_data_files_and_allowed_settings_alone(clip: Path, canary: Path) -> None:
    (clip / "tok.py").write_text(ALIVE.format(canary=str(canary)))
    (clip / "vocab.pkl").write_bytes(b"x")
    rewrite(
        clip / "tokenizer_config.json", lambda c: c.update(chat_template="{{ x }}", added={"a": 1}, name_or_path="y")
    )
    rewrite(clip / "config.json", lambda c: c.update(model_type="bert", quantization_config={"quant_method": "z"}))
    with tokenizer_folder(clip) as folder:
        assert {path.name for path in folder.iterdir()} == {
            "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json",
        }  # fmt: skip
        assert not {"chat_template", "added", "name_or_path"} & set(
            json.loads((folder / "tokenizer_config.json").read_text())
        )
        assert json.loads((folder / "config.json").read_text()) == {"model_type": "bert"}
    assert not folder.exists()


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        ("text_cfg", {"tokenizer_kwargs": {"bpe_path": "/etc/passwd"}}, "take bpe_path out"),
        ("text_cfg", {"tokenizer_kwargs": {"reduction_mask": "syntax"}}, "take reduction_mask out"),  # fetches by nltk
        ("text_cfg", {"tokenizer_kwargs": {"trust_remote_code": True}}, "asks for code of its own"),
        ("text_cfg", {"hf_model_name": "/tmp/folder"}, "must be a plain name"),
        ("text_cfg", {"hf_model_name": "../folder"}, "must be a plain name"),
        ("text_cfg", {"norm_kwargs": {"device": "meta"}}, "take device out"),
        ("vision_cfg", {"timm_model_name": "hf-hub:some/where"}, "must be a plain name"),
        ("vision_cfg", {"timm_model_name": "local-dir:/tmp/folder"}, "must be a plain name"),
        ("vision_cfg", {"act_kwargs": {"inplace": True}}, "take inplace out"),
        ("vision_cfg", {"width": 10**30}, "no plain value"),
        ("vision_cfg", {"width": {"a": 1}}, "no plain value"),
        ("vision_cfg", {"anything": 1}, "take anything out"),
        ("", {"output_dict": True}, "take output_dict out"),
        ("", {"cast_dtype": "x"}, "take cast_dtype out"),
        ("", {"auto_map": {"AutoModel": "m.M"}}, "asks for code of its own"),
    ],
)
def test_a_key_that_is_not_on_the_list_is_refused(clip: Path, part: str, change: dict[str, Any], says: str) -> None:
    rewrite(
        clip / "open_clip_config.json",
        lambda c: (c["model_cfg"][part] if part else c["model_cfg"]).update(change),
    )
    with pytest.raises(ModelError, match=says) as refusal:
        load(clip)
    assert str(refusal.value).endswith(".")


def test_every_architecture_of_open_clips_own_is_allowed() -> None:
    folder = Path(open_clip().__file__).parent / "model_configs"  # list_models() may hold what another test added
    shapes = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")}
    assert len(shapes) > 100
    for name, shape in shapes.items():
        assert allowed_shape(shape) == shape, name


def test_a_cached_text_encoder_with_python_of_its_own_is_refused(
    clip: Path, canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    place = tmp_path / "hub" / "models--some--encoder" / "snapshots" / "0"
    place.mkdir(parents=True)
    shutil.copy(MINILM / "config.json", place / "config.json")
    (place / "modeling.py").write_text(ALIVE.format(canary=str(canary)))
    rewrite(clip / "open_clip_config.json", lambda c: c["model_cfg"]["text_cfg"].update(hf_model_name="some/encoder"))
    with pytest.raises(ModelError, match="does not fit"):  # read and built: it is the weights that are of another
        load(clip)
    with encoder_folder(place) as folder:
        assert [path.name for path in folder.iterdir()] == ["config.json"]
        assert "_name_or_path" not in json.loads((folder / "config.json").read_text())
    rewrite(place / "config.json", lambda c: c.update(auto_map={"AutoConfig": "modeling.C", "AutoModel": "modeling.M"}))
    with pytest.raises(ModelError, match=r"asks for code of its own \(auto_map\)"):
        load(clip)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m["vision_cfg"].update(timm_model_name="resnet18"), "no tower of timm's"),
        (lambda m: m["vision_cfg"].update(timm_model_name="local-dir:/tmp"), "must be a plain name"),
        (lambda m: m["text_cfg"].update(tokenizer_kwargs={"trust_remote_code": True}), "asks for code of its own"),
    ],
)
def test_a_clip_folder_of_the_studios_own_is_held_to_the_same_list(
    tiny_clip: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    shutil.copytree(tiny_clip, tmp_path / "own")
    rewrite(tmp_path / "own" / "config.json", lambda c: change(c["model_cfg"]))
    with pytest.raises(ModelError, match=says):
        load(tmp_path / "own")


def test_no_line_of_the_studio_reads_what_can_run_code() -> None:
    """torch.load reads arrays alone, and nothing unpickles or takes code from a hub."""
    for path in [*ROOT.glob("engine/**/*.py"), *ROOT.glob("app/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert name not in {"pickle.load", "pickle.loads", "torch.hub.load", "torch.jit.load", "eval", "exec"}, path
            assert name != "torch.load" or given.get("weights_only") == "True", path
            assert name != "np.load" or given.get("allow_pickle") in (None, "False"), path
            assert "trust_remote_code" not in given, path
            assert not name.endswith(".from_pretrained") or name == "nn.Embedding.from_pretrained", path


GUARD = """
import socket, sys
connects = []
def refuse(*arguments, **options):
    connects.append(arguments)
    raise OSError("no network")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
from engine.__main__ import main
for words in sys.argv[1:]:
    main(["generate", "--model", "fashion", "--class", "bag", "--steps", "1", "--clip", words, "--aim", "a bag",
          "--out", sys.argv[1] + ".png"])
import huggingface_hub
try:
    huggingface_hub.hf_hub_download("some/where", "config.json")
except OSError as error:
    print(type(error).__name__)
print("connects:", len(connects))
"""


def test_the_network_is_not_used_even_if_the_environment_allows_it(clip: Path, tmp_path: Path) -> None:
    """A folder that names a text encoder which is nowhere, one without its tokenizer, names that would be fetched."""
    bare = tmp_path / "bare"
    shutil.copytree(clip, bare)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bare / name).unlink()
    rewrite(clip / "open_clip_config.json", lambda c: c["model_cfg"]["text_cfg"].update(hf_model_name="some/encoder"))
    environ = os.environ | {
        "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_HUB_CACHE": str(tmp_path / "hub"),
        "HOME": str(tmp_path), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    names = [str(clip), str(bare), "ViT-B-32", "ViT-B-16-SigLIP/webli", "hf-hub:some/where"]
    done = subprocess.run(
        [sys.executable, "-c", GUARD, *names], capture_output=True, text=True, env=environ, cwd=tmp_path, check=False
    )
    assert "connects: 0" in done.stdout, done.stdout + done.stderr
    assert "OfflineModeIsEnabled" in done.stdout or "LocalEntryNotFoundError" in done.stdout
    assert done.stderr.count("run.py: ") == len(names)  # each refused in a sentence
