"""Take the pictures of docs/models.md: the model page, with files that have true headers and no weights.

QT_QPA_PLATFORM=offscreen python packaging/model_pictures.py [--out docs/pictures] [--all]
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from checkout import ROOT
from walk import Walk, main

from app.ui.models.page import ModelPage
from tests.fakes.checkpoints import layouts, single_file, write_hollow

LABELS = ROOT / "resources" / "models" / "emoji" / "labels"


def walk(to: Walk) -> None:
    """Show a folder as people have it: checkpoints, LoRAs, a VAE, one file that is missing, one that fits nothing."""
    home, before = to.studio.library.root.parent.resolve(), os.environ.get("HOME", "")
    os.environ["HOME"] = str(home)  # so that the page writes the folder as ~/models
    try:
        page(to, home / "models")
    finally:
        os.environ["HOME"] = before


def page(to: Walk, shelf: Path) -> None:
    library = to.studio.models.library
    fill(shelf)
    library.add([shelf])
    to.wait(lambda: not library.listing, library.activity_changed)
    (shelf / "lora" / "ink.safetensors").unlink()
    library.refresh()
    to.wait(lambda: bool(library.missing) and not library.listing, library.changed, library.activity_changed)
    to.window.show_models()
    shown = to.window.findChildren(ModelPage)[-1]
    to.wait(lambda: not library.listing, library.activity_changed)
    shown.search.clearFocus()
    shown.show_model(shelf / "lora" / "watercolour.safetensors")
    to.settle()
    to.wait(lambda: not to.studio.models.thumbnails.busy, to.studio.models.thumbnails.arrived)
    to.photograph("models", shown)
    shown.close()


def fill(shelf: Path) -> None:
    sdxl = single_file("unet-xl-sd")
    write_hollow(shelf / "checkpoints" / "lighthouse-1.5.safetensors", single_file("unet-v1-sd"))
    write_hollow(shelf / "checkpoints" / "lighthouse-1.5-inpainting.safetensors", single_file("unet-v1-inpainting"))
    write_hollow(shelf / "checkpoints" / "meadow-xl.safetensors", sdxl)
    write_hollow(shelf / "checkpoints" / "meadow-xl-vpred.safetensors", sdxl | {"v_pred": (1,)})
    write_hollow(shelf / "checkpoints" / "meadow-2.1-768.safetensors", single_file("unet-v2-sd"))
    words = {"modelspec.trigger_phrase": "watercolour, wet paper, soft edges", "modelspec.license": "CC BY 4.0"}
    write_hollow(shelf / "lora" / "watercolour.safetensors", layouts()["lora-v1-unet"], metadata=words)
    write_hollow(shelf / "lora" / "ink.safetensors", layouts()["lora-v1-unet"])
    write_hollow(shelf / "vae" / "vae-mse.safetensors", layouts()["vae-v1-sd"])
    write_hollow(shelf / "embeddings" / "calm.safetensors", {"emb_params": (4, 768)})
    write_hollow(shelf / "controlnet" / "edges.safetensors", layouts()["controlnet-v1-sd"])
    write_hollow(shelf / "from-a-friend.safetensors", {"input_blocks.0.0.weight": (320, 4, 3, 3)})
    for name, label in (("checkpoints/lighthouse-1.5", "noto"), ("checkpoints/meadow-xl", "fluent"),
                        ("lora/watercolour", "3d")):  # fmt: skip
        shutil.copy(LABELS / f"{label}.png", shelf / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main(walk, __doc__))
