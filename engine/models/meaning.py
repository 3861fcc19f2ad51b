"""Words near in meaning, by the text encoder of a model; the doer of engine.jobs.suggest.

The vector of a text is the mean of its token states, as all-MiniLM-L6-v2 was trained to compare sentences (Reimers &
Gurevych 2019). A word alone is ambiguous ("galaxy" is a mobile phone too), so a text is compared twice: as it is, and
as the name of a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import Cancelled
from engine.jobs.job import never_cancelled
from engine.jobs.suggest import Suggested, known_names, known_words
from engine.models.text import TextEncoder

if TYPE_CHECKING:
    from engine.jobs.job import Caller, Event
    from engine.jobs.suggest import Suggest
    from engine.session import Session

PICTURED = "a picture of {}"
NEAR = 0.57  # cosine: below it the names have little to do with the word
BEHIND = 0.1  # a name that is that much further than the nearest is left out
AT_ONCE = 32  # texts that are encoded together, between two looks at `cancelled`
SHORTEST = 4  # letters: a shorter word has too many neighbours one letter away


class Meanings:
    """The names that a model knows, as vectors of its text encoder.

    names -- what may be suggested
    words -- the known words, which a slip of the pen may mean
    """

    def __init__(self, encoder: TextEncoder, names: Sequence[str], words: frozenset[str]) -> None:
        self._encoder, self._words = encoder, words
        self._names = sorted(names, key=len)  # texts of one length together: the least padding
        self._parts: list[Tensor] = []

    def prepare(self, cancelled: Callable[[], bool] = never_cancelled) -> None:
        """Encode the names, which takes seconds; go on where the last call was cancelled. Raises Cancelled."""
        for at in range(AT_ONCE * len(self._parts), len(self._names), AT_ONCE):
            if cancelled():
                raise Cancelled
            self._parts.append(self._encode(self._names[at : at + AT_ONCE]))

    def near(self, word: str, count: int) -> tuple[str, ...]:
        """Return at most `count` names that may stand in the place of `word`, the nearest first; () where none is near.

        Where none is near in meaning and the encoder has no token for the word, it may be a slip of the pen: then they
        are known words that differ from it by one letter. Call prepare() before.
        """
        if self._parts:
            cosines = torch.cat(self._parts) @ self._encode([word])[0]
            least = max(NEAR, float(cosines.max()) - BEHIND)
            order = torch.argsort(cosines, descending=True, stable=True)[:count]
            if near := tuple(self._names[k] for k in order.tolist() if cosines[k] >= least):
                return near
        if len(word) < SHORTEST or self._encoder.count_tokens(word) == 1:
            return ()
        slips = [known for known in self._words if is_slip(word, known)]
        slips.sort(key=lambda known: (known not in self._names, known[0] != word[0], known))
        return tuple(slips[:count])

    def _encode(self, texts: Sequence[str]) -> Tensor:
        """Return unit vectors (n, 2C) of texts: of each as it is, and as the name of a picture."""
        alone = self._encoder.mean_states(texts)
        pictured = self._encoder.mean_states([PICTURED.format(text) for text in texts])
        return torch.cat([F.normalize(alone, dim=1), F.normalize(pictured, dim=1)], 1) / 2**0.5


def is_slip(word: str, known: str) -> bool:
    """Return whether one letter added, left out or changed, or two neighbours swapped, make `word` of `known`."""
    if word == known or abs(len(word) - len(known)) > 1 or len(known) < SHORTEST:
        return False
    same = next((k for k, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    a, b = word[same:], known[same:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[1:2] + a[:1] == b[:2] and a[2:] == b[2:])


def suggest(job: Suggest, session: Session, caller: Caller) -> Iterator[Event]:
    """Suggest names for each word of the job; nothing while the model is not loaded."""
    info = session.info(job.model)
    model = session.models.held(info)
    encoder = getattr(model, "text", None)
    if not isinstance(encoder, TextEncoder):
        return
    if info.sha256 not in session.meanings:
        try:
            names, words = known_names(info), known_words(info)
        except OSError:  # without its list of words nothing is suggested
            names, words = (), frozenset()
        session.meanings[info.sha256] = Meanings(encoder, names, words)
    meanings = session.meanings[info.sha256]
    meanings.prepare(caller.cancelled)
    for word in job.words:
        yield Suggested(word, meanings.near(word, job.count))
