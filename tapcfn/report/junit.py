"""A run as JUnit XML, which CI servers show: a suite for each phase, a case for each stack."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tapcfn.report.collected import Case, Report, Verdict

# What XML 1.0 cannot say at all, not even escaped.
_UNSAYABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_ELEMENTS = {Verdict.FAILED: "failure", Verdict.ERROR: "error", Verdict.SKIPPED: "skipped"}


def junit(report: Report) -> str:
    """Return the document."""
    root = Element("testsuites", _counted(f"tapcfn {report.command}".rstrip(), report.cases))
    for name in dict.fromkeys(each.suite for each in report.cases):
        cases = [each for each in report.cases if each.suite == name]
        suite = SubElement(root, "testsuite", _counted(name, cases))
        for each in cases:
            _add(suite, each)
    indent(root)
    text: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _counted(name: str, cases: Iterable[Case]) -> dict[str, str]:
    found = tuple(cases)
    verdicts = [each.verdict for each in found]
    return {
        "name": _sayable(name),
        "tests": str(len(found)),
        "failures": str(verdicts.count(Verdict.FAILED)),
        "errors": str(verdicts.count(Verdict.ERROR)),
        "skipped": str(verdicts.count(Verdict.SKIPPED)),
        "time": f"{sum(each.seconds for each in found):.3f}",
    }


def _add(suite: Element, case: Case) -> None:
    place = f"{case.target.account}.{case.target.region}" if case.target else "tapcfn"
    element = SubElement(
        suite,
        "testcase",
        classname=_sayable(place),
        name=_sayable(case.name),
        time=f"{case.seconds:.3f}",
    )
    if case.verdict is Verdict.PASSED:
        return
    text = _sayable(case.text)
    why = SubElement(element, _ELEMENTS[case.verdict], message=text.partition("\n")[0])
    if case.is_bad:
        why.set("type", str(case.verdict))
        why.text = text


def _sayable(text: str) -> str:
    return _UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", text)
