"""The headless command line: `python3 run.py generate …`, or `tweedie …` once installed."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from engine.offline import stay_offline
from engine.terminal import print_anything

COMMANDS = (  # a file each in engine/commands, with add_parsers(subparsers): imported without torch
    *("generate", "inpaint", "img2img", "vary", "resume", "encode", "decode", "likelihood", "morph"),
    *("evaluate", "evaluate_guide", "bench", "train_judge", "train_clip", "evaluate_clip", "train_classifier"),
    *("models", "settings", "train"),  # and data
)


def sentence(error: Exception) -> str:
    """Return the error in one sentence; for a file its name and the reason, without the error number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def main(argv: Sequence[str] | None = None) -> int:
    stay_offline()
    print_anything()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning barriers starve everything else; see app/__main__
    parser = argparse.ArgumentParser(
        prog="run.py",
        description="Use Tweedie Studio without its window. For a command's options: run.py COMMAND --help",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"engine.commands.{name}").add_parsers(subparsers)
    try:
        args = parser.parse_args(argv)
        return int(args.run(args) or 0)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except (ValueError, OSError, MemoryError) as error:  # errors that the user can act on: one sentence
        print(f"{parser.prog}: {sentence(error)}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
