"""What an author may write, and one line for anything else."""

from __future__ import annotations

import pytest

from diffcert.sphinx import syntax


def test_the_parts_of_a_directive():
    lines = ["mine/thm-1", ":kind: lemma", ':params: {"target": "three",', '   "steps": 5}', "", "Text."]
    block = syntax.block(lines, ("kind", "params"), True)
    assert block.argument == "mine/thm-1"
    assert block.options == {"kind": "lemma", "params": '{"target": "three",\n"steps": 5}'}
    assert lines[block.body :] == ["", "Text."]


@pytest.mark.parametrize("argument", [["name"], []])
def test_options_as_markdown_has_them(argument: list[str]):
    lines = [
        *argument,
        "---",
        "kind: lemma",
        "",
        'params: {"target": "three",',
        '  "steps": 5}',
        "---",
        "Text.",
    ]
    block = syntax.block(lines, ("kind", "params"), bool(argument))
    assert block.argument == " ".join(argument)
    assert block.options == {"kind": "lemma", "params": '{"target": "three",\n"steps": 5}'}
    assert lines[block.body :] == ["Text."]
    unfinished = syntax.block(["name", "", "---", "kind: lemma", "---"], ("kind",), True)
    assert unfinished == ("name", {}, 1)


def test_text_that_is_no_argument():
    block = syntax.block(["Text of it."], ("kind",), False)
    assert block == ("", {}, 0)
    assert syntax.block([":kind: lemma"], ("kind",), False).body == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([":colour: red"], r"unknown option 'colour' \(kind\)"),
        ([":kind: lemma", ":kind: lemma"], "kind is given twice"),
    ],
)
def test_wrong_options(lines: list[str], message: str):
    with pytest.raises(ValueError, match=message):
        syntax.block(lines, ("kind",), True)


@pytest.mark.parametrize("text", ["mine/thm-1", "package.module:attribute", "a.b.c:d.e", "grid16-0"])
def test_references(text: str):
    assert syntax.object_reference(text, "object") == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true')", "not of the form mine/thm-1"),
        ("os:system", "in a module of Python itself"),
        ("os.path:join", "in a module of Python itself"),
        ("mine:__class__", "private"),
        ("mine._hidden:x", "private"),
        ("../mine:x", "not of the form package.module:attribute"),
        ("/etc/passwd", "not of the form mine/thm-1"),
        ("mine:", "not of the form package.module:attribute"),
        ("mine:f()", "not of the form package.module:attribute"),
        ("mine:x:y", "not of the form package.module:attribute"),
        ("a" * 400, "longer than 300"),
        ("", "not of the form"),
    ],
)
def test_wrong_references(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        syntax.object_reference(text, "object")


def test_numbers_in_parameters_stay_what_is_written():
    params = syntax.parameters('{"snr": 0.1, "target": {"weights": [1e-30, 1], "means": [0, NaN]}}')
    assert params == {"snr": "0.1", "target": {"weights": ["1e-30", "1"], "means": ["0", "NaN"]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("{", "not valid JSON"),
        ("three", "not valid JSON"),
        ("3", "is not an object"),
        ("[]", "an empty list"),
        ('{"path": "x"}', "unknown key 'path'"),
        ('{"snr": 1, "snr": 2}', "occurs twice"),
        (" " * 200_000, "200000 characters"),
        ('{"target": ' + "[" * 200 + "]" * 200 + "}", "nested too deeply"),
        ('{"target": "\\ud800"}', "cannot be printed"),
        ('{"target": {"name": "a\\u202eb"}}', "cannot be printed"),
        ('{"target": ["\\u0000"]}', "cannot be printed"),
    ],
)
def test_wrong_parameters(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        syntax.parameters(text)


@pytest.mark.parametrize("text", ["0", "-1", "1e9", "9999999", "two", "10**9", ""])
def test_wrong_integers(text: str):
    with pytest.raises(ValueError, match="digits: "):
        syntax.whole(text, "digits")


@pytest.mark.parametrize("text", ["0", "0.0", "-1", "1/0", "nan", "inf", "", ".", "1e5"])
def test_wrong_positive_numbers(text: str):
    with pytest.raises(ValueError, match="timeout: "):
        syntax.positive(text, "timeout")


def test_the_steps_of_a_derivation():
    assert syntax.step_range("1-3, 5") == [1, 2, 3, 5]
    for text in ("", "0", "3-1", "a", "1-"):
        with pytest.raises(ValueError, match="steps: "):
            syntax.step_range(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0.0387 <kl>", ("", "", "0.0387", "kl", "")),
        ("<= 0.04 <kl.truth>", ("up", "≤", "0.04", "kl", "truth")),
        ("at least 1e-3 <mine/kl.ratio>", ("down", "at least", "1e-3", "mine/kl", "ratio")),
        ("about −2.5 <mine:value>", ("nearest", "about", "-2.5", "mine:value", "")),
        ("3 <kl.other>", ("", "", "3", "kl.other", "")),
    ],
)
def test_numbers_in_the_text(text: str, parts: tuple[str, ...]):
    assert syntax.quoted(text) == parts


@pytest.mark.parametrize(
    "text", ["0.0387", "x <kl>", "1/3 <kl>", "<kl>", "1 <os:sep>", "1 < kl", "1e9999 <kl>"]
)
def test_wrong_numbers_in_the_text(text: str):
    with pytest.raises(ValueError, match=r"not of the form|of Python itself"):
        syntax.quoted(text)
