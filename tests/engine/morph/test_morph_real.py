"""Morphs of the embedded model: real renders, taken as pictures from elsewhere, come back."""

from __future__ import annotations

import statistics

from engine.jobs.morph import MorphFrame, Morphing
from engine.session import Session
from engine.spec.catalog import find
from engine.spec.draft import Draft, resolve
from engine.spec.edit import digest
from engine.spec.morph import Key, Morph

ASKED = (("red apple", "noto", 1), ("cat face", "fluent", 2))


def test_renders_that_are_encoded_come_back_at_the_models_own_steps() -> None:
    info = find("emoji")
    session = Session("cpu", [info])
    given, keys = {}, []
    for prompt, label, seed in ASKED:
        request = resolve(Draft.for_model(info, prompt=prompt, label=label, seed=seed, enlarge=False), info)
        *_, last = session.generate(request)
        rgb = session.picture(request, last.move.x)[0]
        given[digest(rgb)] = rgb
        keys.append(Key(picture=digest(rgb), prompt=prompt, label=label))
    morph = Morph(request=request, keys=tuple(keys), frames=len(keys))
    made = [news for news in session.perform(Morphing(morph, given)) if isinstance(news, MorphFrame)]
    decibels = [frame.psnr for frame in made if frame.psnr is not None]
    assert len(decibels) == len(keys)
    print(f"\n{len(keys)} renders in {request.steps} steps: {[round(one, 1) for one in decibels]} dB")
    assert statistics.median(decibels) > 37
