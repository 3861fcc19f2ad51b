"""Take the pictures of the Likelihood panel for docs/, light and dark, in the real studio with the real model.

QT_QPA_PLATFORM=offscreen python packaging/likelihood_pictures.py [--out docs/pictures] [--theme light]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "packaging")]
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from screenshots import WAIT_MS, Walk  # noqa: E402


class LikelihoodWalk(Walk):
    """Take pictures of an apple's likelihood, of its unlikely regions, and of its encoding."""

    def run(self) -> None:
        document, window = self.document, self.window
        self.studio.show()
        self.wait(lambda: document.can_generate)
        document.update_draft(prompt="red apple", label="noto", seed=3)
        document.generate()
        self.wait(lambda: document.running_job is None)
        window.actions_["likelihood"].trigger()
        self.wait(lambda: window.appraisal.doing is None, 4 * WAIT_MS)
        regions = window.appraisal.regions
        assert regions is not None, window.appraisal.verdict
        window.appraisal.pointed = regions.most
        self.photograph("likelihood")
        window.appraisal.given = "made"
        window.actions_["encode"].trigger()
        self.wait(lambda: window.encoder.doing is None, 4 * WAIT_MS)
        assert window.encoder.encoded is not None
        self.photograph("encoded")
        window.close()
        self.studio.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--theme", choices=("light", "dark"), help="only this one")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    from app.bootstrap import make_application
    from engine.spec.catalog import embedded

    make_application(sys.argv[:1])
    for theme in (args.theme,) if args.theme else ("light", "dark"):
        with tempfile.TemporaryDirectory() as home:
            os.environ["TWEEDIE_HOME"] = home
            LikelihoodWalk(embedded(), Path(home), theme, args.out, everything=True).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
