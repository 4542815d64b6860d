"""The Wasserstein distance that stopping early costs: W_2 between a core and its noised version.

What belongs here: W_2(law of A, law of Y_t/t)^2 in the three engines. What does not: the law of a
sampler's output (`output_law`).

Y_t/t = A + N/sqrt(t). Orthogonal to the span of the atoms A is constant, so that the squared distance is
that of the laws on the span plus (d - r)/t; for independent coordinates it is the sum over them. On the
line, in units of 1/sqrt(t), with atoms b_1 < ... < b_K, cumulated weights c_i and the mixture G of the
N(b_j, 1), the monotone coupling is optimal and sends the part of G between its quantiles q_(i-1) and q_i
of c_(i-1) and c_i to b_i, at the cost

    sum_j w_j [F_(b_j - b_i)(q_i - b_j) - F_(b_j - b_i)(q_(i-1) - b_j)],
    F_b(z) = int_(-inf)^z (x + b)^2 phi(x) dx = (1 + b^2) Phi(z) - (z + 2 b) phi(z).

F_b increases. A quantile is enclosed between two points at which the sign of G - c is certain; the values
of F_b at both ends enclose the cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import flint
import mpmath

from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers
from numerics.channel import choose_engine, snr
from numerics.cores import Core, PointCore
from numerics.exact import shown
from numerics.structured import ProductCore
from numerics.targets import Target
from numerics.truth import PrecisionError, SpanError, Truth

__all__ = ["early_stopping_truth"]

METHOD = "quantile coupling"


def early_stopping_truth(
    target: Target, t: Any, digits: int | None = None, engine: str | None = None
) -> Truth:
    """W_2(law of A, law of Y_t/t)^2 of the target's core at snr t > 0, in squared units of the means.

    `digits=None`: float; `digits=n`: flint.arb of radius at most 10^-n d/t; `engine="mpmath"`: mpf. Raises
    ValueError for bad arguments, SpanError for a core that is neither on a line nor a product of such,
    PrecisionError where the radius is out of reach. Source: mathematics.md, section 3.
    """
    chosen, digits = choose_engine(digits, engine)
    if not isinstance(target, Target):
        raise ValueError(f"target: {shown(target)} is not a target")
    factor, copies = _on_a_line(target.core)
    rest = target.dimension - copies * factor.rank

    def truth(value: Any, error: float = 0.0) -> Truth:
        return Truth("early_stopping", value, error, chosen, digits, METHOD, target.notes)

    if digits is None:
        at = snr(t, "fast", 53)
        _positive(at, t)
        value = (rest + copies * _float_cost(factor, at)) / at
        wide = 1 + at * float(factor.diameter_squared)
        return truth(value, 1e-13 * wide * target.dimension / at)
    if chosen == "mpmath":
        ratio = snr(t, "mpmath", 2 * digits + 15)
        _positive(ratio, t)
        with mpmath_numbers(2 * digits + 15).precision():
            value = (rest + copies * _mpmath_cost(factor, ratio, digits)) / ratio
            return truth(value, float(mpmath.mpf(10) ** (-digits) * target.dimension / ratio))
    wanted = bits_for(digits) + copies.bit_length() + 32
    for bits in (wanted, 2 * wanted, 4 * wanted):
        ops = balls(bits + _tiny(factor))
        ratio = snr(t, "certified", bits + 64)
        _positive(ratio, t)
        with ops.precision():
            value = (rest + copies * _certified_cost(factor, ratio, ops)) / ratio
            if value.rad() * ratio <= target.dimension * flint.arb(10) ** (-digits):
                return truth(value)
    raise PrecisionError(f"early_stopping: {digits} digits promised, the radius reached is {value.rad()}")


def _positive(at: Any, t: Any) -> None:
    if not at > 0:
        raise ValueError(f"t: {shown(t)} is not positive")


def _on_a_line(core: Core) -> tuple[PointCore, int]:
    """The core on the line whose independent copies the core is, and how many."""
    factor, copies = (core.factor, core.copies) if isinstance(core, ProductCore) else (core, 1)
    if not isinstance(factor, PointCore) or factor.rank > 1:
        raise SpanError(
            f"means: they span {core.rank} dimensions; the Wasserstein distance of early stopping is "
            "available for means on a line and products of such"
        )
    return factor, copies


def _tiny(core: PointCore) -> int:
    """Bits by which the least weight is below one."""
    least = min(core.weights)
    return max(0, least.denominator.bit_length() - least.numerator.bit_length())


def _cumulated(core: PointCore) -> list[Fraction]:
    """c_1 ... c_(K-1)."""
    sums, total = [], Fraction(0)
    for weight in core.weights[:-1]:
        total += weight
        sums.append(total)
    return sums


def _atoms(core: PointCore, t: Any, ops: Arithmetic) -> list[Any]:
    """The atoms in units of 1/sqrt(t), from the first one."""
    root = ops.sqrt(t * ops.number(core.diameter_squared))
    return [root * ops.number(x) for (x,) in core.coordinates]


# Balls


def _certified_cost(core: PointCore, t: flint.arb, ops: Arithmetic) -> flint.arb:
    """The squared distance on the line times t; 0 for a single atom."""
    if not core.rank:
        return flint.arb(0)
    atoms, weights = _atoms(core, t, ops), [ops.number(w) for w in core.weights]
    total = flint.arb(0)
    for i, level in enumerate(_cumulated(core)):
        low, high = _quantile(level, core.weights, weights, atoms)
        for before, weight in ((i, 1), (i + 1, -1)):
            for w, b in zip(weights, atoms, strict=True):
                ends = [_second(x - b, b - atoms[before]) for x in (low, high)]
                total += weight * w * ends[0].union(ends[1])
    last = atoms[-1]
    for w, b in zip(weights, atoms, strict=True):
        total += w * (1 + (b - last) * (b - last))
    return total


def _second(z: flint.arb, b: flint.arb) -> flint.arb:
    """F_b(z)."""
    return (1 + b * b) * _normal_cdf(z) - (z + 2 * b) * _normal_density(z)


def _normal_cdf(z: flint.arb) -> flint.arb:
    return (-z / flint.arb(2).sqrt()).erfc() / 2


def _normal_density(z: flint.arb) -> flint.arb:
    return (-(z * z) / 2).exp() / (2 * flint.arb.pi()).sqrt()


def _quantile(
    level: Fraction, shares: Sequence[Fraction], weights: Sequence[flint.arb], atoms: Sequence[flint.arb]
) -> tuple[flint.arb, flint.arb]:
    """Two exact points with G < c at the first and G > c at the second, close to each other.

    The excess of G over c is that of the components above c over those below: sums of small numbers.
    """
    lower, total = [], Fraction(0)
    for share in shares:
        total += share
        lower.append(total <= level)

    def excess(x: flint.arb) -> flint.arb:
        value = flint.arb(0)
        for w, b, below in zip(weights, atoms, lower, strict=True):
            value += -w * _normal_cdf(b - x) if below else w * _normal_cdf(x - b)
        return value

    def density(x: flint.arb) -> flint.arb:
        return sum((w * _normal_density(x - b) for w, b in zip(weights, atoms, strict=True)), flint.arb(0))

    least = min(weight.lower() for weight in weights)
    reach = flint.arb(2) + (2 * (4 - least.log())).sqrt()
    low, high = _exactly(atoms[0] - reach), _exactly(atoms[-1] + reach)
    if not (excess(low) < 0 and excess(high) > 0):
        raise PrecisionError("early_stopping: a quantile is not bracketed")
    low, high = _halved(excess, low, high, _ROUGHLY)
    near = _newton(excess, density, low, high)
    return _halved(excess, low, high, flint.ctx.prec + 64) if near is None else near


_ROUGHLY = 24
_NEWTON_STEPS = 12


def _newton(
    excess: Callable[[flint.arb], flint.arb],
    density: Callable[[flint.arb], flint.arb],
    low: flint.arb,
    high: flint.arb,
) -> tuple[flint.arb, flint.arb] | None:
    """Ends about a root found by Newton's rule, at which the signs are certain; None without success."""
    x, least = _exactly((low + high) / 2), (high - low).abs_upper() * flint.arb(2) ** (20 - flint.ctx.prec)
    for _ in range(_NEWTON_STEPS):
        change = excess(x) / density(x)
        if not change.is_finite():
            return None
        moved = _exactly(x - change)
        if not low < moved < high:
            return None
        x, size = moved, abs(change).upper()
        if size < least:
            break
    margin = least
    for _ in range(10):
        ends = _exactly(x - margin), _exactly(x + margin)
        if excess(ends[0]) < 0 and excess(ends[1]) > 0:
            return ends
        margin = margin * 1024
        if not margin < high - low:
            break
    return None


def _halved(
    excess: Callable[[flint.arb], flint.arb], low: flint.arb, high: flint.arb, times: int
) -> tuple[flint.arb, flint.arb]:
    """Ends of certain signs after so many halvings; where the sign is uncertain, close to that range."""
    inner_low: flint.arb | None = None
    inner_high: flint.arb | None = None
    for _ in range(times):
        if inner_low is None or inner_high is None:
            middle = _exactly((low + high) / 2)
            value = excess(middle)
            if value < 0:
                low = middle
            elif value > 0:
                high = middle
            else:
                inner_low = inner_high = middle
            continue
        half = _exactly((low + inner_low) / 2)
        low, inner_low = (half, inner_low) if excess(half) < 0 else (low, half)
        half = _exactly((high + inner_high) / 2)
        high, inner_high = (half, inner_high) if excess(half) > 0 else (high, half)
    return low, high


def _exactly(ball: flint.arb) -> flint.arb:
    """The midpoint, as a ball of radius zero."""
    return flint.arb(ball.mid())


# Floats and mpmath


def _float_cost(core: PointCore, t: float) -> float:
    if not core.rank:
        return 0.0
    root = math.sqrt(t * float(core.diameter_squared))
    atoms = [root * float(x) for (x,) in core.coordinates]
    weights = [float(w) for w in core.weights]

    def cdf(z: float) -> float:
        return math.erfc(-z / math.sqrt(2)) / 2

    def second(z: float, b: float) -> float:
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return (1 + b * b) * cdf(z) - (z + 2 * b) * density

    return float(_cost(core, atoms, weights, cdf, second, 80, 40.0))


def _mpmath_cost(core: PointCore, t: Any, digits: int) -> Any:
    if not core.rank:
        return mpmath.mpf(0)
    root = mpmath.sqrt(t * mpmath.mpf(core.diameter_squared.numerator) / core.diameter_squared.denominator)
    atoms = [root * x.numerator / x.denominator for (x,) in core.coordinates]
    weights = [mpmath.mpf(w.numerator) / w.denominator for w in core.weights]

    def second(z: Any, b: Any) -> Any:
        return (1 + b * b) * mpmath.ncdf(z) - (z + 2 * b) * mpmath.npdf(z)

    reach = mpmath.sqrt(2 * mpmath.log(10) * (2 * digits + 15)) + 4
    return _cost(core, atoms, weights, mpmath.ncdf, second, mpmath.mp.prec + 20, reach)


def _cost(
    core: PointCore,
    atoms: list[Any],
    weights: list[Any],
    cdf: Callable[[Any], Any],
    second: Callable[[Any, Any], Any],
    halvings: int,
    reach: Any,
) -> Any:
    """The same sum with quantiles by bisection."""
    total = sum(w * (1 + (b - atoms[-1]) ** 2) for w, b in zip(weights, atoms, strict=True))
    summed = Fraction(0)
    for i, share in enumerate(core.weights[:-1]):
        summed += share
        low, high = atoms[0] - reach, atoms[-1] + reach
        for _ in range(halvings):
            middle = (low + high) / 2
            excess = 0
            for j, (w, b) in enumerate(zip(weights, atoms, strict=True)):
                excess += -w * cdf(b - middle) if j <= i else w * cdf(middle - b)
            low, high = (middle, high) if excess < 0 else (low, middle)
        for w, b in zip(weights, atoms, strict=True):
            total += w * (second(low - b, b - atoms[i]) - second(low - b, b - atoms[i + 1]))
    return total
