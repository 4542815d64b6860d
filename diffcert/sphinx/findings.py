"""What is known of everything that a project claims, and what of it must fail the build.

What belongs here: a statement's status - the weakest of its own and of what it uses -, whether what was
expected came out, whether a number is right, and the messages. What does not: computing (`tasks`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from diffcert.sphinx import standing as st
from diffcert.sphinx.project import Entry, Project, Record
from diffcert.sphinx.rounding import Enclosure, complaint, ends

__all__ = ["Findings", "Message", "Standing"]


@dataclass
class Standing:
    """The status of an entry, why, and through which other statement it is weakened."""

    status: str
    evidence: str
    through: Entry | None = None
    problem: str = ""
    """What must fail the build, or ""."""
    warning: str = ""
    authored: bool = False
    """Whether the evidence is a source as its author wrote it, which may have mathematics in it."""

    @property
    def words(self) -> str:
        """The status in words, with what weakens it."""
        return self.status if self.through is None else f"{self.status} (through {self.through.label})"


class Message(NamedTuple):
    """What the build says about a place."""

    fails: bool
    where: str
    text: str


_NOT = {"<=": "exceeds", ">=": "falls below", "==": "differs from"}


def evidence(result: dict[str, Any]) -> str:
    """What a computation showed, in a line."""
    if "worst" not in result:
        return str(result["message"])
    row, cases = result["worst"], result["cases"]
    status = result["status"]
    if status == st.REFUTED:
        said = _NOT[result["relation"]]
        return f"at {row['label']}: the truth {row['truth']} {said} the bound {row['bound']}"
    if "constant" in result and status == st.CONSISTENT:
        on = f"on {cases} ladder{'s' * (cases != 1)}"
        return f"{on}; the least constant that covers them is {result['constant']}"
    if status in (st.HOLDS, st.CONSISTENT):
        idle = result["counts"].get(st.NOT_APPLICABLE, 0)
        told = cases - idle
        what = f"at {row['label']}" if cases == 1 else f"at {told} instance{'s' * (told != 1)}"
        beside = f"; {idle} not applicable" if idle else ""
        return f"{what}, to {result['digits']} digits{beside}"
    return f"at {row['label']}: {row['reason']}" if row["reason"] else f"at {row['label']}"


class Findings:
    """What came out for every entry and record of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.standing: dict[Entry, Standing] = {}
        for comparison in project.comparisons():
            self.standing[comparison] = self._of_comparison(comparison)
        self._keys: dict[str, Entry] = {}
        for statement in project.statements():
            self.standing[statement] = self._own(statement)
            key = self.described(statement).get("key")
            if key and not statement.problem:
                self._keys.setdefault(key, statement)
        self.uses = {statement: self._used(statement) for statement in project.statements()}
        self._refuse_circles()
        self._weaken()
        for statement in project.statements():
            self._expect(statement)

    # Comparisons

    def compared(self, comparison: Entry) -> dict[str, Any]:
        """The result of a comparison."""
        return self.project.result(self.project.task("comparison", comparison))

    def _of_comparison(self, comparison: Entry) -> Standing:
        if comparison.problem:
            return Standing(st.ERROR, comparison.problem, problem=comparison.problem)
        result = self.compared(comparison)
        status = result["status"]
        found = Standing(status, evidence(result))
        expected = comparison.record.get("expect")
        refuted = st.REFUTED in result.get("counts", {})
        if expected is not None:
            if not (refuted if expected == st.REFUTED else status == expected):
                found.problem = f"expected {expected}, found {status}: {found.evidence}"
        elif status in self.project.settings.fail_on:
            found.problem = f"{status}: {found.evidence}"
        elif status == st.NOT_APPLICABLE:
            found.warning = f"{status}, so nothing was compared: {found.evidence}"
        if not found.problem and "rows" in result:
            found.problem = self._loose(comparison, result)
        plot = result.get("plot") or {}
        if "problem" in plot and not found.warning:
            found.warning = f"plot: {plot['problem']}"
        return found

    def _loose(self, comparison: Entry, result: dict[str, Any]) -> str:
        """What is wrong with the tightness, if the document says how tight it is."""
        given = comparison.record.get("min-ratio")
        if given is None:
            return ""
        tightness = result["tightness"]
        if tightness is None:
            return f"min-ratio: there is no ratio that could be at least {given}"
        low, high = Fraction(tightness["low"]), Fraction(tightness["high"])
        if low >= Fraction(given):
            return ""
        said = f"the ratio is {float(low):.4g} at {tightness['label']}"
        if high < Fraction(given):
            return f"min-ratio: {said}, below {given}"
        return f"min-ratio: {said}; whether that is below {given} is not decided"

    # Statements

    def described(self, statement: Entry) -> dict[str, Any]:
        """The result of looking a statement's object up; {} if it has none."""
        if statement.problem or not statement.object:
            return {}
        return self.project.result(self.project.task("statement", statement))

    def checked(self, statement: Entry) -> dict[str, Any]:
        """The result of checking a statement without a derivation over its instances."""
        return self.project.result(self.project.task("check", statement))

    def _own(self, statement: Entry) -> Standing:
        record = statement.record
        if statement.problem:
            return Standing(st.ERROR, statement.problem)
        if not statement.object:
            if record.get("source"):
                return Standing(st.CITED, record["source"], authored=True)
            if statement.kind == "definition":
                return Standing(st.DEFINITION, "")
            return Standing(st.CONJECTURE, "there is neither an object nor a source")
        described = self.described(statement)
        status, words = described["status"], str(described["message"])
        if status == st.NOT_RUN:
            return Standing(status, words)
        if status == st.ERROR:  # a comparison may still refute it
            parts = [Standing(status, words)]
        else:
            known = Standing(status, self._words(described), authored=True)
            parts = [known] if status else [self._checked(statement)]
        for comparison in self._comparisons(statement):
            standing = self.standing[comparison]
            expected = comparison.record.get("expect")
            foreseen = expected not in (None, st.HOLDS) and not standing.problem
            settled = standing.status in (st.REFUTED, st.INCONSISTENT)
            if standing.status == st.NOT_APPLICABLE or (foreseen and not settled):
                continue
            parts.append(Standing(standing.status, f"{comparison.label}: {standing.evidence}"))
        if statement.kind == "conjecture":
            parts.append(Standing(st.CONJECTURE, f"not proved; {parts[0].status} {parts[0].evidence}"))
        return min(parts, key=lambda part: st.ORDER.index(part.status))

    def _comparisons(self, statement: Entry) -> list[Entry]:
        """The comparisons of a statement, also those that call its claim by another name."""
        found = list(statement.comparisons)
        claim = self.described(statement).get("id")
        if claim:
            others = (other for other in self.project.comparisons() if not other.problem)
            found += [o for o in others if o not in found and self.compared(o).get("claim") == claim]
        return found

    def _checked(self, statement: Entry) -> Standing:
        result = self.checked(statement)
        source = statement.record.get("source") or self.described(statement).get("source")
        if result["status"] == st.NOT_APPLICABLE and source:
            return Standing(st.CITED, str(source), authored=True)
        return Standing(result["status"], evidence(result))

    def _words(self, described: dict[str, Any]) -> str:
        if described["status"] == st.DERIVED:
            count = len(described["steps"])
            return (
                f"symbolically, all {count} steps checked"
                if count > 1
                else "symbolically, in one checked step"
            )
        return str(described["source"])

    def _used(self, statement: Entry) -> list[Entry]:
        """The statements that one rests on: those that it names, and those that its derivation uses."""
        found: dict[Entry, None] = {}
        missing = []
        for name in statement.record.get("uses", ()):
            used = self.project.named.get(name)
            if used is None or used.kind == "comparison":
                missing.append(name)
            else:
                found[used] = None
        for key in self.described(statement).get("rests_on", ()):
            if key in self._keys:
                found[self._keys[key]] = None
        own = self.standing[statement]
        if missing and st.weakest((own.status, st.NOT_RUN)) == st.NOT_RUN:
            said = f"it uses {', '.join(map(repr, missing))}, which is stated nowhere"
            self.standing[statement] = Standing(st.NOT_RUN, said)
        return list(found)

    def _refuse_circles(self) -> None:
        for statement in self.uses:
            seen = self.reached(statement)
            if statement in seen:
                circle = sorted(other.name for other in seen if statement in self.reached(other))
                said = f"it rests on itself: {', '.join(circle)}"
                if st.weakest((self.standing[statement].status, st.ERROR)) == st.ERROR:
                    self.standing[statement] = Standing(st.ERROR, said)

    def reached(self, statement: Entry) -> set[Entry]:
        """All statements that one rests on, directly or not."""
        seen: set[Entry] = set()
        waiting = list(self.uses[statement])
        while waiting:
            used = waiting.pop()
            if used not in seen:
                seen.add(used)
                waiting += self.uses[used]
        return seen

    def _weaken(self) -> None:
        """Give every statement the weakest status of what it rests on."""
        changed = True
        while changed:
            changed = False
            for statement, used in self.uses.items():
                standing = self.standing[statement]
                for other in used:
                    weaker = self.standing[other].status
                    if st.ORDER.index(weaker) < st.ORDER.index(standing.status):
                        standing.status, standing.through = weaker, other
                        standing.evidence = f"it rests on {other.label} ({other.name})"
                        standing.authored = False
                        changed = True

    def _expect(self, statement: Entry) -> None:
        standing = self.standing[statement]
        expected = statement.record.get("expect")
        if expected is not None and not statement.problem:
            if standing.status != expected:
                standing.problem = f"expected {expected}, found {standing.words}: {standing.evidence}"
        elif standing.status in self.project.settings.fail_on:
            standing.problem = f"{standing.words}: {standing.evidence}"

    # Numbers, derivations, links

    def of_number(self, record: Record) -> str:
        """What is wrong with a number in the text, or ""."""
        if record["problem"]:
            return str(record["problem"])
        source, quantity = record["source"], record["quantity"] or "truth"
        if ":" in source:
            result = self.project.result(self.project.object_task("number", source))
        else:
            comparison = self.project.named.get(source)
            if comparison is None or comparison.kind != "comparison":
                return f"there is no comparison {source!r}"
            if comparison.problem:
                return f"{comparison.label} ({source}) has an error of its own"
            result = self.compared(comparison)
        enclosure = self._enclosure(result, quantity)
        if isinstance(enclosure, str):
            return f"{source}: {enclosure}"
        outward = {"<=": "up", ">=": "down"}.get(str(result.get("relation", "")), "nearest")
        rounding = record["rounding"] or (
            outward if quantity == "bound" else "up" if quantity == "constant" else "nearest"
        )
        return complaint(record["number"], enclosure, rounding) or ""

    def _enclosure(self, result: dict[str, Any], quantity: str) -> Enclosure | str:
        numbers = result.get("numbers")
        if numbers is None:
            return f"{result['status']}: {result['message']}"
        if quantity not in numbers:
            return f"it has no {quantity} ({', '.join(sorted(numbers)) or result['status']})"
        found = ends(numbers[quantity]["mid"], numbers[quantity]["rad"])
        return f"its {quantity} is not finite" if found is None else found

    def of_derivation(self, record: Record) -> tuple[dict[str, Any], Entry | None, str]:
        """The description of what a derivation is of, its statement, and what is wrong."""
        if record["problem"]:
            return {}, None, str(record["problem"])
        reference, statement, problem = self.project.derived_object(record)
        if problem:
            return {}, statement, problem
        described = self.project.result(self.project.object_task("statement", reference))
        if described["status"] in (st.ERROR, st.NOT_RUN):
            return described, statement, f"{described['status']}: {described['message']}"
        steps = described.get("steps") or []
        if not steps:
            return described, statement, f"{reference} has no derivation"
        beyond = [number for number in record.get("steps", ()) if number > len(steps)]
        if beyond:
            return described, statement, f"steps: there is no step {beyond[0]}; it has {len(steps)}"
        return described, statement, ""

    def of_link(self, record: Record) -> str:
        """What is wrong with a link or badge, or ""."""
        if record["problem"]:
            return str(record["problem"])
        known = record["of"] in self.project.named
        return "" if known else f"there is no statement or comparison {record['of']!r}"

    # Messages

    def _problem(self, record: Record) -> str:
        """What is wrong with a record that is no entry, or ""."""
        match record["type"]:
            case "number":
                return self.of_number(record)
            case "derivation":
                return self.of_derivation(record)[2]
            case "reference" | "badge":
                return self.of_link(record)
        return str(record["problem"])

    def messages(self) -> Iterator[Message]:
        """Everything that the build has to say, in order."""
        for docname, place, record in self.project.all_records():
            entry = self.project.entries.get((docname, place))
            host = f"{record['host']}: " if record["host"] else ""
            if entry is not None:
                standing = self.standing[entry]
                named = f" ({entry.name})" if entry.name else ""
                said = f"{host}{entry.label}{named}: "
                if standing.problem:
                    yield Message(True, record["where"], said + standing.problem)
                elif standing.warning:
                    yield Message(False, record["where"], said + standing.warning)
                continue
            problem = self._problem(record)
            if problem:
                yield Message(True, record["where"], f"{host}{problem}")
