"""`morph`: make a film from picture to picture."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from engine.commands.destinations import film_name, save_or_keep
from engine.commands.flags import add_device, add_enlarging, add_model, check_enlarging, model_of, sides
from engine.commands.sampler_flags import add_sampler
from engine.errors import EngineError
from engine.jobs.morph import MorphFrame, Morphing, Norms
from engine.morph.film import check, save
from engine.morph.keys import FileKey, from_file
from engine.pictures.png import read_settings
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve, with_named
from engine.spec.edit import Pixels, Size
from engine.spec.morph import EASINGS, LOOPS, MOST_FRAMES, MOST_RATE, Key, Morph, MorphError, price
from engine.spec.request import Request


@dataclass
class KeyFlags:
    """One --key, and the --prompt and --class after it."""

    key: str
    prompt: str | None = None
    label: str | None = None


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "morph",
        help="make a film from picture to picture",
        description="Make the frames between pictures. From key to key x_T is interpolated on the sphere, and "
        "the prompt and the class with it. A key is a seed, a picture of the studio (its seed is used), or another "
        "picture (it is encoded along the probability flow).",
        epilog='Example: run.py morph --key seed:3 --prompt "red apple" --key seed:4 --prompt rocket --class noto '
        "--frames 30 --loop back --out apple-rocket.webp",
    )
    add = parser.add_argument
    add("--key", action=_Key, required=True, metavar="KEY", help="seed:N or a picture file; two or more times")
    add(
        "--prompt",
        action=_KeySetting,
        metavar="TEXT",
        help="prompt of the key before it; in front of the first key: of all keys",
    )
    add("--class", dest="label", action=_KeySetting, metavar="NAME", help="class or style, placed as --prompt")
    add(
        "--frames",
        type=int,
        default=30,
        metavar="N",
        help=f"number of frames with the keys, at most {MOST_FRAMES} (default 30)",
    )
    add("--rate", type=int, default=15, metavar="N", help=f"frames per second, 1 … {MOST_RATE} (default %(default)s)")
    add("--easing", choices=list(EASINGS), default="smooth", help="speed between keys (default %(default)s)")
    add(
        "--loop",
        choices=list(LOOPS),
        default="none",
        help="back to the first key, or forwards and backwards (default: once)",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--linear", action="store_true", help="interpolate x_T linearly, not on the sphere")
    way.add_argument(
        "--at-sigma", type=float, metavar="S", help="add the same noise of level S to the pictures and mix them instead"
    )
    add(
        "--out",
        type=film_name,
        default=Path("morph.webp"),
        metavar="FILE",
        help=".webp, .gif, .mp4; without an ending: a folder of PNG frames",
    )
    add_enlarging(parser)
    add_model(parser, "emoji")
    add("--size", type=sides, metavar="WxH", help="of the frames in pixels (default: the first picture's that says)")
    add("--negative", default="", metavar="TEXT", help="negative prompt: what the picture should not show")
    add(
        "--steps",
        type=int,
        metavar="N",
        help="denoising steps (default: of the first picture with settings, else the model's)",
    )
    add_sampler(parser, "as --steps")
    add(
        "--guidance",
        type=float,
        metavar="γ",
        help="guidance scale of the keys that are not encoded (default: as --steps)",
    )
    add(
        "--cascade",
        choices=("on", "off"),
        help="second stage, which enlarges the frames (default: on if the model has one)",
    )
    add("--seed", type=int, metavar="N", help="seed of the noise of --at-sigma and of encoded pictures")
    add_device(parser)
    parser.set_defaults(run=run)


class _Key(argparse.Action):
    """Begin a key; --prompt and --class after it belong to it."""

    def __call__(self, _: object, namespace: argparse.Namespace, values: Any, option: object = None) -> None:
        namespace.key = [*(namespace.key or []), KeyFlags(values)]


class _KeySetting(argparse.Action):
    def __call__(self, _: object, namespace: argparse.Namespace, values: Any, option: object = None) -> None:
        if namespace.key:
            setattr(namespace.key[-1], self.dest, values)
        else:
            setattr(namespace, self.dest, values)


def run(args: argparse.Namespace) -> int:
    check_enlarging(args)
    info = model_of(args)
    morph, pictures = morph_from_flags(args, info)
    check(args.out, morph)

    from engine.session import Session  # torch comes in here, after everything that can be refused without it

    began = time.perf_counter()
    session = Session(args.device, [info])
    session.load(info)
    loaded = time.perf_counter()
    frames: list[Pixels] = []
    found: dict[str, Any] = {"psnr": {}}
    for news in session.perform(Morphing(morph, pictures)):
        if isinstance(news, MorphFrame):
            frames.append(news.rgb)
            if news.psnr is not None:
                found["psnr"][news.index] = round(news.psnr, 2)
            if sys.stderr.isatty():
                print(f"\r{len(frames)}/{morph.frames} frames", end="", file=sys.stderr, flush=True)
        elif isinstance(news, Norms):
            found["norm"] = {"slerp": min(news.slerp.tolist()), "linear": min(news.linear.tolist())}
    done = time.perf_counter()
    if sys.stderr.isatty():
        print(file=sys.stderr)
    path = save_or_keep(args.out, lambda path: save(path, frames, morph, args.enlarge, args.resampling))
    facts = {"path": str(path), "frames": len(frames), "calls": price(morph).calls, **found}
    facts |= {"load_seconds": round(loaded - began, 3), "seconds": round(done - loaded, 3)}
    _report(args, morph, facts, session.device_name)
    return 0


def _report(args: argparse.Namespace, morph: Morph, facts: dict[str, Any], device: str) -> None:
    if args.json:
        print(json.dumps(facts | {"device": device, "morph": morph.to_dict()}))
        return
    width, height = (args.enlarge * side for side in morph.request.size)
    print(f"{facts['path']}  {facts['frames']} frames of {width}×{height}, {morph.rate} a second")
    if norm := facts.get("norm"):
        print(f"least norm of x_T between keys: {norm['slerp']:.3f} spherical, {norm['linear']:.3f} linear")
    for index, decibels in facts["psnr"].items():
        print(f"frame {index}: PSNR {decibels:.1f} dB against its picture")
    each = facts["seconds"] / facts["frames"]
    print(f"{facts['seconds']:.1f} s on {device}, {each:.2f} s a frame ({facts['load_seconds']:.1f} s to load)",
          file=sys.stderr)  # fmt: skip


def morph_from_flags(args: argparse.Namespace, info: ModelInfo) -> tuple[Morph, dict[str, Pixels]]:
    """Return the morph of the flags, and the pictures of its keys by digest. Raises ValueErrors."""
    size = _size(args, info)
    found = [read_key(one.key, info, size) for one in args.key]
    saved = next((one.settings for one in found if one.rgb is None and one.settings is not None), None)
    seed = random.SystemRandom().randrange(2**31) if args.seed is None else args.seed
    keys = [apply_settings(one, asked, args, seed) for one, asked in zip(found, args.key, strict=True)]
    at = args.at_sigma
    morph = Morph(
        request=with_named(_request(args, info, saved, seed, size), keys, info),
        keys=tuple(keys),
        frames=args.frames,
        easing=args.easing,
        loop=args.loop,
        way="mix" if at is not None else "linear" if args.linear else "slerp",
        at=0.0 if at is None else at,
        rate=args.rate,
    )
    for key in keys:  # raises for words that the model does not know
        resolve(Draft.for_model(info, prompt=key.prompt, label=key.label), info)
    return morph, {one.key.picture: one.rgb for one in found if one.rgb is not None}


def _size(args: argparse.Namespace, info: ModelInfo) -> Size:
    """The frames' size before a second stage: the typed one, else the first picture's that this model has made."""
    if args.size is not None:
        return cast(Size, args.size)
    for one in args.key:
        if one.key.startswith("seed:"):
            continue
        try:
            settings = read_settings(Path(one.key))
        except (EngineError, OSError):  # the picture may still be readable
            continue
        if settings is not None and settings.model_sha256 == info.sha256:
            return settings.width, settings.height
    return info.width, info.height


def read_key(text: str, info: ModelInfo, size: Size) -> FileKey:
    if text.startswith("seed:"):
        try:
            return FileKey(Key(seed=int(text.removeprefix("seed:"))), None, None)
        except ValueError:
            raise MorphError(
                f"“{text}” is not a key: write seed: and a whole number, or the name of a picture."
            ) from None
    return from_file(Path(text), info, size)


def apply_settings(found: FileKey, one: KeyFlags, args: argparse.Namespace, seed: int) -> Key:
    """Set the prompt and the label of a key: its own flags, else those of all keys, else its picture's."""
    key = replace(found.key, seed=seed) if found.rgb is not None else found.key
    for name in ("prompt", "label"):
        value = next((v for v in (getattr(one, name), getattr(args, name)) if v is not None), None)
        key = key if value is None else replace(key, **{name: value})
    return key


def _request(args: argparse.Namespace, info: ModelInfo, saved: Request | None, seed: int, size: Size) -> Request:
    """Return the frames' Request: the flags, else the first picture's settings, else the model's defaults."""
    flags: Sequence[str] = ("steps", "sampler", "spacing", "guidance")
    chosen: dict[str, Any] = {name: getattr(args, name) for name in flags if getattr(args, name) is not None}
    if args.sampler_options:
        chosen["options"] = args.sampler_options
    if saved is None:
        draft = Draft.for_model(info, seed=seed, negative=args.negative, **chosen)
    else:
        if "sampler" in chosen and chosen["sampler"] != saved.sampler:
            chosen.setdefault("options", ())
        negative = args.negative or saved.negative
        draft = replace(Draft.of(saved), prompt="", label=None, seed=seed, batch=1, negative=negative, **chosen)
    draft = replace(draft, width=size[0], height=size[1])
    if args.cascade is not None:
        draft = replace(draft, enlarge=args.cascade == "on")
    return resolve(draft, info)
