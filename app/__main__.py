"""The studio: python -m app."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.offline import stay_offline
from engine.terminal import print_anything

stay_offline()
# Spinning barriers of OpenMP starve the window of the core that it paints on. Read when torch loads OpenMP, so: first.
# In small letters: libgomp compares without case in the user's locale, and a Turkish I is no capital of i.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def main() -> int:
    """Open the studio and run it to its end; the exit status."""
    print_anything()
    if sys.platform.startswith("linux") and not any(map(os.environ.get, SCREENS)):
        print(
            "There is no display here: open the studio on a desktop, or make pictures without one by "
            'python3 run.py generate "red apple" --out apple.png',
            file=sys.stderr,
        )
        return 2
    from app.bootstrap import SETTINGS, Studio, make_application, set_scale
    from app.core.files.folders import Folders
    from app.crash import CrashReporter
    from app.instance import Instance, hand_over, name_of
    from engine.spec.catalog import embedded_models, resource_root

    folders = Folders.of_user()
    reporter = CrashReporter(folders.log)
    models = embedded_models()
    if not models:
        print(f"There is no model in {resource_root() / 'models'}: install the studio again.", file=sys.stderr)
        return 1
    reporter.install()
    set_scale(folders.config / SETTINGS, os.environ)
    app = make_application(sys.argv)
    files = app.arguments()[1:]
    instance = Instance(name_of(folders.config), app)
    if hand_over(name_of(folders.config), files):
        reporter.uninstall()
        return 0
    instance.listen()  # where it cannot, a second start opens a second window
    studio = Studio(models, folders, reporter=reporter, files=[str(Path(file).absolute()) for file in files])
    instance.called.connect(studio.raise_window)
    app.aboutToQuit.connect(instance.close)
    app.aboutToQuit.connect(studio.close)
    studio.show()
    status = app.exec()
    studio.close()
    reporter.uninstall()
    return status


if __name__ == "__main__":
    sys.exit(main())
