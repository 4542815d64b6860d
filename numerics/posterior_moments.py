"""Means of products of posterior cumulants, E[k_a k_b ...], of a law on a line, in the three engines.

What belongs here: the sums over nodes and their remainder. What does not: identities between these means
and derivatives of the mmse (`theory`), the enclosure of M'' for whole intervals of snr (`curvature`).

The law is that of the core's coordinates, D = 1, with p_i(z) = w_i phi(z - s b_i), s = sqrt(t), and p
their sum. With the atoms measured from the middle of the hull, |b_i| <= 1/2, the cumulant k_n is a sum
over the partitions of n things, of (-1)^(m-1) (m-1)! times a product of m posterior moments whose orders
add to n: a posterior mean over m <= n draws of something of size 2^-n at most. So k_n is a mean over at
most n draws, and with c_n = sum over m of S(n, m) (m-1)! (S: Stirling's numbers of the second kind) of a
function of size c_n 2^-n at most. A product of cumulants of orders that add to N is a mean over J <= N
draws of a function of size F = product of the c_n 2^-n. By the bounds of `quadrature`, |p_i(x + iy)| =
e^{y^2/2} p_i(x) and |p(x + iy)| >= e^{y^2/2} cos(theta) p(x): as one p is not divided by, at x + iy

    |p k_a k_b ...| <= F e^{y^2/2} sec(theta)^(N-1) p(x),        theta = s |y| / 2,

which is the strip bound with amplitude F and power N - 1. Nodes at distance z >= Z from the hull of the
s b_i have |p k_a k_b ...| <= F phi(z), and the nodes beyond Z on one side sum to at most
F (h phi(Z) + int_Z^inf phi).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint
import mpmath
import numpy as np

from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers, to_ball
from numerics.channel import choose_engine, radius_reached, snr
from numerics.cores import PointCore, log_of
from numerics.exact import integer, shown
from numerics.line import core_law
from numerics.quadrature import Spacing, Strip, gaussian_tail, remainder, spacing
from numerics.targets import Target
from numerics.truth import PrecisionError, Truth

__all__ = ["MOST_ORDER", "cumulant_moment"]

MOST_ORDER = 8
"""The largest order of a single cumulant."""

MOST_NODES = 200_000
"""The stated cost of one value: nodes times atoms."""

METHODS = {
    "fast": "trapezoidal rule, machine numbers",
    "certified": "trapezoidal rule with proven remainder, balls",
    "mpmath": "fixed-step rule verified by halving, mpmath",
}

_LOG10 = math.log(10)


@lru_cache(maxsize=MOST_ORDER)
def _size(order: int) -> Fraction:
    """c_n 2^-n: how large the function is whose mean over draws k_n is."""
    stirling = [Fraction(1)] + [Fraction(0)] * order
    for n in range(1, order + 1):
        stirling = [Fraction(0)] + [m * stirling[m] + stirling[m - 1] for m in range(1, n + 1)]
        stirling += [Fraction(0)] * (order + 1 - len(stirling))
    total = sum((stirling[m] * math.factorial(m - 1) for m in range(1, order + 1)), Fraction(0))
    return Fraction(total, 2**order)


def _bound(orders: Sequence[int]) -> Fraction:
    product = Fraction(1)
    for order in orders:
        product *= _size(order)
    return product


def _orders(orders: Any) -> tuple[int, ...]:
    if isinstance(orders, str) or not isinstance(orders, Sequence) or not orders:
        raise ValueError(f"orders: {shown(orders)} is not a list of orders of cumulants, such as (2, 3, 3)")
    checked = tuple(integer(n, f"orders[{i}]", 2, MOST_ORDER) for i, n in enumerate(orders))
    if sum(checked) > 3 * MOST_ORDER:
        raise ValueError(f"orders: they add up to {sum(checked)}, more than {3 * MOST_ORDER}")
    return checked


def cumulant_moment(
    target: Target, t: Any, orders: Any, digits: int | None = None, engine: str | None = None
) -> Truth:
    """E[k_a k_b ...] at signal-to-noise ratio t, k_n the posterior's cumulants, as an enclosure.

    `orders` lists a, b, ... from 2 to 8: (2, 2) gives E k2^2 = C(t), (2, 3, 3) gives E[k2 k3^2]. In units
    of the means to the power a + b + ... `digits=n`: a ball of radius at most
    10^-n max(|value|, 10^-n D^(a+b+...)). Raises ValueError, SpanError unless the means span a line, and
    PrecisionError beyond 200,000 nodes times atoms.
    """
    powers = _orders(orders)
    chosen, digits = choose_engine(digits, engine)
    if not isinstance(target, Target):
        raise ValueError(f"target: {shown(target)} is not a target")
    core, name = target.core, f"cumulants_{'_'.join(map(str, powers))}"
    law = core_law(core)

    def truth(value: Any, error: float = 0.0) -> Truth:
        return Truth(name, value, error, chosen, digits, METHODS[chosen], target.notes)

    if law is None:
        zero = {"fast": 0.0, "certified": flint.arb(0), "mpmath": mpmath.mpf(0)}
        snr(t, chosen, 64)
        return truth(zero[chosen])
    assert isinstance(core, PointCore)
    middle = (law.atoms[0] + law.atoms[-1]) / 2
    scale = 1 / law.span
    data = _Line(tuple((b - middle) * scale for b in law.atoms), law.weights, core.diameter_squared, powers)
    if chosen == "fast" or digits is None:
        return truth(*data.fast(snr(t, "fast", 53)))
    if chosen == "mpmath":
        return truth(*data.independent(snr(t, "mpmath", 2 * digits + 15), digits))
    ratio = snr(t, "certified", bits_for(2 * digits) + 160)
    log_unit = sum(powers) / 2 * log_of(core.diameter_squared)
    for decay in (digits + 8, 2 * digits + 8):
        ball = data.certified(ratio, decay * _LOG10)
        if radius_reached(ball, digits, log_unit):
            return truth(ball)
    raise PrecisionError(
        f"{name}: {digits} digits promised, but the radius reached is {ball.rad().str(3, radius=False)}"
    )


class _Line:
    """A law on [-1/2, 1/2] that touches both ends, the square of the true length, and the cumulants."""

    def __init__(
        self,
        atoms: tuple[Fraction, ...],
        weights: tuple[Fraction, ...],
        length_squared: Fraction,
        orders: tuple[int, ...],
    ) -> None:
        self.atoms, self.weights, self.orders = atoms, weights, orders
        self.length_squared = length_squared
        self.degree = sum(orders)

    def _unit(self, ops: Arithmetic) -> Any:
        """D to the power of the degree."""
        unit = ops.number(self.length_squared) ** (self.degree // 2)
        return unit * ops.sqrt(ops.number(self.length_squared)) if self.degree % 2 else unit

    def _at(self, share: Sequence[Any], atoms: Sequence[Any]) -> Any:
        """The product of the cumulants of a posterior with these (not normalised) probabilities."""
        total = sum(share[1:], share[0])
        mean = sum((p * a for p, a in zip(share[1:], atoms[1:], strict=True)), share[0] * atoms[0]) / total
        moments: list[Any] = [1, 0 * mean]
        powers = list(share)
        offsets = [a - mean for a in atoms]
        for order in range(1, max(self.orders) + 1):
            powers = [p * x for p, x in zip(powers, offsets, strict=True)]
            if order > 1:
                moments.append(sum(powers[1:], powers[0]) / total)
        product = total
        cumulants = _cumulants(moments)
        for order in self.orders:
            product = product * cumulants[order]
        return product

    def _at_zero(self, ops: Arithmetic) -> Any:
        return self._at(
            [ops.number(w) for w in self.weights], [ops.number(a) for a in self.atoms]
        ) * self._unit(ops)

    def certified(self, t: flint.arb, decay: float) -> flint.arb:
        """An enclosure of the mean with a radius of about F exp(-decay)."""
        bits = 96 + int(2 * decay / math.log(2))
        ops = balls(bits)
        with ops.precision():
            if t.is_zero():
                at_zero: flint.arb = self._at_zero(ops)
                return at_zero
            s = (t * to_ball(self.length_squared)).sqrt()
            spread = float(s.upper())
            h = spacing(decay, spread, self.degree - 1)
            reach = math.sqrt(2 * decay + 4)
            last = math.ceil((spread / 2 + reach) / float(h))
            first = -last
            if (last - first + 1) * len(self.atoms) > MOST_NODES:
                raise PrecisionError(
                    f"cumulants: at snr {float(t.mid()):.6g} it takes more than {MOST_NODES} exponentials"
                )
            total = self._sum(s, h, first, last)
            outer = to_ball(h.value) * last - s / 2
            tail = gaussian_tail(outer) + h.ball() * (-(outer * outer) / 2).exp()
            size = to_ball(_bound(self.orders))
            error = remainder(h.ball(), Strip(size, s.upper(), self.degree - 1)) + 2 * size * tail
            if not outer > 0 or not error.is_finite():
                return flint.arb(0, flint.arb.pos_inf())
            ball: flint.arb = (total + flint.arb(0, error.upper())) * self._unit(ops)
            return ball

    def _sum(self, s: flint.arb, h: Spacing, first: int, last: int) -> flint.arb:
        atoms = [to_ball(a) for a in self.atoms]
        weights = [to_ball(w) for w in self.weights]
        total = flint.arb(0)
        for k in range(first, last + 1):
            z = h.ball() * k
            share = [
                w * (-((z - s * a) * (z - s * a)) / 2).exp() for w, a in zip(weights, atoms, strict=True)
            ]
            total += self._at(share, atoms)
        return total * h.ball() / (2 * flint.arb.pi()).sqrt()

    def fast(self, t: float) -> tuple[float, float]:
        """The mean as a float, and an estimate of its error."""
        unit = float(self.length_squared) ** (self.degree / 2)
        atoms = np.array([float(a) for a in self.atoms])
        logs = np.array([log_of(w) for w in self.weights])
        s = math.sqrt(t * float(self.length_squared))
        h = float(spacing(36.0, s, self.degree - 1))
        count = int((s / 2 + 9) / h) + 1
        if count * len(atoms) > 10 * MOST_NODES:
            raise PrecisionError(
                f"cumulants: at snr {t:.6g} it takes more than {10 * MOST_NODES} exponentials"
            )
        z = np.arange(-count, count + 1)[:, None] * h
        exponents = logs - (z - s * atoms) ** 2 / 2
        top = exponents.max(axis=1, keepdims=True)
        share = np.exp(exponents - top)
        values = self._at(list(share.T), [np.float64(a) for a in atoms]) * np.exp(top[:, 0])
        total = float(values.sum()) * h / math.sqrt(2 * math.pi)
        size = float(np.abs(values).sum()) * h / math.sqrt(2 * math.pi)
        return total * unit, (1e-13 * size + 1e-14 * float(_bound(self.orders))) * unit

    def independent(self, t: Any, digits: int) -> tuple[Any, float]:
        """The mean in mpmath by a rule whose step is halved until two sums agree, and their difference."""
        ops = mpmath_numbers(2 * digits + 15)
        with ops.precision():
            if t == 0:
                return self._at_zero(ops), 0.0
            s = mpmath.sqrt(t * ops.number(self.length_squared))
            atoms = [ops.number(a) for a in self.atoms]
            weights = [ops.number(w) for w in self.weights]
            reach = s / 2 + mpmath.sqrt(2 * mpmath.log(10) * (2 * digits + 5)) + 1
            unit = self._unit(ops)
            small = mpmath.mpf(10) ** (-2 * digits) / 4

            def row(offset: Any, step: Any) -> Any:
                count = int(mpmath.ceil(reach / step))
                terms = []
                for k in range(-count, count + 1):
                    z = offset + k * step
                    terms.append(
                        self._at(
                            [w * mpmath.npdf(z, s * a) for w, a in zip(weights, atoms, strict=True)], atoms
                        )
                    )
                return step * mpmath.fsum(terms)

            step = 1 / (1 + s)
            total = row(mpmath.mpf(0), step)
            while 2 * reach / step * len(atoms) <= MOST_NODES:
                previous, total = total, (total + row(step / 2, step)) / 2
                step /= 2
                change = abs(total - previous)
                if change <= max(small, abs(total) * mpmath.mpf(10) ** (-digits - 1)):
                    return total * unit, float(change * unit)
            raise PrecisionError(f"cumulants: the mpmath engine takes more than {MOST_NODES} exponentials")


def _cumulants(moments: Sequence[Any]) -> list[Any]:
    """Cumulants k_0 (unused), k_1 = 0, k_2, ... from central moments, by the usual recursion."""
    found: list[Any] = [0, 0 * moments[1]]
    for n in range(2, len(moments)):
        value = moments[n]
        for m in range(2, n - 1):
            value = value - math.comb(n - 1, m - 1) * found[m] * moments[n - m]
        found.append(value)
    return found
