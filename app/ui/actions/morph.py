"""Morphs: the row of key frames, and the film."""

from __future__ import annotations

from app.ui.actions.action import Action
from app.ui.actions.reasons import first_of, outside_morph, unless
from app.ui.actions.studio import StudioParts


def _move(studio: StudioParts, by: int) -> None:
    keys = studio.morph.keys
    keys.move(keys.selected, keys.selected + by)


_NO_KEY = first_of(outside_morph, unless(lambda s: s.morph.keys.at is not None, "Choose a key frame first."))
_IS_FIRST = unless(lambda s: s.morph.keys.selected > 0, "This is the first key frame.")
_IS_LAST = unless(lambda s: s.morph.keys.selected < len(s.morph.keys.frames) - 1, "This is the last key frame.")

ACTIONS: tuple[Action, ...] = (
    Action(id="morph-add-shown", text="Add the picture on the canvas", menu="Morph", keys=("Ctrl+B",), icon="key-shown",
        tip="Make the picture on the canvas a key frame of the morph",
        why=lambda s: s.morph.keys.why_no_shown, do=lambda s: s.morph.keys.add_shown()),
    Action(id="morph-add-file", text="Add pictures…", menu="Morph", keys=("Ctrl+Shift+B",), icon="key-file",
        tip="Picture files become key frames; dropping them here does the same",
        why=outside_morph, do=lambda s: s.films.add_dialog()),
    Action(id="morph-add-seed", text="Add a seed", menu="Morph", keys=("Ctrl+Alt+B",), icon="dice",
        tip="Add a key frame that is made later, from a new seed and the prompt on the panel of pictures",
        why=outside_morph, do=lambda s: s.morph.keys.add_seed()),
    Action(id="morph-earlier", text="Move earlier", menu="Morph", keys=("Ctrl+Left",), where="morph-keys", begins=True,
        why=first_of(_NO_KEY, _IS_FIRST), do=lambda s: _move(s, -1)),
    Action(id="morph-later", text="Move later", menu="Morph", keys=("Ctrl+Right",), where="morph-keys",
        why=first_of(_NO_KEY, _IS_LAST), do=lambda s: _move(s, +1)),
    Action(id="morph-remove", text="Remove the key frame", menu="Morph", keys=("Del",), where="morph-keys",
        icon="discard", why=_NO_KEY, do=lambda s: s.morph.keys.remove(s.morph.keys.selected)),
    Action(id="morph-clear", text="Remove all key frames", menu="Morph", keys=("Shift+Del",), where="morph-keys",
        why=_NO_KEY, do=lambda s: s.morph.keys.clear()),
    Action(id="morph-export", text="Export film…", menu="Morph", keys=("Ctrl+Shift+M",), icon="save", begins=True,
        short="Export film",
        tip="As WebP, GIF, MP4 or PNG frames, in the background",
        why=first_of(outside_morph, lambda s: s.films.why_no_export),
        do=lambda s: s.films.export()),
)  # fmt: skip
