"""The history: finding pictures again, and what a person does with them."""

from __future__ import annotations

from app.ui.actions.action import Action
from app.ui.actions.reasons import Reason, first_of, outside, unless
from app.ui.actions.studio import StudioParts
from app.ui.window.page_table import HISTORY
from engine.history.query import MOST_RATING

_OUTSIDE = outside(HISTORY)


UNDO = "Undo in the history"


def _chosen(reason: Reason = lambda s: s.history_commands.why_none()) -> Reason:
    return first_of(_OUTSIDE, reason)


_ANY, _FILE = _chosen(), _chosen(lambda s: s.history_commands.why_no_file())


def _rate(rating: int) -> Action:
    def rate(studio: StudioParts) -> None:
        studio.history.rate(studio.history.selected, rating)

    def rated(studio: StudioParts) -> bool:
        picture = studio.history.current
        return picture is not None and picture.rating == rating

    text = f"{rating} of {MOST_RATING}" if rating else "Not rated"
    return Action(
        id=f"history-rate-{rating}", text=text, menu="History", submenu="Rate", keys=(str(rating),), where="history",
        group="history-rate", why=_ANY, do=rate, checked=rated,
    )  # fmt: skip


def _search(studio: StudioParts) -> None:
    studio.show_page(HISTORY)
    studio.history_commands.focus("search")


def _is_starred(studio: StudioParts) -> bool:
    picture = studio.history.current
    return picture is not None and picture.starred


def _undo_text(studio: StudioParts) -> str:
    return f"Undo: {studio.history.undo_text}" if studio.history.undo_text else UNDO


def _edit(studio: StudioParts) -> None:
    picture = studio.history.current
    if picture is not None:
        studio.files.open_path(str(picture.path))


def _add_key(studio: StudioParts) -> None:
    for id in studio.history.selected:
        picture = studio.history.picture(id)
        if picture is not None:
            studio.morph.keys.add_file(picture.path)


ACTIONS: tuple[Action, ...] = (
    Action(id="history-search", text="Search the history", menu="History", keys=("Ctrl+F",), icon="search",
        tip="Find finished pictures by their words, models, tags and file names", do=_search),
    Action(id="history-undo", text=UNDO, menu="History", keys=("Ctrl+Z",), where="history", icon="undo",
        text_now=_undo_text, tip="Take back the last deletion, star, rating, tag or board",
        why=first_of(_OUTSIDE, unless(lambda s: s.history.undo_text, "There is nothing to undo.")),
        do=lambda s: s.history.undo()),
    Action(id="history-open", text="Open", menu="History", begins=True,
        tip="Show the picture with its run and every step (Enter)", why=_ANY, do=lambda s: s.history_commands.open()),
    Action(id="history-look", text="Look at it in large", menu="History", keys=("Space",), where="history",
        why=_FILE, do=lambda s: s.history.look(s.history.selected[:1])),
    Action(id="history-compare", text="Compare the two", menu="History", keys=("C",), where="history", icon="compare",
        tip="Side by side, with a slider, or one after the other",
        why=_chosen(lambda s: s.history_commands.why_not_two()),
        do=lambda s: s.history.look(sorted(s.history.selected))),
    Action(id="history-alike", text="List those with the same settings", menu="History", keys=("G",), where="history",
        icon="stack", tip="All pictures with the settings of this one, whatever their seeds",
        why=_chosen(lambda s: s.history_commands.why_none_alike()),
        do=lambda s: s.history.show_alike(s.history.selected[0])),
    Action(id="history-settings", text="Use its settings", menu="History", keys=("U",), where="history", begins=True,
        tip="Put the settings of the picture on the panel, with its seed",
        why=_FILE, do=lambda s: s.history_commands.use_settings(with_seed=True)),
    Action(id="history-but-seed", text="Use all but the seed", menu="History", keys=("Shift+U",), where="history",
        tip="Put the settings of the picture on the panel, and keep the seed that is there",
        why=_FILE, do=lambda s: s.history_commands.use_settings(with_seed=False)),
    Action(id="history-prompt", text="Copy the prompt", menu="History", keys=("P",), where="history",
        why=_chosen(lambda s: s.history_commands.why_no_prompt()), do=lambda s: s.history_commands.copy_prompt()),
    Action(id="history-copy", text="Copy the picture", menu="History", keys=("Ctrl+C",), where="history",
        why=_FILE, do=lambda s: s.history_commands.copy_picture()),
    Action(id="history-star", text="Star", menu="History", keys=("S",), where="history", icon="star", icon_on="star-on",
        begins=True, why=_ANY, do=lambda s: s.history_commands.star(), checked=_is_starred),
    *(_rate(rating) for rating in range(MOST_RATING + 1)),
    Action(id="history-tag", text="Add tags…", menu="History", keys=("T",), where="history",
        why=_ANY, do=lambda s: s.history_commands.focus("tags")),
    Action(id="history-board", text="Put on a board…", menu="History", keys=("B",), where="history",
        why=_ANY, do=lambda s: s.history_commands.focus("boards")),
    Action(id="history-edit", text="Edit it on the canvas", menu="History", keys=("E",), where="history", begins=True,
        tip="Take the picture to the canvas, to paint on it and remake parts of it", why=_FILE, do=_edit),
    Action(id="history-key", text="Add to the morph", menu="History", keys=("K",), where="history",
        tip="Make the chosen pictures key frames of the morph", why=_FILE, do=_add_key),
    Action(id="history-reveal", text="Show in the folder", menu="History", keys=("F",), where="history", icon="folder",
        why=_ANY, do=lambda s: s.history_commands.reveal()),
    Action(id="history-delete", text="Delete", menu="History", keys=("Del",), where="history", icon="discard",
        tip="Put the files into the trash of the desktop; Undo brings them back", why=_ANY,
        do=lambda s: s.history.delete(s.history.selected)),
    Action(id="history-add-folder", text="Add a folder of pictures…", menu="History", begins=True,
        tip="Look through one more folder, now and from now on", do=lambda s: s.history_commands.add_folder()),
)  # fmt: skip
