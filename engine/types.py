"""The few shapes that every method of the engine plugs into.

What D is (Transform), how to move (Rule), where to go (Path), what is pinned (Constraint): four seams, one loop.
The state is x = x0 + σ·ε everywhere; D(x, σ, cond) = E[x0 | x] is the denoiser.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:  # torch stays out at import time: rules and menus are listed before it is loaded
    import torch
    from torch import Tensor


Sigma: TypeAlias = "float | Tensor"  # one level for the batch, or (B,)


class Hop(NamedTuple):
    """One move of a path, from level s to level s2. run() itself renoises, and gives no history to the hop after."""

    s: float
    s2: float
    kind: Literal["solve", "renoise"] = "solve"


class Past(NamedTuple):
    """One remembered evaluation: the level, the state there, the guided x̂₀ there; particles also carry weights (B,).

    All in the dtype of the state: what is remembered is what the run file gives back. A multistep corrector may
    remember a corrected state, so a history cannot be rebuilt from the states alone: the run file keeps it.
    """

    s: float
    x: Tensor
    x0: Tensor
    log_w: Tensor | None = None


Path = Sequence[Hop]
History = tuple[Past, ...]  # oldest first, at most the last three


def remember(past: History, s: float, x: Tensor, x0: Tensor) -> History:
    """The history after an evaluation at s: the last three."""
    return (*past[-2:], Past(s, x, x0))


@dataclass(frozen=True, slots=True)
class Cond:
    """What a model is conditioned on; every field has a leading batch of 1 or B, or is None.

    tokens (B, L, C) text tokens, mask (B, L) bool: which of them count, or how much each does, 0 … 1; label (B,) int64:
    class index, where one index past the last means "none", or weights of all of these (B, classes + 1), which mix
    their embeddings; pooled (B, C): one vector for the whole text, for models that use one; image
    (B, C, h, w) a picture that the model draws from, with Gaussian noise of deviation level (B,) in it.
    """

    tokens: Tensor | None = None
    mask: Tensor | None = None
    label: Tensor | None = None
    pooled: Tensor | None = None
    image: Tensor | None = None
    level: Tensor | None = None

    @property
    def parts(self) -> tuple[Tensor | None, ...]:
        return self.tokens, self.mask, self.label, self.pooled, self.image, self.level

    def map(self, f: Callable[[Tensor], Tensor]) -> Cond:
        return Cond(*(None if v is None else f(v) for v in self.parts))

    def expand(self, batch: int) -> Cond:
        """The same condition for `batch` images (a leading 1 is broadcast)."""
        if all(v is None or v.shape[0] == batch for v in self.parts):  # most calls: it fits already
            return self
        return self.map(lambda v: v if v.shape[0] == batch else v.expand(batch, *v.shape[1:]))

    def real_in(self, dtype: torch.dtype) -> Cond:
        """The same with its real numbers in `dtype`; labels and masks stay what they are."""
        if all(v is None or v.dtype == dtype or not v.is_floating_point() for v in self.parts):
            return self
        return self.map(lambda v: v.to(dtype) if v.is_floating_point() else v)

    def __getitem__(self, rows: slice) -> Cond:
        """The conditions of some images of the batch."""
        return self.map(lambda v: v[rows])

    @staticmethod
    def cat(conds: Sequence[Cond]) -> Cond:
        """Stack conditions of the same model along the batch."""
        import torch

        columns = zip(*(cond.parts for cond in conds), strict=True)
        return Cond(*(None if column[0] is None else torch.cat(_alike(column)) for column in columns))


def _alike(column: tuple[Tensor, ...]) -> list[Tensor]:
    """Labels of which some are indices and some are weights, all as weights; everything else as it is."""
    weights = [v for v in column if v.ndim == 2 and v.is_floating_point()]
    if len(weights) in (0, len(column)) or any(v.ndim not in (1, 2) for v in column):
        return list(column)
    from torch.nn.functional import one_hot

    like = weights[0]
    return [one_hot(v, like.shape[1]).to(like.dtype) if v.ndim == 1 else v for v in column]


class Move(NamedTuple):
    """What a rule returns.

    x the state at s2; x0 the guided x̂₀ it moved by; x_eval, s_eval where that D was evaluated (after churn or a
    corrector this is not the state at s); mean and std of the transition (particles weigh by them; std is 0 where the
    transition is not one Gaussian);
    past the history for the next hop, at least its own evaluation; log_w (B,) and ancestors (B,) for particle methods.
    """

    x: Tensor
    x0: Tensor
    x_eval: Tensor
    s_eval: float
    mean: Tensor
    std: float
    past: History
    log_w: Tensor | None = None
    ancestors: Tensor | None = None


class Step(NamedTuple):
    """One hop done: i its place in the path, x and past as they were BEFORE the move (all that a resume needs)."""

    i: int
    hop: Hop
    nfe: int
    x: Tensor
    past: History
    move: Move
    x0_raw: Tensor


class Denoiser(Protocol):
    """D(x, σ, cond) = E[x0 | x]; x (B, …), σ one float or (B,); the result is shaped like x."""

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor: ...


class NoiseSource(Protocol):
    """Where a method draws its noise: engine.noise.Noise, or what stands in for it (engine.morph.blend.Between)."""

    def at(self, hop: int) -> NoiseSource: ...  # the noise of one hop of the path
    def of(self, stream: int) -> NoiseSource: ...  # the noise of one user of it, such as engine.noise.PIN
    def normal(self, like: Tensor, draw: int = 0, shared: bool = False) -> Tensor: ...  # shaped like `like` (B, …)


Transform: TypeAlias = Callable[[Denoiser], Denoiser]
Constraint: TypeAlias = "Callable[[Tensor, float, NoiseSource], Tensor]"  # (x at σ, σ, the hop's noise) → x pinned


class Option(NamedTuple):
    """A number that a person may set on a sampler, low … high; where the default is an int, a whole number.

    evals -- denoiser evaluations that each unit of it adds to a hop
    noise -- whether the sampler draws noise whenever it is above 0
    """

    name: str
    default: float
    low: float
    high: float
    about: str
    evals: int = 0
    noise: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """How to step: x at s → x at s2, with its name and price for people.

    step    -- (d, x, s, s2, past, z, **options) → Move; s2 = 0 must return D (up to a corrector)
    evals   -- denoiser evaluations of a hop; last_evals of the hop to σ = 0
    title, about -- what a menu says: a name, and one line on when to choose it
    aliases -- other names of the same map in the literature
    options -- what can be set: keyword arguments of step, whose defaults are the options' own
    keeps_law -- whether under a perfect denoiser, D ≡ x0, the state keeps the law N(x0, σ²) exactly at every step
    """

    step: Callable[..., Move]
    title: str
    about: str
    evals: int = 1
    last_evals: int = 1
    stochastic: bool = False
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    keeps_law: bool = True

    def __call__(self, d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource) -> Move:
        if s2 > s and self.stochastic:
            raise ValueError(f"{self.title} draws noise and cannot go up: choose a sampler that draws none.")
        return self.step(d, x, s, s2, past, z)

    def with_options(self, **values: float) -> Rule:
        """This sampler with some options set. Raises ValueError, in one sentence, for a name or a value it has not."""
        known = {option.name: option for option in self.options}
        before = self.step.keywords if isinstance(self.step, partial) else {}
        evals, stochastic = self.evals, self.stochastic
        for name, value in values.items():
            if name not in known:
                have = ", ".join(known) or "none"
                raise ValueError(f"The sampler {self.title} has no option “{name}”: it has {have}.")
            option = known[name]
            if not option.low <= value <= option.high:
                raise ValueError(f"The option {name} cannot be {value:g}: choose {option.low:g} to {option.high:g}.")
            if isinstance(option.default, int):
                if value != int(value):
                    raise ValueError(f"The option {name} cannot be {value:g}: choose a whole number.")
                values[name] = value = int(value)
            evals += option.evals * int(value - before.get(name, option.default))
            stochastic = value > 0 if option.noise else stochastic
        return replace(self, step=partial(self.step, **values), evals=evals, stochastic=stochastic)

    def cost(self, path: Path) -> int:
        """Denoiser evaluations of a whole path; renoising costs none."""
        return sum((self.evals if h.s2 > 0 else self.last_evals) for h in path if h.kind == "solve")


class Codec(Protocol):
    """Pictures ↔ states. The identity for pixel models."""

    def encode(self, image: Tensor) -> Tensor: ...  # (B, 3, H, W) in [−1, 1] → (B, C, h, w)
    def decode(self, x0: Tensor) -> Tensor: ...  # the inverse
    def preview(self, x0: Tensor) -> Tensor: ...  # (B, 3, h, w): cheap, for the canvas while it runs
    def latent_shape(self, width: int, height: int) -> tuple[int, ...]: ...  # (C, h, w)


@dataclass(frozen=True, slots=True)
class SecondStage:
    """Of a cascade: D(x, σ | z_s, s) for pictures `factor` times as large as z_s, which has noise of deviation s in it.

    The small picture and its level are a Cond's `image` and `level` (engine.cascade).
    """

    denoiser: Denoiser
    schedule: Schedule
    factor: int


class Model(Protocol):
    """What supplies a net, ready to sample: a denoiser on its device, its schedule and codec, and its conditioning."""

    id: str
    sha256: str
    codec: Codec
    denoiser: Denoiser
    labels: tuple[str, ...]
    device: torch.device
    dtype: torch.dtype

    @property
    def second(self) -> SecondStage | None: ...  # of a cascade
    @property
    def schedule(self) -> Schedule: ...
    def condition(self, text: str, label: str | None) -> Cond: ...  # batch of 1; ("", None) is the null condition


class Schedule(Protocol):
    """σ(t) and its inverse, the native scale s, the start's std, and the native SDE (see engine.schedules)."""

    sigma_min: float
    sigma_max: float

    def sigma(self, t: float) -> float: ...
    def t(self, sigma: float) -> float: ...
    def scale(self, sigma: float) -> float: ...
    def start_std(self, sigma: float | None = None) -> float: ...
    def sde(self, t: float) -> tuple[float, float]: ...  # dx = f·x dt + g dw in the native state
