"""Morphs: the row of key frames, and the film."""

from __future__ import annotations

from app.ui.actions.row import Row, Studio, in_morph


def _has_key(studio: Studio) -> bool:
    return in_morph(studio) and studio.morph.keys.at is not None


def _move(studio: Studio, by: int) -> None:
    keys = studio.morph.keys
    keys.move(keys.selected, keys.selected + by)


ROWS: tuple[Row, ...] = (
    Row(id="morph-add-shown", text="Add the picture on the canvas", menu="Morph", keys=("Ctrl+K",), icon="key-shown",
        tip="The picture that the canvas shows becomes a key frame of the morph",
        why=lambda s: s.morph.keys.why_no_shown, do=lambda s: s.morph.keys.add_shown()),
    Row(id="morph-add-file", text="Add pictures…", menu="Morph", keys=("Ctrl+Shift+K",), icon="key-file",
        tip="Picture files become key frames; dropping them here does the same",
        usable=in_morph, do=lambda s: s.films.add_dialog()),
    Row(id="morph-add-seed", text="Add a seed", menu="Morph", keys=("Ctrl+Alt+K",), icon="dice",
        tip="A key frame that is still to be made, from the words on the panel of pictures and a new seed",
        usable=in_morph, do=lambda s: s.morph.keys.add_seed()),
    Row(id="morph-earlier", text="Move earlier", menu="Morph", keys=("Ctrl+Left",), where="morph-keys", begins=True,
        usable=lambda s: _has_key(s) and s.morph.keys.selected > 0, do=lambda s: _move(s, -1)),
    Row(id="morph-later", text="Move later", menu="Morph", keys=("Ctrl+Right",), where="morph-keys",
        usable=lambda s: _has_key(s) and s.morph.keys.selected < len(s.morph.keys.frames) - 1,
        do=lambda s: _move(s, +1)),
    Row(id="morph-remove", text="Remove the key frame", menu="Morph", keys=("Del",), where="morph-keys", icon="discard",
        usable=_has_key, do=lambda s: s.morph.keys.remove(s.morph.keys.selected)),
    Row(id="morph-clear", text="Remove all key frames", menu="Morph", keys=("Shift+Del",), where="morph-keys",
        usable=_has_key, do=lambda s: s.morph.keys.clear()),
    Row(id="morph-export", text="Export film…", menu="Morph", keys=("Ctrl+Shift+M",), icon="save", begins=True,
        short="Export film",
        tip="As WebP, GIF, MP4 or PNG frames, in the background",
        why=lambda s: s.films.why_no_export if in_morph(s) else "Go to the morph first (F4)",
        do=lambda s: s.films.export()),
)  # fmt: skip
