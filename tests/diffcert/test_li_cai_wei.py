"""The claims of Li, Cai and Wei: no random instance refutes one, engines agree, instances travel."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from math import log

import mpmath
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diffcert import (
    BINDINGS,
    LiCaiWeiInstance,
    Mixture,
    Schedule,
    Status,
    Values,
    bounds,
    compare,
    evaluate,
)
from diffcert.inputs import exact_inputs, read_instance
from diffcert.li_cai_wei import NEEDS, from_counterexample, schedule_of
from diffcert.registry import find
from numerics.arithmetic import balls
from theory.bounds import li_cai_wei

DIGITS = 20
PAIR = Mixture(["1/2", "1/2"], [-2, 2], 1)
nice = st.sampled_from([Fraction(n, d) for d in (1, 2, 3) for n in range(1, 4 * d + 1)])


@st.composite
def mixtures(draw: st.DrawFn) -> Mixture:
    counts = draw(st.lists(st.integers(1, 20), min_size=1, max_size=4))
    means = draw(st.lists(st.integers(-20, 20), min_size=len(counts), max_size=len(counts), unique=True))
    return Mixture([Fraction(c, sum(counts)) for c in counts], [Fraction(m, 2) for m in means], 1)


@st.composite
def instances(draw: st.DrawFn, needs: frozenset[str], many: bool = False) -> LiCaiWeiInstance:
    """A schedule with c1 log T/T at most 1, of many steps or a few, a level, a target, a threshold."""
    steps = draw(st.integers(60 if many else 2, 120))
    c0 = draw(nice)
    most = Fraction(int(1000 * steps / log(steps)) - 1, 1000)
    c1 = draw(st.sampled_from([min(most, 4 * c0), min(most, 5 * c0), most / 2, most]))
    arguments = {}
    if needs != {"recursion"}:
        arguments["level"] = draw(st.integers(2 if "level" in needs else 1, steps))
        arguments["target"] = draw(mixtures())
        arguments["x"] = draw(st.sampled_from(["0", "1/2", "-3"]))
    if "trace_threshold" in needs:
        arguments["factor"] = draw(st.sampled_from(["1/4", "1", "4", "6"]))
    return LiCaiWeiInstance(steps, c0, c1, **arguments)


@pytest.mark.parametrize("bound", li_cai_wei.ALL, ids=lambda b: b.id)
def test_no_instance_refutes_the_claim(bound):
    needs = frozenset(BINDINGS[key].needs for key in bound.symbols)
    statuses: Counter[Status] = Counter()

    @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(instances(needs, many=bool(bound.hypotheses)))
    def check(instance: LiCaiWeiInstance) -> None:
        verdict = compare(bound.id, instance, digits=DIGITS)
        statuses[verdict.status] += 1
        assert verdict.status in (Status.HOLDS, Status.NOT_APPLICABLE), verdict

    check()
    assert statuses[Status.HOLDS] >= 5


@pytest.mark.parametrize("twin", li_cai_wei.TWINS, ids=lambda b: b.id)
def test_every_twin_is_refuted_by_its_counterexample_and_the_original_is_not(twin):
    instance = from_counterexample(twin.counterexample)
    verdict = compare(twin.id, instance, digits=DIGITS)
    assert verdict.status is Status.REFUTED
    assert twin.why_false
    original = compare(twin.twin_of, instance, digits=DIGITS)
    dropped = {h.key for h in bounds.FURTHER[twin.twin_of].hypotheses} - {h.key for h in twin.hypotheses}
    assert original.status is (Status.NOT_APPLICABLE if dropped else Status.HOLDS)


@pytest.mark.parametrize("bound", li_cai_wei.ALL, ids=lambda b: b.id)
def test_the_built_in_family_holds(bound):
    family = find(bound.id).family()
    found = Counter(compare(bound.id, instance, digits=DIGITS).status for instance in family[::3])
    assert set(found) <= {Status.HOLDS, Status.NOT_APPLICABLE}
    assert found[Status.HOLDS] >= 4


def test_what_fails_where_the_rate_exceeds_one():
    """c1 log T/T = 1.45: alpha_bar passes 1, the claims do not apply, and the schedule is refused."""
    wild = LiCaiWeiInstance(12, "1/2", 7)
    assert max(float(a.mid()) for a in Values(wild, 20)["alpha_bar_at"]) > 1
    for name in ("noise-positive", "last-noise", "half-steps", "noise-product"):
        verdict = compare(f"li-cai-wei/{name}", wild, digits=DIGITS)
        assert verdict.status is Status.NOT_APPLICABLE
        assert "at most 1" in verdict.reason
    with pytest.raises(ValueError, match="exceeds 1"):
        schedule_of(wild)


@pytest.mark.parametrize(("numerator", "below"), [(315464876785728718, 0), (315464876785728719, 1)])
def test_a_first_level_next_to_a_half(numerator, below):
    """c_0 = log 2/log 9 to 18 digits: machine numbers take T^-c_0 for 1/2."""
    near = LiCaiWeiInstance(9, Fraction(numerator, 10**18), 2)
    assert evaluate("half_steps", near, digits=10).value == below
    verdict = compare("li-cai-wei/half-steps-least", near, digits=10)
    assert verdict.status is (Status.HOLDS if below else Status.NOT_APPLICABLE)
    assert evaluate("half_steps", LiCaiWeiInstance(8, "1/3", "1/4"), digits=10).value == 0


def test_what_fails_where_the_ratio_is_below_four():
    """c1 = c0: the last noise stays above a half, and no power of T bounds it."""
    stuck = LiCaiWeiInstance(400, 2, 2)
    assert float(evaluate("last_noise", stuck, digits=20).value.mid()) > 0.5
    assert compare("li-cai-wei/last-noise-power", stuck).status is Status.NOT_APPLICABLE
    assert compare("li-cai-wei/last-noise", stuck).status is Status.HOLDS


@pytest.mark.parametrize(
    "instance",
    [
        LiCaiWeiInstance(50, level=40, target=PAIR, x="1/2", factor="1/2"),
        LiCaiWeiInstance(8, "1/2", 3, level=2, target=Mixture([1], [3], 1), factor=5),
        LiCaiWeiInstance(
            100, 1, 4, level=100, target=Mixture(["1/3", "2/3"], [[0, 0], [3, 4]], 1), x=[1, 1]
        ),
    ],
    ids=["pair", "one", "plane"],
)
def test_the_engines_agree_on_every_quantity(instance):
    by_ball, by_mpmath, by_float = (
        Values(instance, 15),
        Values(instance, 12, "mpmath"),
        Values(instance, None),
    )
    seen = set()
    for key in by_ball:
        first, second, third = by_ball[key], by_mpmath[key], by_float[key]
        rows = (
            zip(first, second, third, strict=True) if isinstance(first, list) else [(first, second, third)]
        )
        for ball, number, machine in rows:
            with balls(200).precision():
                middle = mpmath.mpf(ball.mid().str(40, radius=False))
            assert abs(middle - number) <= 1e-11 * abs(middle) + 1e-40, key
            assert float(number) == pytest.approx(machine, rel=1e-11, abs=1e-30), key
        seen.add(key)
    assert {key for key in BINDINGS if BINDINGS[key].needs == "recursion"} <= seen


def test_every_quantity_has_an_instance():
    wide = LiCaiWeiInstance(50, level=40, target=PAIR, x="1/2", factor="1/2")
    own = {key for key in BINDINGS if BINDINGS[key].needs in NEEDS}
    assert own <= set(Values(wide, 15))


def test_the_levels_are_those_of_the_schedule():
    """The recursion of the claims against the product form that the samplers use."""
    instance = LiCaiWeiInstance(200)
    levels = Values(instance, 25)["alpha_bar_at"]
    ops = balls(400)
    with ops.precision():
        others = schedule_of(instance).levels(ops)
        assert len(levels) == len(others) == 200
        assert all(a.overlaps(b.signal) for a, b in zip(levels, others, strict=True))
        last = evaluate("last_noise", instance, digits=25).value
        assert last.overlaps(others[-1].noise)


@given(instances(frozenset(("level", "noised_point", "trace_threshold"))))
@settings(max_examples=25, deadline=None)
def test_it_travels_as_json(instance):
    data = json.loads(json.dumps(exact_inputs(instance)))
    again = read_instance(data)
    assert again.to_dict() == instance.to_dict()
    assert repr(again).startswith("LiCaiWeiInstance(steps=")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 1}, "steps: 1 is"),
        ({"steps": 2.5}, "steps"),
        ({"steps": 10**6}, "steps"),
        ({"steps": 50, "c0": 0}, "c0: 0 is not positive"),
        ({"steps": 50, "c1": -1}, "c1: -1 is not positive"),
        ({"steps": 50, "c1": "many"}, "c1"),
        ({"steps": 50, "level": 51}, "level: 51"),
        ({"steps": 50, "level": 0}, "level: 0"),
        ({"steps": 50, "x": 1}, "level: a point and a factor belong to a level"),
        ({"steps": 50, "factor": 1}, "level: a point and a factor belong to a level"),
        ({"steps": 50, "level": 3, "factor": 0}, "factor: 0 is not positive"),
        ({"steps": 50, "level": 3, "x": [1, 2]}, "x"),
        ({"steps": 50, "target": Mixture([1], [0], 2)}, "not a mixture of variance 1"),
        ({"steps": 50, "target": "three"}, "not a mixture of variance 1"),
        (
            {
                "steps": 9,
                "level": 3,
                "factor": 1,
                "target": Mixture([".5", ".25", ".25"], [[0, 0], [1, 0], [0, 1]]),
            },
            "factor: the tail of the trace is for means on a line",
        ),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        LiCaiWeiInstance(**arguments)
    assert "\n" not in str(caught.value)


def test_bad_tables_are_refused():
    good = LiCaiWeiInstance(50, level=3).to_dict()
    for change, message in (
        ({"levels": "many"}, "steps"),
        ({"colour": 1}, "unknown key"),
        ({"c0": None}, "c0"),
        ({"target": {"name": "x", "type": "orthogonal", "components": 3, "radius": "1"}}, "variance 1"),
    ):
        with pytest.raises(ValueError, match=message):
            read_instance({**good, **change})
    with pytest.raises(ValueError, match="missing"):
        read_instance({key: value for key, value in good.items() if key != "c1"})


def test_other_instances_do_not_define_these_quantities():
    from diffcert import Instance

    path = Instance(PAIR, Schedule.li_cai_wei(50))
    assert not any(BINDINGS[key].needs in NEEDS for key in Values(path, 15))
    verdict = compare("li-cai-wei/step-noise", path)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "Li, Cai and Wei" in verdict.reason
    assert compare("reeves-pfister/monotone", LiCaiWeiInstance(50)).status is Status.NOT_APPLICABLE
