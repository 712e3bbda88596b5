"""What programs read: findings, exit codes, lines of JSON, variables of the environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tapcfn import errors
from tapcfn.cli.app import STATUSES
from tapcfn.report.ndjson import stream_schema
from tapcfn.report.sarif import RULES
from tests.pages import ROOT, without_marks

FINDINGS = """\
# Findings

Written by `make documents` from the code. A finding has a rule, a severity, a place and the line of
the template, or of the Python, that it is about; `plan`, `apply` and `destroy` print it, `--sarif`
writes it. An **error** blocks (exit 4) until an allowance names what may be lost; a warning is only
told. `check` raises the rules of cfn-lint beside these, which start with E, W or I.

| rule | what it says |
|-|-|
"""

CODES = """\
# Exit codes

Written by `make documents` from the code. They are frozen: a code never comes to mean something
else. With `--json` the last line is a `summary` with the same `status` and `exit_code`.

| code | status | when | what to do |
|-|-|-|-|
"""
# When a command ends with a code, and what helps.
MEANINGS: Mapping[int, tuple[str, str]] = {
    0: ("done, or nothing to do", "nothing"),
    1: ("an operation failed, or a call was refused", "read the cause; `recover` says what helps"),
    2: ("the settings, a template or the command line are wrong", "mend what is named"),
    4: ("a guard, an allow-list or a check before the first write said no", "allow it by name"),
    5: ("some instances of a stack set are not as wanted", "`stackset retry`, `stackset revert`"),
    6: ("what was reviewed is no longer what would run", "plan again"),
    7: ("the deadline passed, and AWS goes on", "`resume`, or the same command again"),
    10: ("there is something to do (`--detailed-exitcode`)", "apply it, or look at it"),
    130: ("declined, or interrupted", "`resume`, or the same command again"),
}
ERRORS = "\n## Errors in Python\n\n| error | code | meaning |\n|-|-|-|\n"

NDJSON = """\
# Lines of JSON

Written by `make documents` from the schema, which `tapcfn schema --ndjson` prints. With `--json` a
command writes one object on each line of stdout and nothing else; the last is always a `summary`.
Version 1 only grows: whoever reads it passes over types and fields that it does not know.

Every line has `v` (1), `seq` (from 0), `ts` (UTC), `run` and `type`; with `truncated` values of it
were cut, so that it stays below 64 KiB. A `?` stands behind what may be `null`.

"""
ENVIRONMENT = """\
# Environment

Written by `make documents`; a test finds every variable that the code reads.

| variable | what it does |
|-|-|
"""
LINK = "where the CI job can be looked at, for [notifications](../notifications.md)"
VARIABLES: Mapping[str, str] = {
    "BUILDKITE_BUILD_URL": LINK,
    "BUILD_URL": LINK,
    "CI": "`true` or `1`: nobody is asked anything, as with `--no-input`",
    "CIRCLE_BUILD_URL": LINK,
    "CI_JOB_URL": LINK,
    "GITHUB_ACTIONS": "`true`: a run writes its summary, annotations and step outputs",
    "GITHUB_OUTPUT": "the file that step outputs go to",
    "GITHUB_REPOSITORY": LINK,
    "GITHUB_RUN_ID": LINK,
    "GITHUB_SERVER_URL": LINK,
    "GITHUB_STEP_SUMMARY": "the file that the summary goes to",
    "NO_COLOR": "anything: no colours, as with `--no-color`",
    "SLACK_WEBHOOK_URL": "the address of a Slack webhook: a secret, never written anywhere",
    "TERM": "`dumb`: no live display",
}
REST = """
With `backend = "aws"` boto3 reads its own variables (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`,
`AWS_CONFIG_FILE` and others) where the settings name no credentials. On the local cloud all `AWS_*`
variables and proxies are ignored. The gates of the kind `command` get the environment as it is.
"""
# The server of the local cloud is a process of ours, told by variables of its own.
_NAME = re.compile(r'"((?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)|CI|TERM)"')
_INTERNAL = ROOT / "tapcfn/local"


def findings() -> str:
    """Return the page of our own rules."""
    return FINDINGS + "".join(f"| `{rule}` | {text} |\n" for rule, text in RULES.items())


def exit_codes() -> str:
    """Return the page of exit codes, and of the errors that have them."""
    lines = [
        f"| {code} | `{status}` | {MEANINGS[code][0]} | {MEANINGS[code][1]} |\n"
        for code, status in STATUSES.items()
    ]
    rows = [
        f"| `{each.__name__}` | {each.exit_code} | {_first_line(each)} |\n" for each in _errors()
    ]
    return "".join([CODES, *lines, ERRORS, *rows])


def _errors() -> list[type[errors.TapcfnError]]:
    found = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, errors.TapcfnError)]


def _first_line(kind: type) -> str:
    return without_marks((kind.__doc__ or "").strip().splitlines()[0])


# Lines of JSON ------------------------------------------------------------------------------------


def ndjson() -> str:
    """Return the page of the stream: each type of line, then what stands in several of them."""
    schema = stream_schema()
    lines = [each["then"]["$ref"].rpartition("/")[2] for each in schema["allOf"]]
    parts = [NDJSON, *(_definition(name, schema["definitions"][name]) for name in lines)]
    parts.append("# Parts of lines\n\n".replace("# ", "## ", 1))
    shared = [name for name in schema["definitions"] if name not in lines]
    parts += [_definition(name, schema["definitions"][name], "###") for name in shared]
    return "\n".join(parts).rstrip() + "\n"


def _definition(name: str, given: Mapping[str, Any], level: str = "##") -> str:
    said = given.get("description", "")
    head = f"{level} {name}\n\n" + (f"{said}\n\n" if said else "")
    if "properties" not in given:
        return f"{head}{_kind(given)}\n"
    required = given.get("required", ())
    rows = [
        f"| `{key}` | {_kind(each)} | {'always' if key in required else 'where it is known'} |"
        for key, each in given["properties"].items()
    ]
    return "\n".join([f"{head}| field | value | there |\n|-|-|-|", *rows]) + "\n"


def _kind(given: Mapping[str, Any]) -> str:
    """Return what a value may be, in a few words."""
    if "$ref" in given:
        name = given["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.replace('.', '')})"
    if "anyOf" in given:
        kinds = [_kind(each) for each in given["anyOf"]]
        return " or ".join(each for each in kinds if each != "null") + "?" * ("null" in kinds)
    if "enum" in given or "const" in given:
        values = given.get("enum", [given.get("const")])
        shown = ", ".join(f"`{json.dumps(each)}`" for each in values if each is not None)
        return shown + "?" * (None in values)
    types = given.get("type", "any value")
    names = [types] if isinstance(types, str) else types
    shown = " or ".join(_of(each, given) for each in names if each != "null")
    return shown + "?" * ("null" in names and len(names) > 1) or "null"


def _of(kind: str, given: Mapping[str, Any]) -> str:
    if kind == "array" and "items" in given:
        return f"list of {_kind(given['items'])}"
    if kind == "object" and isinstance(given.get("additionalProperties"), Mapping):
        return f"object of {_kind(given['additionalProperties'])}"
    if kind == "object" and "properties" in given:
        return "object (" + ", ".join(f"`{each}`" for each in given["properties"]) + ")"
    return kind


# Environment --------------------------------------------------------------------------------------


def environment() -> str:
    """Return the page of variables."""
    rows = (f"| `{name}` | {VARIABLES.get(name, '')} |\n" for name in variables())
    return "".join([ENVIRONMENT, *rows, REST])


def variables() -> list[str]:
    """Return the variables that the code reads: names in capitals, where any variable is read."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "tapcfn").rglob("*.py"))
        if not path.is_relative_to(_INTERNAL)
    ]
    read = [each for each in texts if "environ" in each or "_VARIABLE" in each]
    return sorted({name for text in read for name in _NAME.findall(text)})
