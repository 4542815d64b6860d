"""Rungs and ladders: exact data in, one clear error otherwise, and the same data out again."""

from __future__ import annotations

import pickle
from fractions import Fraction

import pytest

from diffcert import Instance, Ladder, Mixture, Rung, Schedule
from diffcert.rates import Quantity

BINARY = Mixture(["1/2", "1/2"], [-1, 1], variance=0)


def ladder(**changes):
    rungs = [
        Rung({"T": 50 * 2**k, "K": 2, "H": Quantity("entropy")}, {"steps": 50 * 2**k, "target": "binary"})
        for k in range(4)
    ]
    return Ladder(**{"name": "binary", "variable": "T", "rungs": rungs, **changes})


def test_values_are_exact():
    rung = Rung({"T": "1e-3", "K": 0.5, "d": Fraction(1, 3), "n": 7}, {"x": Fraction(1, 3), "y": 0.5})
    assert rung.values == {"T": Fraction(1, 1000), "K": Fraction(1, 2), "d": Fraction(1, 3), "n": 7}
    assert rung.arguments == {"x": "1/3", "y": "1/2"}
    assert rung.label == "K = 1/2, T = 1/1000, d = 1/3, n = 7"


def test_data_round_trip():
    made = ladder(note="a note")
    again = Ladder.from_dict(made.to_dict())
    assert again == made
    assert hash(again) == hash(made)
    assert again.to_dict() == made.to_dict()
    assert pickle.loads(pickle.dumps(made)) == made
    assert made.label == "binary, T = 50 ... 400 (4 rungs)"


def test_the_quick_ladder_has_the_first_rungs():
    short = ladder(quick=2).shortened()
    assert [rung.values["T"] for rung in short.rungs] == [50, 100]
    assert ladder().shortened() == ladder()


def test_an_instance_is_written_as_plain_data():
    rung = Rung({"n": 3}, instance=Instance(BINARY, Schedule.uniform(3, 1)), digits=None)
    assert rung.arguments["digits"] is None
    assert rung.arguments["instance"]["schedule"]["steps"] == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rung({}, {}), "values: {} is not a table"),
        (lambda: Rung([("T", 1)], {}), "values: .* is not a table"),
        (lambda: Rung({"T": 0}, {}), "values: T: 0 is not above zero"),
        (lambda: Rung({"T": "nan"}, {}), "values: T: 'nan' is not a number"),
        (lambda: Rung({"T": float("inf")}, {}), "values: T: inf is not finite"),
        (lambda: Rung({"T": True}, {}), "values: T: True is not a number"),
        (lambda: Rung({"T T": 1}, {}), "values: 'T T' is not the name of a symbol"),
        (lambda: Rung({"T": 1}, {"x": object()}), "arguments.x: .* is not plain data"),
        (lambda: Rung({"T": 1}, {1: 2}), "arguments: the key 1 is not a text"),
        (lambda: Rung({"T": 1}, [1]), r"arguments: \[1\] is not a table of arguments"),
        (lambda: Rung({"T": 1}, {"x": [[[[[[[[1]]]]]]]]}), "nested more than"),
        (lambda: Rung({"T": 1}, {}, instance=3), "arguments: give arguments or an instance"),
        (lambda: Rung({"T": 1}, instance=3), "instance: 3 is not an Instance"),
        (lambda: Quantity(""), "quantity: '' is not a name"),
        (lambda: ladder(name=""), "ladder: '' is not a short name"),
        (lambda: ladder(variable="x"), r"rungs\[0\]: there is no value of x"),
        (lambda: ladder(variable=3), "variable: 3 is not the name of a symbol"),
        (lambda: ladder(variable="K"), "K moves neither strictly up nor strictly down"),
        (lambda: ladder(rungs=ladder().rungs[:1]), "a ladder has at least two"),
        (lambda: ladder(rungs=3), "rungs: 3 is not a list of Rung"),
        (lambda: ladder(rungs=[1, 2]), r"rungs\[0\]: 1 is not a Rung"),
        (lambda: ladder(rungs=[*ladder().rungs, Rung({"T": 9}, {})]), "its symbols are not those"),
        (lambda: ladder(rungs=[ladder().rungs[0]] * 2), "T moves neither"),
        (lambda: ladder(quick=1), "quick: 1 is not between 2 and 4"),
        (lambda: ladder(quick=True), "quick: True is not between"),
        (lambda: ladder(note=3), "note: 3 is not a text"),
        (lambda: Ladder.from_dict({}), "ladder: not a table of"),
        (lambda: Rung.from_dict({"values": {"T": {"f": 1}}, "arguments": {}}), "not a measured quantity"),
    ],
)
def test_bad_input_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
