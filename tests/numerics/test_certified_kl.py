"""The certified KL of the last iterate: the machine numbers' value, the path KL, and total variation."""

from __future__ import annotations

import flint
import pytest

from numerics import Mixture, PrecisionError, Schedule, certified_tv, output_law, path_kl, samplers
from numerics.arithmetic import balls
from numerics.output_law.certified_kl import _Law, certified_output_kl

BINARY = Mixture(["1/2", "1/2"], [-1, 1], 1)
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)
SHORT = Schedule.from_snr(["1/10", "1/5", "2/5", "4/5"])
LEVELS = Schedule.from_alpha_bar(["1/10", "3/10", "1/2"])


@pytest.mark.parametrize("target", [BINARY, THREE])
@pytest.mark.parametrize("start", ["exact", "normal"])
@pytest.mark.parametrize(
    ("schedule", "rule"),
    [
        (SHORT, samplers.Ddpm()),
        (Schedule.from_snr(["0", "1/4", "1/2"]), samplers.Ddpm()),
        (LEVELS, samplers.Ddpm("beta_tilde")),
        (LEVELS, samplers.Ddpm("1/10")),
        (Schedule.from_sigmas([3, 2, 1]), samplers.Ddim("1/2")),
    ],
)
def test_the_machine_numbers_lie_inside(
    target: Mixture, schedule: Schedule, rule: samplers.Sampler, start: str
) -> None:
    ball = certified_output_kl(target, schedule, rule, start).value
    law = output_law(target, schedule, rule, start)
    assert ball.rad() < (0.06 if rule == samplers.Ddpm("1/10") else 1e-3)
    assert ball.contains(law.kl("last_level"))
    tv = certified_tv(target, schedule, rule, start, "last_level").value
    assert (2 * tv * tv).lower() <= ball.upper()


def test_one_step_from_zero_is_the_whole_path() -> None:
    ball = certified_output_kl(THREE, Schedule.from_snr([0, 1])).value
    assert ball.overlaps(path_kl(THREE, Schedule.from_snr([0, 1]), digits=20))


def test_far_from_the_origin() -> None:
    """A shift of the means changes nothing, where the start is the right one."""
    far = Mixture(THREE.weights, [10**6 - 3, 10**6, 10**6 + 4], 1)
    near, moved = (certified_output_kl(x, SHORT).value for x in (THREE, far))
    assert near.overlaps(moved)
    assert moved.rad() < 1e-3


def test_across_the_line_nothing_is_added() -> None:
    line = Mixture(["1/2", "1/2"], [["-3/5", "-4/5"], ["3/5", "4/5"]], 1)
    assert certified_output_kl(line, SHORT).value.overlaps(certified_output_kl(BINARY, SHORT).value)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="no certified"):
        certified_output_kl(THREE, SHORT, samplers.Heun())
    with pytest.raises(ValueError, match="score error"):
        certified_output_kl(THREE, SHORT, samplers.Ddpm(score_error="1/10"))
    with pytest.raises(PrecisionError, match="output_kl"):
        certified_output_kl(THREE, Schedule.karras(4))


def test_what_lies_beyond_an_edge_is_bounded_where_the_output_is_far_away():
    """The bound of int p (|x - c| + M)^2 beyond the right edge, c to the right of it."""
    with balls(128).precision():
        one = flint.arb(1)
        law = _Law([one], [0 * one], one)
        mass, square = law.beyond(law.ends(one), one, 1000 * one, 5 * one, 1)
        assert square > mass * 900 * 900
