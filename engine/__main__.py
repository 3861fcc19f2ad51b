"""The headless command line: `python3 run.py generate …`, or `tweedie …` once installed."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = {  # name of the module that has add_parsers(subparsers): imported only to build the parser, without torch
    "generate": "engine.commands.generate",
    "edit": "engine.commands.edit",
    "vary": "engine.commands.vary",
    "encode": "engine.commands.encode",  # and decode
    "likelihood": "engine.commands.likelihood",
    "morph": "engine.commands.morph",
    "evaluate": "engine.commands.evaluate",
    "evaluate-guide": "engine.commands.evaluate_guide",
    "bench": "engine.commands.bench",
    "train-judge": "engine.commands.train_judge",
    "train-clip": "engine.commands.train_clip",
    "evaluate-clip": "engine.commands.evaluate_clip",
    "train-classifier": "engine.commands.train_classifier",
    "train": "engine.train.cli",
}


def sentence(error: Exception) -> str:
    """What is wrong; of a file its name and why, without the system's number for it."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def main(argv: Sequence[str] | None = None) -> int:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning barriers starve everything else on few cores
    parser = argparse.ArgumentParser(prog="run.py", description="Tweedie Studio without its window.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS.values():
        importlib.import_module(module).add_parsers(subparsers)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args) or 0)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except (ValueError, OSError, MemoryError) as error:  # what a person can do something about: one sentence
        print(f"{parser.prog}: {sentence(error)}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
