"""What the history is searched for and filtered by, as SQL, and the rows that come back."""

from __future__ import annotations

from typing import NamedTuple

MOST_RATING = 5
HERE, MISSING, TRASHED = "here", "missing", "trashed"  # the states of a picture: its file is there, gone, in the trash


class Row(NamedTuple):
    """One line of the gallery. stack: the number of pictures that it stands for."""

    id: int
    day: str
    head: str
    starred: int
    rating: int
    state: str
    stack: int


class Filter(NamedTuple):
    """Which pictures are listed. "", 0 and False: all of them.

    text       -- words of which each must begin a word of the picture's; a word after “-” must not
    rating     -- at least
    parameters -- the digest of all settings but the seed
    stacked    -- one row for all pictures that have the same settings but for the seed, the newest one
    """

    text: str = ""
    starred: bool = False
    rating: int = 0
    model: str = ""
    tag: str = ""
    board: str = ""
    parameters: str = ""
    stacked: bool = False

    @property
    def narrows(self) -> bool:
        """Whether it may leave out pictures."""
        return self != Filter(stacked=self.stacked)


def match(text: str) -> str:
    """Return the full-text expression for what a person typed; "" where it holds no word.

    Every word is quoted, so that nothing in it is an operator.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for word in text.split():
        bare = word.lstrip("-")
        if any(c.isalnum() for c in bare):
            quoted = '"' + bare.replace('"', '""') + '"*'
            (unwanted if word.startswith("-") else wanted).append(quoted)
    if not wanted:
        return ""
    found = " AND ".join(wanted)
    return f"({found})" + "".join(f" NOT {word}" for word in unwanted)


def select_rows(chosen: Filter) -> tuple[str, tuple[object, ...]]:
    """Return the SELECT of the Rows of a filter, newest first, and its values."""
    where, values = conditions(chosen)
    columns = "id, day, head, starred, rating, state"
    if not chosen.stacked:
        return f"SELECT {columns}, 1 FROM pictures WHERE {where} ORDER BY made DESC, id DESC", values
    group = "CASE parameters WHEN '' THEN id ELSE parameters END"
    inner = f"SELECT {columns}, made, count(*) AS n, max(made) FROM pictures WHERE {where} GROUP BY {group}"
    return f"SELECT {columns}, n FROM ({inner}) ORDER BY made DESC, id DESC", values


def conditions(chosen: Filter) -> tuple[str, tuple[object, ...]]:
    """Return the WHERE of a filter and its values. Pictures in the trash are never listed."""
    parts, values = [f"state != '{TRASHED}'"], list[object]()
    if expression := match(chosen.text):
        parts.append("id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(expression)
    elif excluded := match(chosen.text.replace("-", " ")):  # only words that must not be there
        parts.append("id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(excluded.replace(" AND ", " OR "))
    if chosen.starred:
        parts.append("starred")
    if chosen.rating:
        parts.append("rating >= ?")
        values.append(chosen.rating)
    for column, value in (("model", chosen.model), ("parameters", chosen.parameters)):
        if value:
            parts.append(f"{column} = ?")
            values.append(value)
    if chosen.tag:
        parts.append("id IN (SELECT picture FROM tags WHERE tag = ?)")
        values.append(chosen.tag)
    if chosen.board:
        parts.append(
            "id IN (SELECT picture FROM board_pictures JOIN boards ON boards.id = board WHERE boards.name = ?)"
        )
        values.append(chosen.board)
    return " AND ".join(parts), tuple(values)
