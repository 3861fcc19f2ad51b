"""Small valid files to damage, for each reader that needs no torch."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image, features

from engine.jobs import serial
from engine.jobs.encode import Encode
from engine.jobs.generate import Fork, Generate, Resume
from engine.jobs.lab import FieldView, LabFields, LabRun, LabSave, LabWalk
from engine.jobs.likelihood import Likelihood
from engine.jobs.load import LoadModel
from engine.jobs.morph import Morphing
from engine.jobs.score import Look, Score
from engine.jobs.sweep import Sweep
from engine.lab.picture import save as save_lab
from engine.morph import film
from engine.pictures.png import save_png
from engine.spec.catalog import resource_root
from engine.spec.edit import Inputs, digest
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Law
from engine.spec.lab_data import DRAWN, Data
from engine.spec.morph import Key, Morph
from engine.spec.request import Edit, Enlargement, Request
from engine.store import RunWriter
from engine.types import Hop, Move, Past, Step
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
)

Files: TypeAlias = dict[str, bytes]  # a folder; its first file is the one that a person chooses

SIDE = 16
RGB = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
MASK = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE), np.uint8)
AIMS = (Aim("a cat", weight=3.0), Aim(image=digest(RGB), weight=-1.0))

PLAIN = Request(
    model="emoji", model_sha256="a" * 64, prompt="red apple", label="noto", sampler="ddim", spacing="karras",
    sigmas=(80.0, 3.0, 0.5, 0.0), guidance=3.0, seeds=(7,), width=SIDE, height=SIDE, evaluations=3,
)  # fmt: skip
GUIDED = replace(
    PLAIN,
    guidance_interval=(0.1, 3.0),
    seeds=(7, 2**63 - 1),
    temperature=0.9,
    threshold="dynamic",
    options=(("eta", 0.5),),
    enlargement=Enlargement(factor=4, sampler="ddim", sigmas=(9.0, 0.0), level=0.2),
    guides=(
        ClipGuide(clip="c", aims=AIMS, law=Law.of("window", low=0.5)),
        ClassGuide(classifier="emoji-style", label="noto"),
    ),
)
EDITED = replace(PLAIN, edit=Edit(method="repaint", source=digest(RGB), mask=digest(MASK), jump=2, resample=2))
KEYS = (Key(seed=1, prompt="x", label="noto", guidance=2.0), Key(picture=digest(RGB), temperature=0.5))
MORPH = Morph(request=PLAIN, keys=KEYS, frames=5, way="linear", loop="back")
INPUTS = Inputs(RGB, MASK, (3, -2, 32, 32))


def saved(folder: Path) -> Files:
    """The files in a folder, in the order of their names."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _encoded(image: Image.Image, kind: str, **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def pictures(_: Path) -> Iterator[Files]:
    """One of each kind of file that can be opened, and of the ways in which its pixels can lie in it."""
    rgb, grey = Image.fromarray(RGB), Image.fromarray(MASK)
    rgba = rgb.copy()
    rgba.putalpha(grey)
    wide = Image.fromarray(MASK.astype(np.uint16) * 257)
    more = [Image.fromarray(np.roll(RGB, n, 0)) for n in range(3)]
    made: list[tuple[str, Image.Image, str, dict[str, Any]]] = [
        ("rgb.png", rgb, "PNG", {"dpi": (72, 72), "icc_profile": _profile()}),
        ("rgba.png", rgba, "PNG", {}),
        ("palette.png", rgb.quantize(8), "PNG", {"transparency": 2}),
        ("wide.png", wide, "PNG", {}),
        ("bits.png", grey.convert("1"), "PNG", {}),
        ("animated.png", rgb, "PNG", {"save_all": True, "append_images": more}),
        ("a.jpg", rgb, "JPEG", {"exif": _exif(), "icc_profile": _profile()}),
        ("progressive.jpg", rgb, "JPEG", {"progressive": True}),
        ("cmyk.jpg", rgb.convert("CMYK"), "JPEG", {}),
        ("a.webp", rgba, "WEBP", {"lossless": True, "exif": _exif()}),
        ("animated.webp", rgb, "WEBP", {"save_all": True, "append_images": more}),
        ("a.tif", rgb, "TIFF", {}),
        ("lzw.tif", rgba, "TIFF", {"compression": "tiff_lzw"}),
        ("jpeg.tif", rgb, "TIFF", {"compression": "jpeg"}),
        ("deflate.tif", wide, "TIFF", {"compression": "tiff_adobe_deflate"}),
        ("float.tif", Image.fromarray(MASK.astype(np.float32) / 255), "TIFF", {}),
        ("a.gif", rgb, "GIF", {"save_all": True, "append_images": more}),
        ("a.bmp", rgb, "BMP", {}),
        ("palette.bmp", rgb.quantize(16), "BMP", {}),
        ("a.tga", rgba, "TGA", {"compression": "tga_rle"}),
        ("a.ppm", rgb, "PPM", {}),
        ("a.pcx", rgb, "PCX", {}),
        ("a.ico", rgba, "ICO", {"sizes": [(16, 16)]}),
        ("bits.ico", rgba, "ICO", {"sizes": [(16, 16)], "bitmap_format": "bmp"}),
    ]
    if features.check("jpg_2000"):
        made.append(("a.jp2", rgb, "JPEG2000", {}))
    if features.check("avif"):
        made.append(("a.avif", rgb, "AVIF", {}))
    for name, image, kind, options in made:
        yield {name: _encoded(image, kind, **options)}
    yield {"a.psd": _psd()}
    yield {"a.qoi": b"qoif" + SIDE.to_bytes(4, "big") * 2 + b"\3\0" + b"\xfe\1\2\3" + b"\xfd" * 4 + bytes(7) + b"\1"}


def _profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "a description"
    return exif


def _psd() -> bytes:
    """A Photoshop file without layers: head, no palette, no resources, no layers, raw planes."""
    head = b"8BPS\0\1" + bytes(6) + (3).to_bytes(2, "big") + SIDE.to_bytes(4, "big") * 2 + b"\0\x08\0\3"
    return head + bytes(12) + b"\0\0" + RGB.transpose(2, 0, 1).tobytes()


def masks(_: Path) -> Iterator[Files]:
    grey = Image.fromarray(MASK)
    for mode in ("L", "LA", "RGBA", "1", "P", "RGB"):
        yield {"mask.png": _encoded(grey.convert(mode), "PNG")}
    yield {"mask.png": _encoded(Image.fromarray(MASK.astype(np.uint16) * 257), "PNG")}
    yield {"mask.tif": _encoded(Image.fromarray(MASK.astype(np.float32)), "TIFF")}


def with_settings(folder: Path) -> Iterator[Files]:
    """Pictures of the studio, with their Request in their text."""
    for request in (PLAIN, GUIDED, EDITED):
        path = folder / "a.png"
        save_png(path, RGB, request, parent={"run": "b", "step": 2, "sha256": "c"}, box=(0, 0, 16, 16))
        yield saved(folder)


def foreign(folder: Path) -> Iterator[Files]:
    """Pictures of other studios, in each container."""
    graph = comfy(**GRAPH)
    made = (
        png(folder / "a.png", {"parameters": A1111}, "tEXt"),
        png(folder / "b.png", {"prompt": graph, "workflow": graph}),
        png(folder / "c.png", {"invokeai_metadata": json.dumps(INVOKE)}),
        png(folder / "d.png", {"sd-metadata": json.dumps(OLD_INVOKE)}),
        png(folder / "e.png", {"Comment": NOVELAI["Comment"]}),
        png(folder / "f.png", {"parameters": json.dumps(FOOOCUS)}),
        exif(folder / "g.jpg", {}, b"UNICODE\0" + A1111.encode("utf-16-be")),
        exif(folder / "h.webp", {0x0110: f"prompt:{graph}"}),
        hidden(folder / "i.png", A1111),
    )
    for path in made:
        yield {path.name: path.read_bytes()}


def runs(folder: Path) -> Iterator[Files]:
    """A run of each kind: plain, guided with aims and a second stage, edited."""
    for request in (PLAIN, GUIDED, EDITED):
        path = folder / "a.twrun"
        path.unlink(missing_ok=True)
        linear = {"factors": [[1.0, 0.5, 0.2]] * 3, "bias": [0.0, 0.1, 0.2]}
        parent = {"run": "z", "step": 1, "sha256": "b" * 64}
        header = {"id": "a", "parent": parent, "preview": None if request is PLAIN else linear, "environment": {}}
        with RunWriter(path, request, header) as writer:
            if request.edit is not None:
                writer.inputs(INPUTS)
            if request.guides:
                writer.aims({digest(RGB): RGB})
            steps = _steps(len(request.seeds))
            writer.start(steps[0].x)
            for step in steps:
                writer.step(step)
            if request.enlargement is not None:
                writer.picture(np.stack([RGB] * len(request.seeds)))
            writer.write_arrays("nulltext", {"null": np.zeros((2, 3), np.float32)})
            writer.end("finished")
        yield saved(folder)


def _steps(batch: int) -> list[Any]:
    rng, found, past = np.random.default_rng(2), [], ()
    x = rng.normal(size=(batch, 3, 8, 8)).astype(np.float32)
    for i, (s, s2) in enumerate(((80.0, 3.0), (3.0, 0.5), (0.5, 0.0))):
        x0, after = (rng.normal(size=x.shape).astype(np.float32) for _ in range(2))
        now: tuple[Any, ...] = (*past, Past(s, x, x0))[-3:]  # type: ignore[arg-type]
        move = Move(after, x0, x, s, after, 0.0, now)  # type: ignore[arg-type]
        found.append(Step(i, Hop(s, s2), 1, x, past, move, x0))  # type: ignore[arg-type]
        x, past = after, now
    return found


def model_files(folder: Path) -> Iterator[Files]:
    """A textual inversion, a LoRA, and shards with their index, all tiny and whole."""
    from tests.fakes.checkpoints import header

    lora = {f"lora_unet_down_blocks_0_attentions_0_proj_in.lora_{way}.weight": (1, 4) for way in ("down", "up")}
    wholes = [{"emb_params": (1, 768)}, lora, {"clip_l": (1, 768), "clip_g": (1, 1280)}]
    for shapes in wholes:
        size = 2 * sum(a * b for a, b in shapes.values())
        yield {"m.safetensors": header(shapes, metadata={"modelspec.title": "a", "ss_v2": "True"}) + bytes(size)}
    parts = {f"{name}.safetensors": {name: (1, 768)} for name in ("emb_params", "b")}
    index = {"weight_map": {name: file for file, shapes in parts.items() for name in shapes}}
    files = {"m.safetensors.index.json": json.dumps(index).encode()}
    yield files | {file: header(shapes) + bytes(2 * 768) for file, shapes in parts.items()}


def pipelines(folder: Path) -> Iterator[Files]:
    """A diffusers folder, whose weights are too few for a net."""
    from tests.fakes.checkpoints import header

    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
             "scheduler": ["diffusers", "DDIMScheduler"], "vae": [None, None]}  # fmt: skip
    config = {"_class_name": "UNet2DConditionModel", "in_channels": 4, "sample_size": 8, "cross_attention_dim": 8}
    scheduler = {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02, "num_train_timesteps": 10,
                 "prediction_type": "v_prediction", "steps_offset": 1}  # fmt: skip
    yield {
        "model_index.json": json.dumps(index).encode(),
        "unet/config.json": json.dumps(config).encode(),
        "scheduler/scheduler_config.json": json.dumps(scheduler).encode(),
        "unet/diffusion_pytorch_model.safetensors": header({"conv_in.weight": (4, 4, 3, 3)}) + bytes(288),
    }


def model_settings(folder: Path) -> Iterator[Files]:
    by_hand = {"/a.safetensors": {"family": "sd1", "predicts": "v", "zero_snr": True, "unet": {"layers_per_block": 1}}}
    yield {"models.json": json.dumps({"folders": ["/models", "/more"], "by_hand": by_hand}).encode()}


def settings(folder: Path) -> Iterator[Files]:
    from app.core.canvas.toolset import ToolChoices, ToolsetState
    from app.settings import Values, write
    from engine.spec.draft import Draft

    drafts = {"emoji": Draft.of(GUIDED), "fashion": Draft.of(replace(EDITED, model="fashion"))}
    tools = ToolsetState(choices={"brush": ToolChoices(), "eraser": ToolChoices()})
    for values in (Values(), Values(theme="dark", model="emoji", drafts=drafts, tools=tools, geometry="AAAA")):
        write(folder / "settings.json", values)
        yield saved(folder)


def autosaves(folder: Path) -> Iterator[Files]:
    """The artwork's folder: without and with a mask and candidates, of the runs beside it."""
    from PySide6.QtCore import QRect

    from app.core.canvas.placement import Placement
    from app.core.files.autosave_candidates import Result
    from app.core.files.autosave_file import AutosaveFile, write

    (folder / "runs").mkdir()
    run = next(iter(runs(folder / "runs")))["a.twrun"]
    box = QRect(2, 3, 8, 6)
    results = (
        Result("a.twrun", (0,), Placement.through(box, box, MASK[:6, :8].copy())),
        Result("a.twrun", (0,), Placement.through(box, box, None)),
    )
    for mask, kept in ((np.zeros_like(MASK), ()), (MASK, results)):
        there = folder / ("with" if kept else "without")
        write(there, AutosaveFile(RGB, mask, (1, 2, 8, 6), (4, 3), "a “title”", True, kept))
        yield saved(there) | {"runs/a.twrun": run}


def jobs(folder: Path) -> Iterator[Files]:
    data = Data(DRAWN, ((0.5, -1.0), (0.1, 0.2), (1.0, 1.0)))
    run = Path("a.twrun")
    every = (
        Generate(request=EDITED, run_path=run, pictures=Path("p"), inputs=INPUTS),
        Generate(request=GUIDED, aims=(RGB,)),
        Fork(source=run, at=3, request=PLAIN, share=1, inputs=INPUTS, aims=(RGB,)),
        Resume(run_path=run),
        Encode(request=PLAIN, rgb=RGB, method="guided", tol=1e-3, max_calls=9, run_path=run, check=False, inner=3),
        Likelihood(model="emoji", rgb=RGB, prompt="a cat", label="noto", probes=2, tol=0.1, seed=4, sigma_min=0.5),
        Score(path=run, clip="c", aims=AIMS, pictures=(RGB, 255 - RGB), start=1, stop=2),
        Look(path=run, k=1, image=2, clip="c", vocabulary=("a cat", "„ein Hund“"), count=3, raw=True),
        Sweep(request=GUIDED, over="scale", values=(0.0, 1.5), clip="c", aims=AIMS, guide=1, pictures=(RGB,)),
        Morphing(MORPH, {digest(RGB): RGB}),
        LoadModel("emoji"),
        LabFields((FieldView(data, 0.5, 3.0, seen=True),)),
        LabRun(data, PLAIN, 5, 2),
        LabWalk(data, 5, 1, 3.0, sigma=0.25, steps=3, delta=0.2, rate=5.0),
        LabSave(Path("lab.webp"), (RGB, 255 - RGB), "{}"),
    )
    for n, job in enumerate(every):
        there = folder / str(n)
        serial.save(job, there / "job.json")
        files = saved(there)
        yield {"job.json": files.pop("job.json"), **files}


def waiting(folder: Path) -> Iterator[Files]:
    """A run and a fork that had not begun when the studio closed."""
    from app.core.jobs import waiting as module
    from app.core.jobs.submission import Submission

    for submission in (
        Submission(Generate(request=EDITED, run_path=folder / "a.twrun", inputs=INPUTS), EDITED),
        Submission(Fork(source=folder / "b.twrun", at=2, run_path=folder / "c.twrun", aims=(RGB,)), GUIDED, 2),
    ):
        module.keep(submission)
        (kept,) = folder.glob("*.waiting")
        files = saved(kept)
        yield {module.SUBMITTED: files.pop(module.SUBMITTED), module.JOB: files.pop(module.JOB), **files}
        module.drop(kept)


def lab_pictures(folder: Path) -> Iterator[Files]:
    text = json.dumps({"data": "spiral", "request": PLAIN.to_dict()})
    for name, frames in (("a.png", [RGB]), ("a.webp", [RGB]), ("moves.webp", [RGB, 255 - RGB])):
        save_lab(folder / name, frames, text)
        yield {name: (folder / name).read_bytes()}


def films(folder: Path) -> Iterator[Files]:
    frames = [np.roll(RGB, n, 0) for n in range(MORPH.frames)]
    for name in ("a.webp", "a.gif", *(("a.mp4",) if film.can_write_video() else ())):
        film.save(folder / name, frames, MORPH)
        yield {name: (folder / name).read_bytes()}
    film.save_frame(folder / "frame.png", RGB, MORPH)
    yield {"frame.png": (folder / "frame.png").read_bytes()}


def captioned(_: Path) -> Iterator[Files]:
    """A folder of pictures with captions, one of them in a class."""
    png, jpg = _encoded(Image.fromarray(RGB), "PNG"), _encoded(Image.fromarray(RGB), "JPEG")
    captions = {"apple.txt": b"a red apple\nan apple\n", "fruit/pear.txt": b"a pear"}
    yield {"apple.png": png, "fruit/pear.jpg": jpg, **captions}


def resource_configs(kind: str, _: Path) -> Iterator[Files]:
    """The config.json of each resource of a kind, with the words that a model knows."""
    for path in sorted((resource_root() / kind).glob("*/config.json")):
        words = path.with_name("words.txt")
        yield {"config.json": path.read_bytes(), **({words.name: words.read_bytes()} if words.exists() else {})}
