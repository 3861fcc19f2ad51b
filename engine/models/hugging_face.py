"""Tokenizers and text encoders in Hugging Face's format, read from data files alone: no Python of a folder is run.

transformers takes settings from the same folders as the data, and some of them import code. So it never sees such a
folder: it is shown a temporary one with copies of the data files and with the allowed settings.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.models.clip_config import refuse_code
from engine.models.errors import ModelError
from engine.spec.guide_models import hub_cache

DATA = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "added_tokens.json")
SENTENCEPIECE = ".model"
_FAMILIES = (
    "Albert", "Bert", "CLIP", "Camembert", "DistilBert", "Electra", "GPT2", "Gemma", "MPNet", "Nllb", "Roberta",
    "Siglip", "Siglip2", "T5", "XLMRoberta",
)  # fmt: skip
CLASSES = {f"{name}Tokenizer{fast}" for name in _FAMILIES for fast in ("", "Fast")} | {
    "PreTrainedTokenizerFast",
    "TokenizersBackend",
}
TYPES = {"bert", "clip", "distilbert", "m2m_100", "mpnet", "mt5", "roberta", "t5", "xlm-roberta"}
_TOKENIZER = {
    "add_bos_token", "add_eos_token", "add_prefix_space", "additional_special_tokens", "added_tokens_decoder",
    "bos_token", "clean_up_tokenization_spaces", "cls_token", "do_lower_case", "eos_token", "errors", "extra_ids",
    "legacy", "mask_token", "max_length", "model_max_length", "pad_token", "padding_side", "sep_token", "src_lang",
    "strip_accents", "tgt_lang", "tokenize_chinese_chars", "truncation_side", "unk_token",
}  # fmt: skip
_ENCODER = {
    "activation_dropout", "activation_function", "attention_dropout", "attention_probs_dropout_prob", "bos_token_id",
    "d_ff", "d_kv", "d_model", "decoder_attention_heads", "decoder_ffn_dim", "decoder_layers", "decoder_start_token_id",
    "dense_act_fn", "dropout", "dropout_rate", "encoder_attention_heads", "encoder_ffn_dim", "encoder_layers",
    "eos_token_id", "feed_forward_proj", "hidden_act", "hidden_dropout_prob", "hidden_size", "intermediate_size",
    "is_encoder_decoder", "is_gated_act", "layer_norm_eps", "layer_norm_epsilon", "max_position_embeddings",
    "num_attention_heads", "num_decoder_layers", "num_heads", "num_hidden_layers", "num_layers", "pad_token_id",
    "position_embedding_type", "relative_attention_max_distance", "relative_attention_num_buckets", "scale_embedding",
    "tie_word_embeddings", "type_vocab_size", "vocab_size",
}  # fmt: skip


@contextmanager
def tokenizer_folder(folder: Path) -> Iterator[Path]:
    """A folder for transformers' AutoTokenizer with the data files of `folder` and the settings that are allowed.

    Raises ModelError where the folder asks for code of its own, or for a class that is not of transformers.
    """
    config = _read(folder / "tokenizer_config.json")
    kind, model_type = config.get("tokenizer_class"), _read(folder / "config.json").get("model_type")
    if kind and kind not in CLASSES:
        raise ModelError(f"The tokenizer in {folder} is of a class of its own ({kind}): choose another CLIP.")
    settings = {key: value for key, value in config.items() if key in _TOKENIZER and _plain(value)}
    with TemporaryDirectory(prefix="tweedie-") as made:
        to = Path(made)
        for path in folder.iterdir():
            if path.name in DATA or path.suffix == SENTENCEPIECE:
                shutil.copyfile(path, to / path.name)
        _write(to / "tokenizer_config.json", settings | ({"tokenizer_class": kind} if kind else {}))
        _write(to / "special_tokens_map.json", _allowed(_read(folder / "special_tokens_map.json"), _TOKENIZER))
        if model_type in TYPES:
            _write(to / "config.json", {"model_type": model_type})
        yield to


@contextmanager
def encoder_folder(folder: Path) -> Iterator[Path]:
    """A folder for transformers' AutoConfig with the shape of the text encoder in `folder`, and no weights.

    Raises ModelError where it asks for code of its own, or is of another kind than open_clip builds.
    """
    config = _read(folder / "config.json")
    if config.get("model_type") not in TYPES:
        raise ModelError(f"The text encoder in {folder} is of a kind that is not known here: choose another CLIP.")
    with TemporaryDirectory(prefix="tweedie-") as made:
        _write(Path(made) / "config.json", _allowed(config, _ENCODER) | {"model_type": config["model_type"]})
        yield Path(made)


def cached_folder(repository: str, has: Callable[[Path], bool]) -> Path:
    """The folder of a repository in the user's cache that `has` what is needed. Raises ModelError where none has."""
    root = hub_cache() / f"models--{repository.replace('/', '--')}"
    try:
        main = (root / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        main = ""
    places = sorted(root.glob("snapshots/*"), key=lambda place: (place.name != main, place.name))
    for place in places:
        if has(place):
            return place
    raise ModelError(f"“{repository}” is not in your cache, and the studio fetches nothing: choose another CLIP.")


def holds_tokenizer(folder: Path) -> bool:
    return folder.is_dir() and any(path.name in DATA or path.suffix == SENTENCEPIECE for path in folder.iterdir())


def _read(path: Path) -> dict[str, Any]:
    """The settings in a JSON file; {} where there is none. Raises ModelError for a damaged one, and for code."""
    if not path.is_file():
        return {}
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: fetch or save it again.") from error
    if not isinstance(held, dict):
        raise ModelError(f"{path} is damaged: fetch or save it again.")
    refuse_code(held, str(path))
    return held


def _allowed(held: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in held.items() if key in keys and _plain(value)}


def _plain(value: Any, deep: int = 3) -> bool:
    """A word, a number, a truth value, or what is made of those: a special token, a list or a table of some."""
    if isinstance(value, dict) and deep:
        return all(isinstance(key, str) and _plain(v, deep - 1) for key, v in value.items())
    if isinstance(value, list) and deep:
        return all(_plain(v, deep - 1) for v in value)
    return value is None or isinstance(value, bool | int | float | str)


def _write(path: Path, held: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(held), encoding="utf-8")
