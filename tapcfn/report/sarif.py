"""Findings as SARIF 2.1.0, which code scanning shows beside the lines that they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from tapcfn import __version__
from tapcfn.model import Finding, Severity, digest_of
from tapcfn.report.collected import Report

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}

# Our own rules. Any other is cfn-lint's.
RULES: Mapping[str, str] = {
    "TAP000": "CloudFormation, or one of its hooks, objects to a change set.",
    "TAP001": "Something that holds data would be removed or replaced without an allowance.",
    "TAP002": "Something that holds data may be replaced: CloudFormation cannot rule it out.",
    "TAP003": "CloudFormation will only decide while it works whether this is replaced.",
    "TAP004": "A resource leaves its stack, and goes on existing and costing.",
    "TAP005": "A policy that keeps data would be taken off without an allowance.",
    "TAP006": "A property would change that the service never lets change.",
    "TAP007": "An allowance allows nothing.",
    "TAP008": "The stack policy denies this change.",
    "TAP009": "A stack is deployed that the rollout no longer has.",
    "TAP010": "Another stack uses, or holds on to, a value that changes or goes.",
    "TAP011": "A place where stacks were deployed before cannot be looked into any more.",
}
_OF_CFN_LINT = (
    "A rule of cfn-lint: https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/rules.md"
)

_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")


def sarif(report: Report) -> str:
    """Return the document."""
    findings = tuple(dict.fromkeys(each.finding for each in report.findings))
    rules = sorted({each.rule for each in findings})
    run = {
        "tool": {
            "driver": {
                "name": "tapcfn",
                "semanticVersion": __version__,
                "rules": [_rule(each) for each in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, rules.index(each.rule)) for each in _in_order(findings)],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda each: (each.rule, each.stack, each.logical_id, each.message))


def _rule(rule: str) -> dict[str, Any]:
    return {"id": rule, "shortDescription": {"text": RULES.get(rule, _OF_CFN_LINT)}}


def _result(finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [_location(finding)],
        "partialFingerprints": {"tapcfn/v1": fingerprint(finding)},
    }
    if finding.allowed_by:
        allowed = f"allowed by {finding.allowed_by}"
        result["suppressions"] = [{"kind": "external", "justification": allowed}]
    return result


def _location(finding: Finding) -> dict[str, Any]:
    """Return where it is: in a file, if that is known, and in a stack."""
    names = (finding.stack, finding.nested, finding.logical_id)
    name = "/".join(part for part in names if part)
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": name}]} if name else {}
    if finding.source:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(finding.source.file)},
            "region": {"startLine": max(finding.source.line, 1)},
        }
    return location


def fingerprint(finding: Finding) -> str:
    """Return what makes a finding the same in the next run: its rule, unit and logical ID.

    Account ids, which a unit may have in its name, are left out: the same code in another account
    has the same finding.
    """
    path = "/".join(part for part in (finding.nested, finding.logical_id) if part)
    unit = _ACCOUNT.sub("{account}", finding.stack)
    return digest_of(json.dumps([finding.rule, unit, path]))
