"""Generate one small picture for each style of a model: the studio shows it on the chip of the style.

    python packaging/label_pictures.py [--model emoji] [--prompt "red apple"] [--seed 0]

It writes resources/models/<id>/labels/<style>.png. The same weights and seed give the same pictures.
"""

from __future__ import annotations

import argparse
import sys

from checkout import ROOT

from engine.pictures.png import save_png
from engine.session import Session
from engine.spec.catalog import embedded_models
from engine.spec.draft import Draft, resolve


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="emoji")
    parser.add_argument("--prompt", default="red apple")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    info = next((info for info in embedded_models() if info.id == args.model), None)
    if info is None:
        print(f"There is no model {args.model!r} in resources/models.", file=sys.stderr)
        return 1
    session = Session()
    for label in info.labels:
        request = resolve(Draft.for_model(info, prompt=args.prompt, label=label, seed=args.seed), info)
        *_, last = session.generate(request)
        path = info.folder / "labels" / f"{label.replace(' ', '-')}.png"
        save_png(path, session.picture(request, last.move.x0)[0], request)
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
