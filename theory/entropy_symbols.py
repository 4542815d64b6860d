"""The symbols of entropies, of the latent component of a mixture, and of posterior cumulants.

What belongs here: rows of the table of `symbols`, which takes them in. What does not: formulas.

The latent component Z of a mixture is what X is given: X | Z = z is N(mu_z, Sigma_z). Here X itself is
estimated; L and I_Z are what knowing Z is worth. Posterior cumulants are those of a law on a line.
"""

from __future__ import annotations

import sympy as sp

from theory.quantity import Quantity

__all__ = [
    "conditional_information_last",
    "cumulants_2_2_2",
    "cumulants_2_2_2_2",
    "cumulants_2_2_2_2_2",
    "cumulants_2_2_3_3",
    "cumulants_2_3_3",
    "cumulants_2_4_4",
    "cumulants_3_3",
    "cumulants_3_3_4",
    "cumulants_4_4",
    "cumulants_5_5",
    "gaussian_kl",
    "latent_entropy",
    "latent_information",
    "latent_kl",
    "latent_mmse",
    "latent_variance",
    "mmse_fourth",
    "mmse_second",
    "mmse_third",
    "renyi_entropy",
]

renyi_entropy = sp.Symbol("H_half", nonnegative=True)
latent_entropy = sp.Symbol("H_Z", nonnegative=True)
latent_variance = sp.Symbol("V_Z", nonnegative=True)
latent_mmse = sp.Symbol("L_s", nonnegative=True)
latent_information = sp.Symbol("I_Zs", nonnegative=True)
latent_kl = sp.Symbol("K_Z", real=True)
gaussian_kl = sp.Symbol("K_G", nonnegative=True)
conditional_information_last = sp.Symbol("I_XZ", nonnegative=True)
mmse_second = sp.Symbol("M_2", real=True)
mmse_third = sp.Symbol("M_3", real=True)
mmse_fourth = sp.Symbol("M_4", real=True)
cumulants_3_3 = sp.Symbol("k_33", nonnegative=True)
cumulants_2_2_2 = sp.Symbol("k_222", nonnegative=True)
cumulants_2_2_2_2 = sp.Symbol("k_2222", nonnegative=True)
cumulants_2_3_3 = sp.Symbol("k_233", nonnegative=True)
cumulants_4_4 = sp.Symbol("k_44", nonnegative=True)
cumulants_2_2_2_2_2 = sp.Symbol("k_22222", nonnegative=True)
cumulants_2_2_3_3 = sp.Symbol("k_2233", nonnegative=True)
cumulants_2_4_4 = sp.Symbol("k_244", nonnegative=True)
cumulants_3_3_4 = sp.Symbol("k_334", real=True)
cumulants_5_5 = sp.Symbol("k_55", nonnegative=True)

_SUPERSCRIPTS = {1: "", 2: "²", 3: "³", 4: "⁴", 5: "⁵"}
_SUBSCRIPTS = {2: "₂", 3: "₃", 4: "₄", 5: "₅"}


def _mean(symbol: sp.Symbol, *orders: int) -> Quantity:
    """The row of E[k_a k_b ...], k_n the posterior's cumulants."""
    powers = {order: orders.count(order) for order in dict.fromkeys(orders)}
    latex = " ".join(
        rf"\kappa_{order}" + (f"^{power}" if power > 1 else "") for order, power in powers.items()
    )
    text = " ".join(f"κ{_SUBSCRIPTS[order]}{_SUPERSCRIPTS[power]}" for order, power in powers.items())
    words = " ".join(f"k{order}" + (f"^{power}" if power > 1 else "") for order, power in powers.items())
    even = all(power % 2 == 0 or order == 2 for order, power in powers.items())
    return Quantity(
        f"cumulants_{'_'.join(map(str, orders))}",
        symbol,
        f"E[{words}] at snr s, k_n the n-th cumulant of the posterior of a core on a line",
        f"length^{sum(orders)}",
        ">= 0" if even else "real",
        rf"\mathbb{{E}}[{latex}]",
        f"E[{text}]",
    )


def _derivative(key: str, symbol: sp.Symbol, order: int, sign: str) -> Quantity:
    primes = "'" * order
    return Quantity(
        key,
        symbol,
        f"M{primes}(s), a derivative of the mmse at snr s > 0",
        f"length^{2 + 2 * order}",
        sign,
        f"M{primes}(s)",
        f"M{primes}(s)",
    )


ROWS = (
    Quantity(
        "renyi_entropy",
        renyi_entropy,
        "H_1/2 = 2 log(sum sqrt(w_i)), the Renyi entropy of order 1/2 of the core",
        "nats",
        "H_1/2 >= H",
        "H_{1/2}",
        "H½",
    ),
    Quantity(
        "latent_entropy",
        latent_entropy,
        "H_Z = H(Z), the entropy of the component of a mixture",
        "nats",
        "H_Z >= 0",
        "H_Z",
        "H_Z",
    ),
    Quantity(
        "latent_variance",
        latent_variance,
        "V_Z = E|mu_Z - E mu_Z|^2, the variance of the means of the components",
        "length^2",
        "0 <= V_Z <= V",
        "V_Z",
        "V_Z",
    ),
    Quantity(
        "latent_mmse",
        latent_mmse,
        "L(s) = E|E[X|Y_s, Z] - E[X|Y_s]|^2, what knowing the component takes off the mmse of X",
        "length^2",
        "L(s) >= 0",
        "L(s)",
        "L(s)",
    ),
    Quantity(
        "latent_information",
        latent_information,
        "I_Z(s) = I(Z; Y_s), the information about the component at snr s",
        "nats",
        "0 <= I_Z(s) <= H_Z",
        "I_Z(s)",
        "I_Z(s)",
    ),
    Quantity(
        "latent_kl",
        latent_kl,
        "(1/2) sum delta_k L(t_k) - (I_Z(T) - I_Z(t_0)), the part of the path error of X that belongs to "
        "the component",
        "nats",
        "of either sign",
        r"\mathrm{KL}_Z",
        "KL_Z",
    ),
    Quantity(
        "gaussian_kl",
        gaussian_kl,
        "the part of the path error of X that belongs to the Gaussian components, "
        "(1/2) sum over steps of E sum (x - log(1 + x)), x = delta_k lambda/(1 + t_k lambda), lambda over "
        "the eigenvalues of Sigma_Z",
        "nats",
        "KL >= 0",
        r"\mathrm{KL}_{X|Z}",
        "KL_X|Z",
    ),
    Quantity(
        "conditional_information_last",
        conditional_information_last,
        "I(X; Y_T | Z) = (1/2) E log det(1 + T Sigma_Z), the information about X given its component",
        "nats",
        ">= 0",
        "I_{X|Z}(T)",
        "I_X|Z(T)",
    ),
    _derivative("mmse_second", mmse_second, 2, "real"),
    _derivative("mmse_third", mmse_third, 3, "real"),
    _derivative("mmse_fourth", mmse_fourth, 4, "real"),
    _mean(cumulants_3_3, 3, 3),
    _mean(cumulants_2_2_2, 2, 2, 2),
    _mean(cumulants_2_2_2_2, 2, 2, 2, 2),
    _mean(cumulants_2_3_3, 2, 3, 3),
    _mean(cumulants_4_4, 4, 4),
    _mean(cumulants_2_2_2_2_2, 2, 2, 2, 2, 2),
    _mean(cumulants_2_2_3_3, 2, 2, 3, 3),
    _mean(cumulants_2_4_4, 2, 4, 4),
    _mean(cumulants_3_3_4, 3, 3, 4),
    _mean(cumulants_5_5, 5, 5),
)
"""The rows of the table, in the order of the documentation."""
