"""K equiprobable orthogonal atoms b e_1, ..., b e_K: every functional as one outer and one inner integral.

What belongs here: the Laplace-transform formulas, for any K up to billions, their grids and the outer sums
in balls. What does not: the inner sums (`orthogonal_inner`), the core as a target (`structured`), the
engines in machine numbers (`orthogonal_fast`) and in mpmath (`orthogonal_mpmath`).

Formulas. Let rho = sqrt(t) b, X = e^{rho N} with N ~ N(0, 1), and for lambda = e^x

    F_j(x) = E u^j e^{-u},  u = lambda X,     g = F_0,     p(x) = e^{-rho^2/2 - x} F_1(x) = E e^{-lambda Y},

Y = e^{rho^2} X (Cameron and Martin: E f(Y) = e^{-rho^2/2} E X f(X)). Given atom 1 the posterior P is
proportional to (Y_1, X_2, ..., X_K). From 1/s^n = int lambda^n e^{-lambda s} dx / Gamma(n), the X_i being
independent, and from Frullani's integral log(s/y) = int (e^{-lambda y} - e^{-lambda s}) dx,

    M = b^2 E (1 - P_1) = b^2 (K-1) E P_2 = b^2 (K-1) int p F_1 g^{K-2} dx,
    H - I = E log(1/P_1) = int p (1 - g^{K-1}) dx,
    C = b^4 (K-1) int e^{-rho^2/2 - x} [F_2^2 g^{K-2} + ((K-2)/2) F_2 F_1^2 g^{K-3}] dx.

For C: |Cov|^2 = b^4 (sum P_i^2 (1 - P_i)^2 + sum_{i != j} P_i^2 P_j^2), and E sum P_i f_i = E f_1 given
atom 1, so C/b^4 = E P_1 (1-P_1)^2 + (K-1) E P_1 P_2^2 = 2 (K-1) E P_1 P_2^2 + (K-1)(K-2) E P_1 P_2 P_3.
All integrands are positive: nothing cancels, however small the value.

Outer remainder. For |y| < pi/2, |F_j(x + iy)| <= sec(y)^j F_j(x + log cos y), and |1 - g^{K-1}| at x + iy
is at most sec(y) times itself at x + log cos y (|1 - e^{-zs}| <= |z| int_0^s e^{-r Re z} dr). Hence
int |f(x + iy)| dx <= sec(y)^n int f with n = 1 for M and H - I, n = 3 for C, and the trapezoidal rule with
spacing h errs by at most 2 sec(eta)^n int f / (e^{2 pi eta/h} - 1) for every eta < pi/2.

Outer truncation. On the left p <= 1, F_1 <= 1 - g <= lambda e^{rho^2/2} =: a, F_2 <= a/e and
lambda Y e^{-lambda Y} <= 1/e; h times the sum of e^{k x} over the nodes left of x_0 is at most e^{k x_0}/k.
So at most (K-1) a is left out for M and H - I, (K-1) (a/e^2 + (K-2) a^2/(4e)) for C, a at the first
node. On the right g decreases, F_1 <= 1/e, F_2 <= 4/e^2, lambda Y e^{-lambda Y} <= (2/e) e^{-lambda Y/2};
and p is log-concave: it is the survival function of log E - log Y with E exponential, the sum of two
variables with log-concave densities. So with r the mean ratio of consecutive values between two nodes, the
values of p beyond the second sum to at most p r/(1 - r).

Tails. P_2 <= X_2/(X_2 + Y_1) <= sqrt(X_2/Y_1)/2, log(1 + s) <= sqrt(s) and E sqrt(X_2/Y_1) = e^{-rho^2/4}:

    M <= b^2 ((K-1)/2) e^{-rho^2/4},     H - I <= (K-1) e^{-rho^2/4},     C <= (D^2/4) M = (b^2/2) M.
"""

from __future__ import annotations

import math

import flint
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls, to_ball
from numerics.cores import POWERS, Functional, log_of
from numerics.orthogonal_inner import Plan, inner_sums, terms_of_series
from numerics.quadrature import Spacing, spacing
from numerics.structured import OrthogonalCore
from numerics.truth import PrecisionError

__all__ = [
    "MOST_NODES",
    "Plan",
    "certified_value",
    "log_separated",
    "outer_remainder",
    "outer_sum",
    "plan",
]

Array = npt.NDArray[np.float64]

MOST_NODES = 2_000_000
"""The stated cost of one certified value: entries of the table of u^j e^{-u}, and terms of the sums."""


def _degree(functional: Functional) -> int:
    return 2 if functional == "covariance_moment" else 1


def _secants(functional: Functional) -> int:
    return 3 if functional == "covariance_moment" else 1


def _eta(decay: float, power: int) -> float:
    """The height near pi/2 at which the outer remainder is taken."""
    return math.pi / 2 * (1 - power / (decay + 2 * power))


def log_separated(count: int, rho: float) -> float:
    """log of (K-1) e^{-rho^2/4}, the tail bound of H - I; it bounds M and C in units of b too."""
    return math.log(count - 1) - rho * rho / 4


def plan(
    count: int,
    rho: float,
    functional: Functional,
    outer: float,
    inner: float,
    left: float,
    right: float,
    series: bool = True,
) -> Plan:
    """The grid for K atoms at rho.

    `outer` and `inner` are the decays of the remainders, `left` and `right` the logarithms of what
    the truncation may leave out at the two ends.
    """
    power = _secants(functional)
    eta = _eta(outer, power)
    widest = 2 * math.pi * eta / (outer + power * -math.log(math.cos(eta)) + 1)
    finest = rho * float(spacing(inner, 2 * rho, _degree(functional)))
    delta = _dyadic(min(finest, widest))
    stride = max(1, math.floor(widest / float(delta)))
    reach = math.ceil(math.sqrt(2 * inner) * rho / float(delta))
    terms = terms_of_series(rho, _degree(functional), inner) if series else None
    if terms is not None and terms < stride:
        delta, stride, reach = _dyadic(widest), 1, 0
    else:
        terms = 0
    step = stride * float(delta)
    start = left - math.log(count - 1) - rho * rho / 2
    stop = max(_right_end(count, rho, functional, right), start + 4 * step)
    return Plan(delta, stride, reach, math.floor(start / step), math.ceil(stop / step) + 1, terms)


def _dyadic(h: float) -> Spacing:
    mantissa, exponent = math.frexp(h)
    return Spacing(int(mantissa * 16), exponent - 4)


def _right_end(count: int, rho: float, functional: Functional, goal: float) -> float:
    """Where the bound of what is left out falls below e^goal; any choice gives an enclosure."""
    need = max(1.0, -goal) + math.log(count) + 4
    z = np.linspace(-math.sqrt(2 * need) - 1, 9.0, 600)
    gaussian = -z * z / 2
    decays, degree = functional != "mutual_information", _degree(functional)
    shift = math.log(2) if degree == 2 else 0.0

    def height(x: float) -> float:
        with np.errstate(over="ignore", under="ignore"):
            p = _log_sum(gaussian - np.exp(np.minimum(x - shift + rho * rho + rho * z, 700.0)))
            g = _log_sum(gaussian - np.exp(np.minimum(x + rho * z, 700.0))) if decays and count > 3 else 0.0
        g = min(0.0, g - _log_sum(gaussian))
        return p + (degree * math.log(count) + (count - 3) * g if decays else 0.0)

    low, high = -rho * rho - 1, rho * math.sqrt(2 * need) + math.log(need) + 2
    for _ in range(40):
        middle = (low + high) / 2
        if height(middle) > goal - 4:
            low = middle
        else:
            high = middle
        if high - low < 0.1:
            break
    return high


def _log_sum(exponents: Array) -> float:
    top = float(exponents.max())
    return top + math.log(float(np.exp(exponents - top).sum()))


# In balls


def certified_value(
    core: OrthogonalCore, functional: Functional, t: flint.arb, log_tolerance: float
) -> flint.arb:
    """An enclosure of the functional at t >= 0 whose radius is about exp(log_tolerance).

    K >= 2. Raises PrecisionError beyond `MOST_NODES`.
    """
    power, count = POWERS[functional], core.components
    log_tolerance -= power * log_of(core.radius_squared)
    bits = 64 + max(0, int(-log_tolerance / math.log(2))) + t.mid().bits()
    with balls(bits).precision():
        unit = to_ball(core.radius_squared)
        if t.upper() == 0:
            inner = _at_zero(count, functional)
        else:
            inner = _in_units(count, functional, t * unit, log_tolerance)
        return inner * unit**power


def _at_zero(count: int, functional: Functional) -> flint.arb:
    if functional == "mutual_information":
        return flint.arb(0)
    power = 1 if functional == "mmse" else 2
    return flint.arb(count - 1) / flint.arb(count) ** power


def _near_zero(count: int, functional: Functional, t: flint.arb) -> flint.arb:
    """An enclosure on [0, t] from 0 <= C <= M/2 <= V/2, M' = -C and |C'| = |E[2 tr Cov^3 - |k3|^2]| <= 2.

    tr Cov <= 1, and the third cumulant is at most D tr Cov in size, D^2 = 2.
    """
    variance = flint.arb(count - 1) / count
    if functional == "mutual_information":
        return flint.arb(0).union(t * variance / 2)
    if functional == "mmse":
        return variance.union(variance * (1 - t / 2))
    return _at_zero(count, functional) + (-2 * t).union(2 * t)


def _in_units(count: int, functional: Functional, t: flint.arb, log_tolerance: float) -> flint.arb:
    """The functional for b = 1."""
    if not t > 0:
        return _near_zero(count, functional, t.upper())
    rho = math.sqrt(float(t.mid()))
    if log_separated(count, rho) < log_tolerance - 1:
        rest = _a_priori(count, t, functional).union(flint.arb(0))
        with balls(64 + max(0, int(-log_tolerance / math.log(2)))).precision():
            return flint.arb(count).log() - rest if functional == "mutual_information" else rest
    size = math.log(math.log(count) + 1)
    outer = max(min(size, log_separated(count, rho)) - log_tolerance, 1.0) + 3
    inner = (
        max(-log_tolerance, 1.0)
        + math.log(count)
        + math.log(50 + outer + rho * rho)
        + 3
        + 3 * _degree(functional)
    )
    left = min(log_tolerance, 0.0) - 3
    grid = plan(count, rho, functional, outer, inner, left, left)
    terms = grid.entries + 2 * grid.reach
    if not terms <= MOST_NODES:
        raise PrecisionError(
            f"{functional}: at snr x radius^2 = {float(t.mid()):.6g} this precision takes {terms:.3g} nodes"
            f" (limit {MOST_NODES})"
        )
    size = (inner + math.log(count)) / math.log(2) + 2 * math.log2(terms) + 32
    bits = 32 * (int(size + math.log2(2 + rho * rho + inner)) // 32 + 1)
    with balls(bits).precision():
        total = outer_sum(count, functional, t, grid, bits)
        with balls(64).precision():
            error = outer_remainder(count, t, functional, grid.stride * grid.delta.ball(), outer).upper()
        total += (-error).union(error)
        return flint.arb(count).log() - total if functional == "mutual_information" else total


def _a_priori(count: int, t: flint.arb, functional: Functional) -> flint.arb:
    """An upper bound of M, H - I or C for b = 1: the tail bound, or the value at t = 0."""
    separated = (count - 1) * (-t / 4).exp()
    if functional == "mutual_information":
        return separated.min(flint.arb(count).log())
    mmse = (separated / 2).min(flint.arb(1))
    return mmse if functional == "mmse" else mmse / 2


def outer_remainder(
    count: int, t: flint.arb, functional: Functional, h: flint.arb, decay: float
) -> flint.arb:
    """An upper bound of |outer trapezoidal sum - integral| at spacing h; `decay` only picks the height."""
    power = _secants(functional)
    eta = flint.arb(_eta(decay, power))
    growth = 2 / (eta.cos() ** power * (2 * flint.arb.pi() * eta / h).expm1())
    return _a_priori(count, t, functional) * growth


def outer_sum(count: int, functional: Functional, t: flint.arb, grid: Plan, bits: int) -> flint.arb:
    """The outer sum with what its truncation leaves out, for b = 1."""
    rho, step = t.sqrt(), grid.stride * grid.delta.ball()
    degree = _degree(functional)
    moments = inner_sums(rho, degree, grid, bits)
    g, f1 = moments[0], moments[1]
    scale = (-t / 2).exp()
    tilt = [scale * (-(step * k)).exp() for k in range(grid.first, grid.last + 1)]
    total = flint.arb(0)
    if functional == "mutual_information":
        for a, b, e in zip(g, f1, tilt, strict=True):
            total += e * b * (1 - _power(a, count - 1))
    elif functional == "mmse":
        for a, b, e in zip(g, f1, tilt, strict=True):
            total += e * b * b * _power(a, count - 2)
        total *= count - 1
    else:
        pairs = flint.arb(count - 2) / 2
        for a, b, c, e in zip(g, f1, moments[2], tilt, strict=True):
            if count == 2:
                total += e * c * c
            else:
                total += e * c * (c * a + pairs * b * b) * _power(a, count - 3)
        total *= count - 1
    return total * step + _left_out(count, functional, t, step, grid, g, f1, tilt)


def _left_out(
    count: int,
    functional: Functional,
    t: flint.arb,
    step: flint.arb,
    grid: Plan,
    g: list[flint.arb],
    f1: list[flint.arb],
    tilt: list[flint.arb],
) -> flint.arb:
    """A ball that contains what the nodes beyond both ends add; the sums are of positive terms."""
    low, e = (step * grid.first + t / 2).exp(), flint.arb(1).exp()
    shift = 0
    if functional == "covariance_moment":
        left = (count - 1) * (low / (e * e) + (count - 2) * low * low / (4 * e))
        shift = math.ceil(math.log(2) / float(step.lower())) + 1
    else:
        left = (count - 1) * low
    at = len(g) - 1 - shift
    start = next((i for i in range(at) if f1[i].rel_accuracy_bits() > 1), None)
    if start is None:
        return flint.arb(0).union(flint.arb.pos_inf())
    p = (tilt[at] * f1[at]).upper()
    ratio = ((p / (tilt[start] * f1[start]).lower()).log() / (at - start)).exp()
    if not (ratio < 1 and p > 0):
        return flint.arb(0).union(flint.arb.pos_inf())
    right = step * p * ratio / (1 - ratio)
    if functional == "mmse":
        right *= (count - 1) / e * _power(g[-1], count - 2)
    elif functional == "covariance_moment":
        weight = 4 / (e * e) * _power(g[-1], count - 2)
        if count > 2:
            weight += flint.arb(count - 2) / 2 / (e * e) * _power(g[-1], count - 3)
        right *= 2 * (count - 1) / e * weight
    return flint.arb(0).union((left + right).upper())


def _power(x: flint.arb, n: int) -> flint.arb:
    """x^n for the part of the ball x in [0, inf)."""
    if n == 0:
        return flint.arb(1)
    if x > 0:
        return (x.log() * n).exp()
    return flint.arb(0).union((x.abs_upper().log() * n).exp())
