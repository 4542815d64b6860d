"""The strip bound for components of different variances on a line, with proof.

What belongs here: the theorem, its bounds as balls, what a plan consists of. What does not: the choice of
a plan in machine numbers, which cannot make an enclosure wrong (`components_plan`), and the sums
(`components_line`).

**Setting.** R = sqrt(t) X + N, s = sqrt(t), R | Z=i ~ N(c_i, tau_i^2), c_i = s mu_i, tau_i^2 = 1 + t v_i,
p_i = w_i times that density, a_i = 1/tau_i^2, m_i(z) = E[X | R=z, Z=i] = mu_i + beta_i (z - c_i), beta_i
= (1 - a_i)/s. For a set S of K components with sums p_S the integrands are

    f_L = sum_{i<j} p_i p_j (m_i - m_j)^2 / p_S     and     f_I = sum_i p_i log(p_i / p_S),

so that over all components L(t) = int f_L and I(Z;Y_t) = H(Z) + int f_I.

**Lemma.** Let l = log(p_i/p_j). It is a quadratic with l'' = C = a_j - a_i, and l'^2 = Q + 2 C l with the
constant Q = a_i a_j (c_i - c_j)^2 - 2 C log(w_i tau_j / (w_j tau_i)). At z = x + iy the quotient p_i/p_j
has modulus e^m, m = l(x) - C y^2/2, and phase y l'(x). So where |m| <= Lambda and |y| <= eta the phase is
at most eta sqrt(Q + 2 |C| Lambda + C^2 eta^2), and such points exist only where the radicand is >= 0.

**Theorem.** Let 2 theta be the largest over the pairs in S of eta sqrt(max(0, Q + 2 |C| Lambda + C^2
eta^2)), epsilon = (K - 1) e^-Lambda, and let c = (cos theta - epsilon)/(1 + epsilon) be positive, theta <
pi/2. Then |p_S(z)| >= c P, P = sum |p_i(z)|, in |y| <= eta; f_L and f_I are analytic there; and with E =
sum w_i e^{eta^2 a_i/2} int |f(x + iy)| dx is at most

    B_L = (1/c) min( sum w_i e^{eta^2 a_i/2} [mu_i^2 + beta_i^2 (tau_i^2 + eta^2)],
                     sum w_i e^{eta^2 a_i/2} (a_i + eta^2 a_i^2)/t ),
    B_I = E [ log K + log(1/c) + pi/2 + theta + 2 theta_all + K eta sqrt(max |C|) ].

Pairs that are certainly never live together (below, and `components_shield`) may be left out of theta,
not of theta_all.

*Proof.* Call a component live at z if |p_i| >= e^-Lambda max_j |p_j|. For two live ones |m| <= Lambda, so
the phases of the live ones (continued from 0 on the real line) lie in an arc of length 2 theta < pi about
some phi; the others sum to at most epsilon max |p_j| <= epsilon P_live. So Re(e^{-i phi} p_S) >= (cos
theta - epsilon) P_live >= c P. For f_L: sum_{i<j} |p_i||p_j||m_i - m_j|^2/P <= sum |p_i| |m_i - q|^2 for
every function q; take q = 0 (means are measured from EX) or q = z/s, m_i - z/s = -a_i (z - c_i)/s, and
integrate, |p_i(z)| = p_i(x) e^{y^2 a_i/2}. For f_I: log p_S is continued with an argument within pi/2 of
phi. That is continuous: where the live set changes, both sets serve, they share a component of largest
modulus, and their phi differ by at most theta, so the two arguments, within pi/2 of each, cannot differ
by a full turn. Then |Re log(p_i/p_S)| <= log(P/|p_i|) + log(1/c), whose sum weighted with |p_i| is at
most P (log K + log(1/c)), and with * a component of largest modulus |Im log(p_i/p_S)| <= pi/2 + theta +
eta |l'_{i*}|, |l'_{i*}| <= 2 theta_all/eta + sqrt(2 |C| |m_{i*}|); as |p_i| = e^{-|m|} |p_*| and sqrt(2u)
e^{-u} < 1, the last root adds at most K eta sqrt(max |C|) P. QED.

With one variance C = 0 and Q = (c_i - c_j)^2: the strip of `quadrature`. By Poisson summation the rule
with spacing h errs by at most 2 B/(e^{2 pi eta/h} - 1), for every such eta and Lambda.

**Clusters.** If the components are divided into clusters, the integrals over all and the sum of those
over the clusters differ by at most (1/2) sum int sqrt(p_i p_j) (m_i - m_j)^2 (L is larger) and 2 sum int
sqrt(p_i p_j) (int f_I is smaller), the sums over pairs in different clusters. For L: the variance of the
posterior splits into those within clusters and sum p_c p_c' (m_c - m_c')^2/p; compare pairwise, and p >=
2 sqrt(p_i p_j). For f_I: the difference is p times the entropy of the cluster, at most its Renyi-1/2
entropy 2 log sum sqrt(p_c/p) <= 2 sum_{c<c'} sqrt(p_c p_c')/p. Both are Gaussian integrals: sqrt(p_i p_j)
has mass sqrt(w_i w_j) sqrt(2 tau_i tau_j/(tau_i^2 + tau_j^2)) e^{-D^2/4(tau_i^2 + tau_j^2)}, D = c_i -
c_j, and variance 2/(a_i + a_j), and m_i - m_j is affine with slope (a_j - a_i)/s and the value (mu_i -
mu_j) 2 a_i a_j/(a_i + a_j) at its centre.

**Levels.** A narrow component needs a fine grid only where it lives. Sort by width, S_1 < S_2 < ... with
the widest first, and write int f_S = int f_{S_1} + sum int (f_{S_n} - f_{S_{n-1}}). Each difference is
analytic with the sum of the two bounds, and with N = S_n - S_{n-1} it is bounded by terms that live where
N does:

    0 <= f_L difference <= sum_{i in N} sum_{j in S_n} p_i (m_i - m_j)^2   (split into groups),
    |f_I difference| <= sum_{i in N} p_i (1 + k_i + u_i^2/2),
    u_i = (z - c_i)/tau_i,  k_i = log(tau_i sum_{j in S_n} (w_j/tau_j)/w_i)

(the difference is -sum_N p_i log(p_S/p_i) - p' log(1 + p_N/p'), and p_S <= sum w_j/(tau_j sqrt(2 pi))).
So nodes with |u_i| > rho_i for every i in N are left out at the cost of int_{rho - h/tau}^inf of
decreasing functions (A + B u^2) phi(u).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import flint

from numerics.arithmetic import to_ball
from numerics.components_latent import LatentLaw
from numerics.components_shield import Shield, certainly_hidden
from numerics.quadrature import Spacing, gaussian_tail

__all__ = [
    "Arc",
    "BallLaw",
    "Kind",
    "Piece",
    "Plan",
    "Strip",
    "ball_law",
    "between_clusters",
    "left_out",
    "live_arc",
    "strip_bound",
    "strip_remainder",
]

Kind: TypeAlias = Literal["mmse", "mutual_information"]


@dataclass(frozen=True)
class Strip:
    """The half-width eta of a strip and the Lambda that goes with it."""

    eta: float
    margin: float
    shields: tuple[Shield, ...] = ()
    """Pairs left out of theta, each with what hides it (`components_shield`)."""


@dataclass(frozen=True)
class Piece:
    """One difference int (f_S - f_S'): S = outer + inner, S' = outer, the windows those of `inner`.

    `outer_strip` is None where the integrand of `outer` vanishes (at most one component).
    """

    outer: tuple[int, ...]
    inner: tuple[int, ...]
    h: Spacing
    strip: Strip
    outer_strip: Strip | None
    reach: tuple[float, ...]
    """rho_i of the inner components."""
    nodes: float
    """About how many nodes times components the piece takes."""


@dataclass(frozen=True)
class Plan:
    """The clusters of the components and the pieces that their integrals are made of."""

    clusters: tuple[tuple[int, ...], ...]
    pieces: tuple[Piece, ...]

    @property
    def nodes(self) -> float:
        """About how many exponentials the plan takes."""
        return sum(piece.nodes for piece in self.pieces)


@dataclass(frozen=True)
class BallLaw:
    """The law of (Z, R) at one snr in balls, at the working precision at which it was made."""

    t: flint.arb
    s: flint.arb
    w: list[flint.arb]
    mu: list[flint.arb]
    c: list[flint.arb]
    tau: list[flint.arb]
    a: list[flint.arb]

    def curvature(self, i: int, j: int, v: Sequence[Any]) -> flint.arb:
        """C = a_j - a_i without cancellation; v are the variances."""
        return self.t * to_ball(v[i] - v[j]) * self.a[i] * self.a[j]


def ball_law(law: LatentLaw, t: flint.arb) -> BallLaw:
    """The law at snr t > 0 of the coordinate, at the current precision."""
    s = t.sqrt()
    mu = [to_ball(point[0]) for point in law.means]
    tau2 = [1 + t * to_ball(rows[0][0]) for rows in law.covariances]
    return BallLaw(
        t,
        s,
        [to_ball(w) for w in law.weights],
        mu,
        [s * x for x in mu],
        [x.sqrt() for x in tau2],
        [1 / x for x in tau2],
    )


@dataclass(frozen=True)
class Arc:
    """What the theorem says of the phases in a strip: c, theta, theta_all and max |C|, bounded in balls."""

    cosine: flint.arb
    theta: flint.arb
    whole: flint.arb
    steepest: flint.arb


def live_arc(law: BallLaw, v: Sequence[Fraction], members: Sequence[int], strip: Strip) -> Arc | None:
    """|p_S(z)| >= c P in the strip, for at least two components; None outside the hypotheses."""
    eta, margin = flint.arb(strip.eta), flint.arb(strip.margin)
    shields = {frozenset(shield.pair): shield for shield in strip.shields}
    steepest, every = flint.arb(0), flint.arb(0)
    pairs = []
    for n, i in enumerate(members):
        for j in members[:n]:
            curvature = law.curvature(i, j, v)
            gap = law.c[i] - law.c[j]
            ratio = (law.w[i] * law.tau[j] / (law.w[j] * law.tau[i])).log()
            constant = law.a[i] * law.a[j] * gap * gap - 2 * curvature * ratio
            size = abs(curvature)
            square = (constant + 2 * size * margin + size * size * eta * eta).upper()
            pairs.append((square, constant, shields.get(frozenset((i, j)))))
            steepest, every = steepest.max(size), every.max(square)
    pairs.sort(key=lambda entry: float(entry[0]), reverse=True)
    widest = flint.arb(0)
    for square, constant, shield in pairs:
        if square > widest and not (shield and certainly_hidden(law, v, shield, constant, margin, eta)):
            widest = widest.max(square)
    theta = eta * widest.upper().sqrt() / 2
    slack = (len(members) - 1) * (-margin).exp()
    cosine = (theta.cos() - slack) / (1 + slack)
    if not (theta < flint.arb.pi() / 2 and cosine > 0):
        return None
    return Arc(cosine, theta, eta * every.upper().sqrt() / 2, steepest.upper())


def strip_bound(
    law: BallLaw, v: Sequence[Fraction], kind: Kind, members: Sequence[int], strip: Strip
) -> flint.arb:
    """B of the theorem for a set of components; infinite outside its hypotheses."""
    count = len(members)
    if count < 2:
        return flint.arb(0)
    arc = live_arc(law, v, members, strip)
    if arc is None:
        return flint.arb.pos_inf()
    eta = flint.arb(strip.eta)
    growth = [law.w[i] * (eta * eta * law.a[i] / 2).exp() for i in members]
    if kind == "mutual_information":
        total = sum(growth, flint.arb(0))
        turn = flint.arb.pi() / 2 + arc.theta + 2 * arc.whole + count * eta * arc.steepest.sqrt()
        return total * (flint.arb(count).log() - arc.cosine.log() + turn)
    plain, tilted = flint.arb(0), flint.arb(0)
    for i, factor in zip(members, growth, strict=True):
        beta = law.s * to_ball(v[i]) * law.a[i]
        plain += factor * (law.mu[i] * law.mu[i] + beta * beta * (1 / law.a[i] + eta * eta))
        tilted += factor * law.a[i] * (1 + eta * eta * law.a[i]) / law.t
    return plain.min(tilted) / arc.cosine


def strip_remainder(
    law: BallLaw, v: Sequence[Fraction], kind: Kind, members: Sequence[int], strip: Strip, h: flint.arb
) -> flint.arb:
    """An upper bound (a ball) of |trapezoidal sum - integral| of f over the set, at spacing h."""
    bound = strip_bound(law, v, kind, members, strip)
    return 2 * bound / (2 * flint.arb.pi() * flint.arb(strip.eta) / h).expm1()


def left_out(law: BallLaw, v: Sequence[Fraction], kind: Kind, piece: Piece, h: flint.arb) -> flint.arb:
    """A bound (a ball) of h times the sum of |f_S - f_S'| over the nodes outside the windows."""
    members = piece.outer + piece.inner
    total = flint.arb(0)
    peak = sum((law.w[j] / law.tau[j] for j in members), flint.arb(0))
    for i, rho in zip(piece.inner, piece.reach, strict=True):
        start = flint.arb(rho) - h / law.tau[i]
        if not start * start >= 2:
            return flint.arb.pos_inf()
        level, square = flint.arb(0), flint.arb(0)
        if kind == "mmse":
            for j in members:
                value = (law.mu[i] - law.mu[j]) * law.a[j]
                slope = law.tau[i] * law.curvature(i, j, v) / law.s
                level += 2 * value * value
                square += 2 * slope * slope
        else:
            level = 1 + (law.tau[i] * peak / law.w[i]).log()
            square = flint.arb(1) / 2
        tail = gaussian_tail(start)
        total += 2 * law.w[i] * (level * tail + square * (start + 1) * tail)
    return total


def between_clusters(law: BallLaw, v: Sequence[Fraction], kind: Kind, chosen: Plan) -> flint.arb:
    """A bound (a ball) of the difference between the integral and the sum of those of the clusters."""
    total = flint.arb(0)
    where = {i: n for n, cluster in enumerate(chosen.clusters) for i in cluster}
    if len(chosen.clusters) == 1:
        return total
    for i in range(len(law.w)):
        for j in range(i):
            if where[i] == where[j]:
                continue
            wide = law.tau[i] * law.tau[i] + law.tau[j] * law.tau[j]
            gap = law.c[i] - law.c[j]
            overlap = (law.w[i] * law.w[j] * 2 * law.tau[i] * law.tau[j] / wide).sqrt()
            overlap = overlap * (-gap * gap / (4 * wide)).exp()
            if kind == "mutual_information":
                total += 2 * overlap
                continue
            sums = law.a[i] + law.a[j]
            centre = (law.mu[i] - law.mu[j]) * 2 * law.a[i] * law.a[j] / sums
            slope = law.curvature(i, j, v) / law.s
            total += overlap * (centre * centre + slope * slope * 2 / sums) / 2
    return total
