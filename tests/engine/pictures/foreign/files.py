"""Small picture files with texts in them, as other studios lay them: PNG chunks, EXIF in JPEG and WebP."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RGB = np.random.default_rng(5).integers(0, 256, (32, 48, 3), dtype=np.uint8)
COMMENT, EXIF_IFD = 0x9286, 0x8769


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def text_chunk(kind: str, key: str, text: str) -> bytes:
    name = key.encode("latin-1") + b"\0"
    if kind == "tEXt":
        return _chunk(b"tEXt", name + text.encode("latin-1"))
    if kind == "zTXt":
        return _chunk(b"zTXt", name + b"\0" + zlib.compress(text.encode("latin-1")))
    packed = kind == "packed iTXt"
    data = text.encode()
    return _chunk(b"iTXt", name + bytes([packed, 0]) + b"\0\0" + (zlib.compress(data) if packed else data))


def png(path: Path, texts: dict[str, str], kind: str = "iTXt", rgb: np.ndarray = RGB) -> Path:
    """A PNG with texts in chunks of one kind: tEXt, zTXt, iTXt or packed iTXt."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    data = file.getvalue()
    chunks = b"".join(text_chunk(kind, key, text) for key, text in texts.items())
    path.write_bytes(data[:33] + chunks + data[33:])
    return path


def exif(path: Path, tags: dict[int, Any], comment: bytes | str | None = None) -> Path:
    """A JPEG or WebP, by the end of its name, with tags and with EXIF's UserComment."""
    made = Image.Exif()
    for tag, value in tags.items():
        made[tag] = value
    if comment is not None:
        made.get_ifd(EXIF_IFD)[COMMENT] = comment
    Image.fromarray(RGB).save(path, exif=made)
    return path


def hidden(path: Path, text: str, packed: bool = True) -> Path:
    """A PNG whose opacity hides a text in its lowest bits, column by column."""
    data = gzip.compress(text.encode()) if packed else text.encode()
    head = (b"stealth_pngcomp" if packed else b"stealth_pnginfo") + struct.pack(">I", 8 * len(data))
    bits = np.unpackbits(np.frombuffer(head + data, np.uint8))
    height = 64
    alpha = np.full((-(-len(bits) // height) + 3) * height, 254, np.uint8)
    alpha[: len(bits)] |= bits
    rgba = np.zeros((height, len(alpha) // height, 4), np.uint8)
    rgba[..., 3] = alpha.reshape(-1, height).T
    Image.fromarray(rgba).save(path)
    return path


def comfy(**nodes: tuple[str, dict[str, Any]]) -> str:
    """ComfyUI's `prompt`, from nodes of (class, inputs) by their ids; a link is [id, slot]."""
    return json.dumps({key[1:]: {"class_type": kind, "inputs": inputs} for key, (kind, inputs) in nodes.items()})


SAMPLER = {
    "seed": 77, "steps": 25, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0,
    "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
}  # fmt: skip
GRAPH: dict[str, tuple[str, dict[str, Any]]] = {
    "n3": ("KSampler", SAMPLER),
    "n4": ("CheckpointLoaderSimple", {"ckpt_name": "sd15/dream.safetensors"}),
    "n5": ("EmptyLatentImage", {"width": 512, "height": 768, "batch_size": 1}),
    "n6": ("CLIPTextEncode", {"text": "a cat [x]", "clip": ["4", 1]}),
    "n7": ("CLIPTextEncode", {"text": "dog", "clip": ["4", 1]}),
    "n8": ("VAEDecode", {"samples": ["3", 0], "vae": ["4", 2]}),
    "n9": ("SaveImage", {"images": ["8", 0], "filename_prefix": "x"}),
}

A1111 = """a (cat:1.2), <lora:detail:0.8>, in a hat
second line
Negative prompt: dog, ugly
more
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 123456, Size: 512x768, \
Model hash: 879db523c3, Model: dream, VAE hash: 735e4c3a44, VAE: "a, b.pt", Denoising strength: 0.5, Clip skip: 2, \
ADetailer model: face_yolov8n.pt, ADetailer prompt: "a, Steps: 3, \\"b\\"", Hires upscale: 1.5, Hires steps: 10, \
Hires upscaler: Latent, Lora hashes: "detail: 7c6bad76eb54", ControlNet 0: "Module: canny, Weight: 1", \
Version: v1.9.0"""
INVOKE = {
    "app_version": "5.6.0", "generation_mode": "txt2img", "positive_prompt": "a (cat)1.3 and dog++",
    "negative_prompt": "ugly", "width": 1024, "height": 832, "seed": 5, "cfg_scale": 7.5, "steps": 30,
    "scheduler": "dpmpp_2m_sde_k", "clip_skip": 1,
    "model": {"key": "k", "hash": "blake3:0123456789abcdef", "name": "Dream XL", "base": "sdxl", "type": "main"},
    "vae": {"key": "v", "hash": "", "name": "fix-vae"}, "controlnets": [{"model": {}}], "ipAdapters": [],
    "loras": [{"model": {"name": "detail"}, "weight": 0.75}, {"lora": {"model_name": "old"}, "weight": -0.5}],
}  # fmt: skip
OLD_INVOKE = {
    "model": "stable diffusion", "model_weights": "stable-diffusion-1.5", "model_hash": "cc6cb27103417325",
    "app_id": "invoke-ai/InvokeAI", "app_version": "2.3.5",
    "image": {
        "prompt": [{"prompt": "a cat [dog, rat] withLora(detail,0.6)", "weight": 1.0}], "steps": 40, "cfg_scale": 8,
        "threshold": 0, "perlin": 0.1, "height": 512, "width": 640, "seed": 9, "type": "txt2img",
        "sampler": "k_euler_a",
        "variations": [], "postprocessing": None,
    },
}  # fmt: skip
NOVELAI = {
    "Title": "NovelAI generated image", "Description": "a {cat}", "Software": "NovelAI",
    "Source": "NovelAI Diffusion V3 B1DE97E3",
    "Comment": json.dumps({
        "prompt": "a {{cat}}, [dog] (plain), 1.5::hat::", "steps": 28, "height": 1216, "width": 832, "scale": 5.5,
        "uc": "lowres", "seed": 4242, "sampler": "k_euler_ancestral", "noise_schedule": "karras", "sm": True,
        "cfg_rescale": 0, "request_type": "PromptGenerateRequest", "strength": 0.7,
    }),
}  # fmt: skip
FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)", "base_model": "juggernaut", "base_model_hash": "aeb7e9e689", "clip_skip": 2,
    "full_prompt": ["cinematic still a cat", "sharp"], "full_negative_prompt": ["anime", "blurry"],
    "guidance_scale": 4, "loras": [["offset", 0.1, "4852686128"]], "metadata_scheme": "fooocus",
    "negative_prompt": "", "performance": "Speed", "prompt": "a cat", "refiner_model": "None",
    "resolution": "(1152, 896)", "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "seed": "1234567890123",
    "sharpness": 2, "steps": 30, "styles": "['Fooocus V2']", "vae": "Default (model)", "version": "Fooocus v2.5.5",
}  # fmt: skip
