"""From a data set to a judge in a folder, with its ceiling on real pictures: the command `train-judge`."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from engine.evaluate.classifier import Classifier
from engine.evaluate.dataset_pictures import JudgeError, RealPictures
from engine.evaluate.judge import WEIGHTS, Judge
from engine.pictures.data_set import read_table
from engine.train.judge import WIDTHS, JudgeSettings, train

SIDE = 32
SHARE = 0.5  # two names are merged where at least this share of their unseen pictures is confused


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeJob:
    """The options of `train-judge`: what to train on, where to write, and how.

    left_out -- labels; a second judge is trained without each of them, to see which names it confuses there
    jobs     -- how many judges are trained at once, in a process of one thread each; with 1, in this one
    """

    data: Path
    out: Path
    settings: JudgeSettings
    left_out: tuple[str, ...] = ()
    jobs: int = 1

    def run(self, say: Callable[[str], None]) -> Judge:
        """Train, measure the ceiling, merge names, write the folder; `say` is called with the progress."""
        real = RealPictures.of(self.data, SIDE)
        labels = sorted(set(real.labels))
        if strange := sorted(set(self.left_out) - set(labels)):
            raise JudgeError(f"{self.data} has no {', '.join(strange)} to leave out: it has {', '.join(labels)}.")
        judge, *rest = self.judges(real, [None, *self.left_out], say)
        sure: Counter[tuple[str, str]] = Counter()
        seen: Counter[str] = Counter()
        others: dict[str, tuple[Judge, list[int]]] = {}
        for label, other in zip(self.left_out, rest, strict=True):
            rows = [k for k in range(len(real)) if real.labels[k] == label and not real.held_out[k]]
            others[label] = other, rows
            guesses = other.read(real.pictures[rows]).names.argmax(1).tolist()
            sure.update((real.names[k], judge.names[guess]) for k, guess in zip(rows, guesses, strict=True))
            seen.update(real.names[k] for k in rows)
        merged = merge(sure, seen)
        judge = replace(judge, merged=merged)
        ceiling = {"held out": score(judge, real, real.rows(True).tolist())}
        ceiling["trained"] = score(judge, real, real.draw(real.rows(False).tolist(), 2000))
        ceiling |= {
            f"without {label}": score(replace(other, merged=merged), real, rows)
            for label, (other, rows) in others.items()
        }
        self.write(judge, ceiling, say)
        return Judge.of(self.out)

    def judges(self, real: RealPictures, left_out: Sequence[str | None], say: Callable[[str], None]) -> list[Judge]:
        """Train a judge per entry, without held-out pictures and those of that label; round its weights as for a
        file.
        """
        if self.jobs == 1 or len(left_out) == 1:
            nets = [train_judge(self.data, self.settings, without, say) for without in left_out]
        else:
            with ProcessPoolExecutor(self.jobs, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
                nets = list(pool.map(partial(train_judge, self.data, self.settings), left_out))
        return [Judge(net.half().float(), real.distinct) for net in nets]

    def write(self, judge: Judge, ceiling: Mapping[str, Any], say: Callable[[str], None]) -> None:
        """Write the folder: weights in half precision, config.json, confusions."""
        self.out.mkdir(parents=True, exist_ok=True)
        weights = {
            name: (value.half() if value.is_floating_point() else value).contiguous()
            for name, value in judge.net.state_dict().items()
        }
        save_file(weights, self.out / WEIGHTS, metadata={"format": "pt"})
        net: Classifier = judge.net
        config = {
            "data": read_table(self.data)["id"],
            "net": {"side": net.side, "channels": net.channels, "widths": WIDTHS},
            "training": asdict(self.settings),
            "ceiling": ceiling,
            "merged": judge.merged,
            "names": judge.names,
            "sha256": {WEIGHTS: hashlib.sha256((self.out / WEIGHTS).read_bytes()).hexdigest()},
        }
        (self.out / "config.json").write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        for name, figures in ceiling.items():
            say(f"{name}: {figures}")


def report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def train_judge(
    data: Path, settings: JudgeSettings, without: str | None, say: Callable[[str], None] = report
) -> Classifier:
    """Do one training, in any process."""
    real = RealPictures.of(data, SIDE)
    title = f"without {without}" if without else "the judge"

    def progress(step: int, loss: float) -> None:
        if step % 100 == 0 or step == settings.steps:
            say(f"{title}: {step}/{settings.steps} steps, loss {loss:.3f}")

    return train(real, real.rows(False, without), settings, WIDTHS, progress)


def score(judge: Judge, real: RealPictures, rows: Sequence[int]) -> dict[str, Any]:
    """Score the judge on real pictures: the shares ranked first and among five, with merged names and without."""
    names = [real.names[k] for k in rows]
    if not names:
        return {"n": 0}
    reading = judge.read(real.pictures[list(rows)])
    figures: dict[str, Any] = {"n": len(names)}
    for kind, on in (("", True), (" unmerged", False)):
        verdicts = judge.verdicts(reading.names, names, on)
        rates = [float(hits.double().mean()) for hits in verdicts]
        figures |= {f"first{kind}": rates[0], f"among five{kind}": rates[1]}
    return figures


def merge(
    guesses: Mapping[tuple[str, str], int], seen: Mapping[str, int], share: float = SHARE
) -> tuple[tuple[str, ...], ...]:
    """Return groups of names that a judge confuses on real pictures that it has not seen.

    guesses counts (name, first guess), seen the pictures of each name. Two names are confused if each is taken for the
    other, for at least `share` of their pictures together. (One direction is not enough: a judge fails like that on an
    unseen style, and it would merge butterflies with televisions.) Groups grow from the most confused pair on, only
    while every two names in them are confused: chains do not merge.
    """
    shares = {
        (a, b): (n + guesses[b, a]) / (seen[a] + seen[b])
        for (a, b), n in guesses.items()
        if a < b and n and guesses.get((b, a), 0)
    }
    alike = {pair: value for pair, value in shares.items() if value >= share}
    group: dict[str, tuple[str, ...]] = {}
    for a, b in sorted(alike, key=lambda pair: (-alike[pair], pair)):
        both = tuple(sorted({*group.get(a, (a,)), *group.get(b, (b,))}))
        if all(pair in alike for pair in combinations(both, 2)):
            group |= dict.fromkeys(both, both)
    return tuple(sorted(set(group.values())))
