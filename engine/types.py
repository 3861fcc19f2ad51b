"""The types that every method plugs into: Hop, Past, Said, Cond, Move, Step, Denoiser, Rule, Constraint, Codec, Model.

A method changes one of four things: the denoiser (Transform), the move (Rule), the hops (Path) or the pinned pixels
(Constraint). The state is x = x0 + σ·ε everywhere; D(x, σ, cond) = E[x0 | x] is the denoiser.
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
    """One move of a path, from noise level s to s2. run() does "renoise" itself; the hop after it gets no history."""

    s: float
    s2: float
    kind: Literal["solve", "renoise"] = "solve"


class Past(NamedTuple):
    """One earlier evaluation: noise level s, state x, guided x̂₀ x0, and the log-weights (B,) of particle methods.

    Tensors have the dtype of the state, so that the run file stores them exactly. A multistep corrector may remember a
    corrected state: a history cannot be rebuilt from the states alone, so the run file stores it.
    """

    s: float
    x: Tensor
    x0: Tensor
    log_w: Tensor | None = None


Path = Sequence[Hop]
History = tuple[Past, ...]  # oldest first, at most the last three


def remember(past: History, s: float, x: Tensor, x0: Tensor) -> History:
    """Append an evaluation at s to the history and keep the last three."""
    return (*past[-2:], Past(s, x, x0))


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of one picture: a Model encodes it to a Cond. Said() is the null condition.

    text      -- "" is the empty text
    label     -- a class or style by name; None for none
    size      -- (width, height) of the picture in pixels, for models that know sizes; None: the model's native size
    distilled -- the guidance of a guidance-distilled model, which is an input of its net; None: the model's default
    clip_skip -- the layer of the text encoder that is used, counted from the end: 1 is the last; None: the model's own
    negative  -- whether guidance leads away from it: some models encode an empty negative text as zeros
    """

    text: str = ""
    label: str | None = None
    size: tuple[int, int] | None = None
    distilled: float | None = None
    clip_skip: int | None = None
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Cond:
    """The condition of a model; every field has a leading batch of 1 or B, or is None.

    tokens -- (B, L, C) encoded text
    mask   -- (B, L), bool: which tokens count; or float: how much each counts, 0 … 1. Text without one gets a mask of
              ones: a mixture of two texts weighs their tokens by it
    label  -- (B,) int64 class index, where the index after the last class means "none"; or (B, classes + 1) weights
              that mix the class embeddings
    pooled -- (B, C) one vector for the whole text, for models that use one
    image  -- (B, C, h, w) the small picture that a second stage enlarges, with Gaussian noise of std `level` in it
    level  -- (B,) that standard deviation
    numbers -- (B, n) float32, the numbers that a net reads besides: sizes (SDXL), distilled guidance. They are never
              rounded to half precision, which has no 1023
    """

    tokens: Tensor | None = None
    mask: Tensor | None = None
    label: Tensor | None = None
    pooled: Tensor | None = None
    image: Tensor | None = None
    level: Tensor | None = None
    numbers: Tensor | None = None

    def __post_init__(self) -> None:
        if self.tokens is not None and self.mask is None:
            import torch

            object.__setattr__(self, "mask", self.tokens.new_ones(self.tokens.shape[:2], dtype=torch.bool))

    @property
    def parts(self) -> tuple[Tensor | None, ...]:
        return self.tokens, self.mask, self.label, self.pooled, self.image, self.level, self.numbers

    def map(self, f: Callable[[Tensor], Tensor]) -> Cond:
        return Cond(*(None if v is None else f(v) for v in self.parts))

    def expand(self, batch: int) -> Cond:
        """Return the condition for `batch` images; a leading 1 is broadcast."""
        if all(v is None or v.shape[0] == batch for v in self.parts):  # the usual case
            return self
        return self.map(lambda v: v if v.shape[0] == batch else v.expand(batch, *v.shape[1:]))

    def real_in(self, dtype: torch.dtype) -> Cond:
        """Cast the floating-point fields to `dtype`; class indices and bool masks keep theirs, `numbers` float32."""
        *rest, numbers = self.parts
        if all(v is None or v.dtype == dtype or not v.is_floating_point() for v in rest):
            return self
        cast = [v.to(dtype) if v is not None and v.is_floating_point() else v for v in rest]
        return replace(Cond(*cast), numbers=numbers)

    def padded(self, length: int) -> Cond:
        """Return the condition with `length` tokens: those that are added count for nothing."""
        if self.tokens is None or self.mask is None or self.tokens.shape[1] == length:
            return self
        import torch.nn.functional as F

        more = length - self.tokens.shape[1]
        return replace(self, tokens=F.pad(self.tokens, (0, 0, 0, more)), mask=F.pad(self.mask, (0, more)))

    def __getitem__(self, rows: slice) -> Cond:
        """Return the conditions of some images of the batch."""
        return self.map(lambda v: v[rows])

    @staticmethod
    def cat(conds: Sequence[Cond]) -> Cond:
        """Stack conditions of the same model along the batch; shorter texts are padded. ValueError where only some have
        a part.
        """
        import torch

        conds = same_length(conds)
        columns = list(zip(*(cond.parts for cond in conds), strict=True))
        if any(0 < sum(v is None for v in column) < len(column) for column in columns):
            raise ValueError("Conditions of one batch must have the same parts: tokens, mask, label, pooled, image.")
        return Cond(*(None if column[0] is None else torch.cat(_same_kind(column)) for column in columns))


def same_length(conds: Sequence[Cond]) -> list[Cond]:
    """Pad the texts of conditions to the longest one: a prompt of several chunks is longer than others."""
    lengths = [cond.tokens.shape[1] for cond in conds if cond.tokens is not None]
    return [cond.padded(max(lengths)) for cond in conds] if len(set(lengths)) > 1 else list(conds)


def _same_kind(column: tuple[Tensor, ...]) -> list[Tensor]:
    """Turn labels into weights where some are indices and some are weights; return other fields unchanged."""
    weights = [v for v in column if v.ndim == 2 and v.is_floating_point()]
    if len(weights) in (0, len(column)) or any(v.ndim not in (1, 2) for v in column):
        return list(column)
    from torch.nn.functional import one_hot

    like = weights[0]
    return [one_hot(v, like.shape[1]).to(like.dtype) if v.ndim == 1 else v for v in column]


class Move(NamedTuple):
    """The result of one call of a rule.

    x              -- the state at s2
    x0             -- the guided x̂₀ that the move used
    x_eval, s_eval -- where that D was evaluated: after churn or a corrector, not the state at s
    mean, std      -- of the transition, for particle weights; std is 0 where the transition is not one Gaussian
    past           -- the history for the next hop; it holds at least this evaluation
    log_w, ancestors -- (B,) each, for particle methods
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
    """One finished hop: its index i in the path, its number of D evaluations nfe, its move.

    x and past are the state and the history BEFORE the move: with i, all that a resume needs. x0_raw is the unguided
    x̂₀ where it was computed, else move.x0.
    """

    i: int
    hop: Hop
    nfe: int
    x: Tensor
    past: History
    move: Move
    x0_raw: Tensor


class Denoiser(Protocol):
    """D(x, σ, cond) = E[x0 | x]: x (B, …), σ one float or (B,); the result has the shape of x."""

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor: ...


class NoiseSource(Protocol):
    """The source of a method's noise: engine.noise.Noise, or a replacement (engine.morph.blend.Between)."""

    def at(self, hop: int) -> NoiseSource: ...  # the noise of one hop
    def of(self, stream: int) -> NoiseSource: ...  # the noise of one stream, such as engine.noise.PIN
    def normal(self, like: Tensor, draw: int = 0, shared: bool = False) -> Tensor: ...  # with the shape of like (B, …)


Transform: TypeAlias = Callable[[Denoiser], Denoiser]
Constraint: TypeAlias = (
    "Callable[[Tensor, float, NoiseSource], Tensor]"  # (x, σ, the hop's noise) → x with pinned pixels
)


class Option(NamedTuple):
    """A number that the user can set on a sampler, low … high; whole numbers only where the default is an int.

    about -- the tip of its field
    evals -- denoiser evaluations that each unit adds to a hop
    noise -- whether the sampler draws noise when the value is above 0
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
    """A sampler: steps x from s to s2; with its name, its cost and its options.

    step       -- (d, x, s, s2, past, z, **options) → Move; s2 = 0 must return D (up to a corrector)
    title      -- its name in the menu
    about      -- one line in the menu: when to choose it
    evals      -- denoiser evaluations of a hop
    last_evals -- denoiser evaluations of the hop to σ = 0
    stochastic -- whether it draws noise
    aliases    -- other names of the same map in the literature
    options    -- keyword arguments of step that the user can set, with the same defaults
    keeps_law  -- whether the state keeps the law N(x0, σ²) exactly at every step under a perfect denoiser, D ≡ x0
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
        """Return this sampler with some options set. Raises ValueError for an unknown name or a value out of range."""
        known = {option.name: option for option in self.options}
        before = self.step.keywords if isinstance(self.step, partial) else {}
        evals, stochastic = self.evals, self.stochastic
        for name, value in values.items():
            if name not in known:
                remedy = f"choose one of {', '.join(known)}" if known else "leave it out"
                raise ValueError(f"The sampler {self.title} has no option “{name}”: {remedy}.")
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
        """Count the denoiser evaluations of a whole path; a "renoise" hop costs none."""
        return sum((self.evals if h.s2 > 0 else self.last_evals) for h in path if h.kind == "solve")


class Linear(NamedTuple):
    """A linear map from a state to colour, pixel by pixel: rgb = x0·factors + bias, in [−1, 1].

    factors -- a row (red, green, blue) for each of the state's channels; bias: (red, green, blue)
    """

    factors: tuple[tuple[float, float, float], ...]
    bias: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Codec(Protocol):
    """Converts between pictures and states; the identity for pixel models.

    factor   -- the side of a state's cell in pixels of the picture: 1 for pixel models, 8 for Stable Diffusion
    linear   -- the preview as a linear map; None: the first three channels are colour, or the only one is grey
    identity -- whether a state is its picture: then a run file needs no finished picture beside its last step
    """

    @property
    def factor(self) -> int: ...
    @property
    def linear(self) -> Linear | None: ...
    @property
    def identity(self) -> bool: ...
    def encode(self, image: Tensor) -> Tensor: ...  # (B, 3, H, W) in [−1, 1] → (B, C, h, w)
    def preview(self, x0: Tensor) -> Tensor: ...  # (B, 3, h, w) in [−1, 1]: cheap, for the canvas while it runs
    def latent_shape(self, width: int, height: int) -> tuple[int, ...]: ...  # (C, h, w)
    def decode(self, x0: Tensor, cancelled: Callable[[], bool] = ...) -> Tensor:
        """Decode states (B, C, h, w) to pictures (B, 3 or 1, H, W), one image at a time; differentiable in x0.

        Raises Cancelled between two images where `cancelled` returns True.
        """
        ...


@dataclass(frozen=True, slots=True)
class SecondStage:
    """Of a cascade: D(x, σ | z_s, s) for pictures `factor` times as large as z_s, which has noise of deviation s in it.

    The small picture and its level are a Cond's `image` and `level` (engine.cascade).
    """

    denoiser: Denoiser
    schedule: Schedule
    factor: int


class Model(Protocol):
    """A loaded model: its denoiser on its device, its schedule, its codec, and how to encode its conditions.

    compute_dtype -- the dtype that its net computes in; states are float32
    micro_batch   -- the most images in one call of the net: bounds memory and the wait for a cancel. Pixels depend on
                     it, so a run file records it
    bytes         -- of its weights on the device
    """

    id: str
    sha256: str
    codec: Codec
    denoiser: Denoiser
    labels: tuple[str, ...]
    device: torch.device

    @property
    def compute_dtype(self) -> torch.dtype: ...
    @property
    def micro_batch(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def second(self) -> SecondStage | None: ...  # the enlarging model of a cascade
    @property
    def schedule(self) -> Schedule: ...
    def condition(self, said: Said) -> Cond: ...  # a batch of 1


class Schedule(Protocol):
    """σ(t), its inverse t(σ), the native scale s, the std of x_T, and the native SDE (see engine.schedules)."""

    sigma_min: float
    sigma_max: float

    def sigma(self, t: float) -> float: ...
    def t(self, sigma: float) -> float: ...
    def scale(self, sigma: float) -> float: ...
    def start_std(self, sigma: float | None = None) -> float: ...
    def sde(self, t: float) -> tuple[float, float]: ...  # dx = f·x dt + g dw in the native state
