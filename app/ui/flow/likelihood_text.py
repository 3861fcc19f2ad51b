"""The sentences of the Likelihood panel about its results."""

from __future__ import annotations

import math

from app.ui.flow.plot import PlotCurve
from engine.jobs.likelihood import ElboTerms, LogDensity

SMEARED = (
    "Pixels are whole numbers, and a density needs more: noise spreads each evenly over its own level (uniform "
    "dequantisation), so the number bounds what a code for the 8-bit picture would take, from above. The density is of "
    "values on the models' scale, −1 to 1, whose levels lie 1/127.5 apart: log₂ 127.5 = 6.99 bits of every dimension "
    "come from that."
)
BOUND = (
    "A bound on the bits, by noise level: L_T is what the prior misses at the top, L_t what one level costs, L_0 the "
    "last step to the picture. It is of the chain with noise (DDPM), the number above of the flow without noise: two "
    "laws of a trained model, and either number may be the larger."
)
RESTING_TERMS = "L_t in bits/dim, by noise level"
RESTING_TRADE = "RMSE of 255, by bits/dim that are sent"
TRADE = "After how many bits the picture is known how well, if it were sent from the noisiest level down (deck 3)."
MAP = "Bits by region, from the same terms by pixel: bright is what the model did not expect."


def number(value: float, places: int = 2) -> str:
    """With a true minus and narrow spaces between thousands, such as −7 284.31."""
    return f"{value:,.{places}f}".replace(",", "\u202f").replace("-", "−")


def headline(density: LogDensity) -> str:
    """Such as "3.415 ± 0.007", in bits/dim, as exact as the error; without ± while one probe has been made."""
    if math.isnan(density.bits_stderr):
        return number(density.bits_dim)
    places = _decimals(density.bits_stderr)
    return f"{number(density.bits_dim, places)} ± {density.bits_stderr:.{places}f}"


def detail(density: LogDensity) -> str:
    error = "" if math.isnan(density.stderr) else f" ± {number(density.stderr, 0)}"
    probes = (
        f"{density.probe} of {density.probes} probes"
        if density.probe < density.probes
        else _count_in_words(density.probe)
    )
    log = f"log p = {number(density.logp, 0)}{error} nats over {number(density.dims, 0)} numbers"
    return (
        f"bits per dimension (bits/dim)\n{log}\n{probes}, {number(density.calls, 0)} model calls{_error_text(density)}"
    )


def _error_text(density: LogDensity) -> str:
    return "; ± is their standard error" if density.probe > 1 else "; a second one gives an error"


def _count_in_words(probes: int) -> str:
    return f"{probes} probe{'' if probes == 1 else 's'}"


def _decimals(error: float) -> int:
    """As many as show one figure of the error, and two at least."""
    return min(6, max(2, -math.floor(math.log10(error)))) if error > 0 else 2


def sum_of(terms: ElboTerms) -> str:
    """The bound and its three parts, and what they were measured by."""
    error = "" if math.isnan(terms.stderr) else f" ± {terms.stderr:.{max(3, _decimals(terms.stderr))}f}"
    parts = f"L_T {terms.l_T:.3f} + Σ L_t {terms.terms.sum():.3f} + L_0 {terms.l_0:.3f}"
    draws = f"{terms.done} of {terms.draws} draws" if terms.done < terms.draws else f"{terms.draws} draws"
    how = f"{len(terms.sigmas)} levels, {draws}, {number(terms.calls, 0)} model calls"
    return f"{parts} = {terms.total:.3f}{error} bits/dim\n{how}"


def terms_curve(terms: ElboTerms) -> PlotCurve:
    """L_t over the σ that its step begins at, from much noise on the left to little on the right."""
    points = [(float(s), float(bits)) for s, bits in zip(terms.sigmas, terms.terms, strict=False)]
    words = [f"σ {s:.3g} to {after:.3g}: L_t {bits:.4f} bits/dim" for (s, bits), after in
             zip(points, terms.sigmas[1:], strict=True)]  # fmt: skip
    top = max(bits for _, bits in points)
    ends = f"σ {points[0][0]:.3g}", f"σ {points[-1][0]:.2g}"
    return PlotCurve(points, words, ends, ("0", f"{top:.2g}"), logarithmic=True, descending=True)


def trade_curve(terms: ElboTerms) -> PlotCurve:
    """Distortion (RMSE on 0 … 255) over rate (bits/dim): deck 3's figure."""
    points = [(float(r), float(d)) for r, d in zip(terms.rate, terms.distortion, strict=True)]
    words = [f"After {r:.2f} bits/dim: RMSE {d:.1f} of 255" for r, d in points]
    top, all_of_it = max(d for _, d in points), max(r for r, _ in points)
    return PlotCurve(points, words, ("0", f"{all_of_it:.2f}"), ("0", f"{top:.0f}"), "bits/dim", area=False)
