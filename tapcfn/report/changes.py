"""What a change set does, as lines and as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tapcfn.model import Change, ChangeSet, Detail, Replacement, TemplateBody
from tapcfn.preview import Deferred, Preview, Previewed

_SIGNS = {"Add": "+", "Remove": "-", "Import": "<", "Modify": "~", "Dynamic": "?"}
_WIDEST_VALUE = 100

# How much of two long values is shown before the first character that differs.
_BEFORE_DIFFERENCE = 30

# What a property's value comes from, in words.
_SOURCES = {
    "ParameterReference": "parameter ",
    "ResourceReference": "resource ",
    "ResourceAttribute": "attribute ",
}


def counts_of(previews: Iterable[Preview]) -> dict[str, int]:
    """Return how many resources of all stacks go which way, each once."""
    counts = change_counts(ChangeSet("", "", ""))
    for each in previews:
        if isinstance(each, Previewed | Deferred):
            for what, number in change_counts(change_set_of(each)).items():
                counts[what] += number
    return counts


def change_set_of(preview: Previewed | Deferred) -> ChangeSet:
    """Return what CloudFormation says, or what the templates tell as long as it can't be asked."""
    return preview.staged.change_set if isinstance(preview, Previewed) else preview.expected


def change_counts(change_set: ChangeSet) -> dict[str, int]:
    """Return how many resources go which way, those of nested stacks too; each counts once."""
    ways = [_way(change) for change in _every(change_set)]
    return {
        what: ways.count(what)
        for what in ("add", "modify", "remove", "import", "replace", "may_replace")
    }


def _every(change_set: ChangeSet) -> Iterator[Change]:
    for change in change_set.changes:
        yield change
        if change.nested:
            yield from _every(change.nested)


def _way(change: Change) -> str:
    if change.replacement is Replacement.TRUE:
        return "replace"
    if change.replacement is Replacement.CONDITIONAL:
        return "may_replace"
    return change.action.lower() if change.action in {"Add", "Remove", "Import"} else "modify"


def is_perilous(change: Change) -> bool:
    """Whether a resource goes away or may go away: such a change is never only counted."""
    return change.action == "Remove" or _way(change) in {"replace", "may_replace"}


def change_lines(change: Change, indent: str) -> Iterator[str]:
    """Yield one line for a resource, and one for each property that changes."""
    sign = "±" if change.replacement is Replacement.TRUE else _SIGNS.get(change.action, "~")
    yield f"{indent}{sign} {change.logical_id}  {change.resource_type}{_consequence(change)}"
    details = change.details if change.action != "Add" else ()
    for path in dict.fromkeys(detail.path for detail in details):
        yield f"{indent}    {_detail_text([each for each in details if each.path == path])}"
    if change.nested:
        for each in change.nested.changes:
            yield from change_lines(each, indent + "  ")


def _detail_text(details: list[Detail]) -> str:
    """Return one property: CloudFormation lists it once for each cause."""
    text = details[0].path
    valued = next((each for each in details if each.before != each.after), None)
    if valued is not None:
        before, after = _shown(valued.before, valued.after)
        text += f": {before} → {after}"
    if any(each.recreation == "Always" for each in details):
        text += "  (forces replacement)"
    elif any(each.recreation == "Conditionally" for each in details):
        text += "  (may force replacement)"
    causes = dict.fromkeys(
        _SOURCES.get(each.source, "") + each.cause for each in details if each.cause
    )
    return f"{text}  because of {', '.join(causes)}" if causes else text


def _consequence(change: Change) -> str:
    words = []
    if change.replacement is Replacement.TRUE:
        words.append("is replaced")
    if change.replacement is Replacement.CONDITIONAL:
        words.append("may be replaced")
    if change.replacement is Replacement.FALSE:
        words.append("in place")
    if change.action == "Import":
        words.append(f"exists as {change.physical_id or 'kept by an earlier destroy'}")
    if change.policy_action:
        words.append(f"policy: {change.policy_action}")
    return f"  {', '.join(words)}" if words else ""


def _shown(before: str | None, after: str | None) -> tuple[str, str]:
    """Return two values; of long ones what is around the first character that differs."""
    pairs = enumerate(zip(before or "", after or "", strict=False))
    same = next((at for at, (one, other) in pairs if one != other), 0)
    both_long = before is not None and after is not None and same > _WIDEST_VALUE // 2
    start = max(0, same - _BEFORE_DIFFERENCE) if both_long else 0
    return _excerpt(before, start), _excerpt(after, start)


def _excerpt(value: str | None, start: int) -> str:
    if value is None:
        return "(none)"
    if len(value) <= _WIDEST_VALUE:
        return value
    end = start + _WIDEST_VALUE
    return f"{'…' * (start > 0)}{value[start:end]}{'…' * (end < len(value))}"


def capabilities_of(template: TemplateBody) -> Mapping[str, tuple[str, ...]]:
    """Return each capability that is acknowledged, and what needs it: resources, transforms."""
    needing = sorted(
        key
        for key, kind in template.resources.items()
        if kind.startswith("AWS::IAM::") or kind == "AWS::CloudFormation::Stack"
    )
    return dict.fromkeys(template.capabilities, (*needing, *template.transforms))


def acknowledged_by(
    preview: Preview | None, template: TemplateBody
) -> Mapping[str, tuple[str, ...]]:
    """Return each capability with the service's own reason, or with what the template tells."""
    asked = preview.staged.change_set.acknowledged if isinstance(preview, Previewed) else {}
    return {each: (why,) for each, why in asked.items()} or capabilities_of(template)
