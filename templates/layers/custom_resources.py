"""Functions behind custom resources: what CloudFormation has no type for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from awacs.aws import Statement
from troposphere import Parameter, Ref, awslambda

from tapcfn.templating import Template
from templates.layers import functions
from templates.layers._values import Value

RUNTIME = "python3.14"
LOG_DAYS = 30


@dataclass(frozen=True, slots=True)
class Handler:
    """What answers for a custom resource: a file of `templates/functions`, and its longest run."""

    code: str
    description: str
    seconds: int

    @property
    def patience(self) -> int:
        """Seconds that CloudFormation waits for an answer; its own default is an hour."""
        return self.seconds + 60


def log_group(name: str) -> str:
    """Return the log group of the function of this name; the key of the group must name it."""
    return f"/aws/lambda/{name}"


def add_function(
    template: Template,
    title: str,
    handler: Handler,
    *,
    name: str,
    may: tuple[Statement, ...],
    key: Parameter | Value | None,
    tags: Mapping[str, str],
    keep_data: bool,
) -> awslambda.Function:
    """Add the function `name` that answers for a custom resource.

    Lambda repeats an asynchronous call that failed; here it may not. A repeated Create would take
    what the first one left for what was there before.
    """
    function = functions.Function(
        title,
        name,
        handler.description,
        handler.code,
        RUNTIME,
        memory=256,
        seconds=handler.seconds,
        log_days=LOG_DAYS,
        may=may,
    )
    made = functions.add(template, function, key=key, tags=tags, keep_data=keep_data)
    template.add(
        awslambda.EventInvokeConfig(
            once(made), FunctionName=Ref(made), Qualifier="$LATEST", MaximumRetryAttempts=0
        )
    )
    return made


def once(function: awslambda.Function) -> str:
    """Return the logical ID of what forbids repeated calls; a custom resource depends on it."""
    return f"{function.title}Once"
