"""What CloudFormation wants acknowledged, in its own words, where the text does not tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.aws.calls import told
from tapcfn.errors import CloudError
from tapcfn.model import Target, TemplateBody

Summary = Mapping[str, Any]

_IAM = frozenset({"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"})

# Has no effect on a change set, but for the nested ones that come with it. (CreateChangeSet)
_EXPAND = "CAPABILITY_AUTO_EXPAND"


def summary(client: Any, body: Mapping[str, str], name: str, target: Target) -> Summary:
    """Return the service's summary of a template that is handed over like this."""
    with told(name, target):
        answer: Summary = client.get_template_summary(**body)
    return answer


def ask(read: Callable[[], Summary], template: TemplateBody) -> Mapping[str, str]:
    """Return each capability that a template needs, and why; a guess where it may not be read.

    Of what a macro makes the service does not always know (aws-cli 4747): IAM is guessed then.
    """
    try:
        found = read()
    except CloudError as error:
        if error.passing:
            raise
        why = f"guessed, GetTemplateSummary could not be asked: {error}"
        return dict.fromkeys(template.capabilities, why)
    why = found.get("CapabilitiesReason") or "as GetTemplateSummary says"
    wanted = {
        each: why for each in found.get("Capabilities", ()) if template.nests or each != _EXPAND
    }
    if template.transforms and not wanted.keys() & _IAM:
        unknown = f"nobody can say before what {', '.join(template.transforms)} makes"
        wanted |= {each: unknown for each in template.capabilities if each in _IAM}
    return wanted
