"""The table of the window's pages, one line for each tab. The actions are made of it."""

from __future__ import annotations

from dataclasses import dataclass

PICTURES, MORPH, LAB, HISTORY = "pictures", "morph", "lab", "history"


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One tab.

    kind -- the import path of its class: the actions are made of this table, and the classes use the actions
    key  -- a second key; the first is Ctrl and the number of the tab
    """

    name: str
    title: str
    kind: str
    tip: str
    key: str = ""


PAGES = (
    PageEntry(PICTURES, "Pictures", "app.ui.shown.page:PicturesPage", "Make pictures, edit them, and see every step"),
    PageEntry(
        MORPH, "Morph", "app.ui.morph.page:MorphPage",
        "From picture to picture along the flow: key frames, the frames between them, a film", "F4",
    ),
    PageEntry(
        LAB, "Lab", "app.ui.lab.page:LabPage",
        "The 2-D lab: models in the plane, known exactly, with their score, samplers and chains", "F2",
    ),
    PageEntry(
        HISTORY, "History", "app.ui.history.page:HistoryPage",
        "Every finished picture, found again: search, star, tag, compare", "Ctrl+H",
    ),
)  # fmt: skip
TITLES = {entry.name: entry.title for entry in PAGES}
