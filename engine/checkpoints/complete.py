"""The parts that a checkpoint's family needs and its file or folder does not hold. Needs no torch."""

from __future__ import annotations

from collections.abc import Collection

from engine.checkpoints.families import families
from engine.checkpoints.recognise import Found

TITLES = {"vae": "VAE", "text": "text encoder", "text_2": "second text encoder"}  # of parts that may be missing
_VAES = ("vae", "tiny-vae")


def lacks(found: Found) -> tuple[str, ...]:
    """Return the missing parts of a checkpoint, keys of TITLES; () for a complete one, and for what is no checkpoint
    that can be sampled.
    """
    if not found.loadable:
        return ()
    held = {"vae" if part.role in _VAES else part.role for part in found.parts}
    wanted = ("vae", *(text["part"] for text in families()[found.family].text))
    return tuple(role for role in wanted if role not in held)


def named(missing: Collection[str]) -> str:
    """Name missing parts for a list of facts, such as “no VAE, no text encoder”; "" for none."""
    return ", ".join(f"no {TITLES[role]}" for role in missing)


def why_incomplete(title: str, missing: Collection[str], other_vae: bool = False) -> str:
    """Say in one sentence why a checkpoint with these missing parts cannot be sampled; "" where it can.

    other_vae -- whether it is used with the VAE of another file
    """
    if set(missing) - {"vae"}:  # text encoders cannot be chosen apart
        what = " and no ".join(TITLES[role] for role in missing if role != "vae" or not other_vae)
        return f"{title} has no {what}: get the complete checkpoint, or the folder of the diffusers model."
    if missing and not other_vae:
        return f"{title} has no VAE: choose one for it (on the command line: --vae FILE)."
    return ""
