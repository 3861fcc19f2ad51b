"""Take the pictures of the Likelihood panel: an apple's likelihood with its unlikely regions, and its encoding.

QT_QPA_PLATFORM=offscreen python packaging/likelihood_pictures.py [--out docs/pictures] [--all]
"""

from __future__ import annotations

import sys

from walk import Walk, main


def walk(to: Walk) -> None:
    likelihood, encoder = to.document.picture_likelihood, to.document.encoder
    to.document.draft.seed_locked = True
    to.finish(to.generate(prompt="red apple", label="noto", seed=3))
    to.window.actions_["likelihood"].trigger()
    to.wait(lambda: likelihood.activity is None, likelihood.activity_changed)
    regions = likelihood.regions
    assert regions is not None
    likelihood.pointed_region = regions.most
    to.photograph("likelihood")
    likelihood.condition_source = "made"
    to.window.actions_["encode"].trigger()
    to.wait(lambda: encoder.activity is None, encoder.activity_changed)
    assert encoder.encoded is not None
    to.window.area.notices.close_one()  # it lies on the picture, and the panel says the same
    to.photograph("encoded")


if __name__ == "__main__":
    sys.exit(main(walk, __doc__))
