"""Lambda functions of inline Python: each with its log group, a role of its own, and what it asks.

A function writes to a group that is there before its first call, and may not make one: a group
that a late call made would stand in the way of the next deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from awacs import logs as logs_actions
from awacs import sqs as sqs_actions
from awacs import xray
from awacs.aws import Allow, Statement
from troposphere import GetAtt, Parameter, Ref, awslambda, iam, logs, sqs

from tapcfn.templating import Template
from templates.layers import _iam, log_groups
from templates.layers._retention import retained
from templates.layers._tags import tagged
from templates.layers._values import Value

CODE = Path(__file__).parents[1] / "functions"

# Old tools, and some emulators, take no more characters of inline code. (L-15)
MAX_INLINE = 4096

# The newest Python first. (C-8)
Runtime: TypeAlias = Literal["python3.14", "python3.13", "python3.12"]

DEAD_LETTER_SECONDS = 1_209_600


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `code` names a file of `templates/functions`, which becomes the module `index`.

    `may` are the statements of its role besides those for its logs. With `dead_letters` a queue
    keeps, for 14 days, the asynchronous calls that failed for good.
    """

    title: str
    name: str
    description: str
    code: str
    runtime: str
    memory: int
    seconds: int
    log_days: int
    environment: Mapping[str, Value] = field(default_factory=dict)
    may: tuple[Statement, ...] = ()
    dead_letters: bool = False
    tracing: bool = False

    @property
    def log_group(self) -> str:
        """The name of its log group: the one that Lambda would choose."""
        return f"/aws/lambda/{self.name}"


def inline(code: str) -> str:
    """Return the source of a function, as CloudFormation puts it into a file `index.py`."""
    return (CODE / f"{code}.py").read_text(encoding="utf-8")


def add(
    template: Template,
    function: Function,
    *,
    key: Parameter | Value | None,
    tags: Mapping[str, str],
    keep_data: bool,
) -> awslambda.Function:
    """Add a function, its log group under `key` (None: the service's own), and its role."""
    group = log_groups.add(
        template,
        f"{function.title}Logs",
        name=function.log_group,
        days=function.log_days,
        key=key,
        tags=tags,
        keep_data=keep_data,
    )
    queue = _queue(template, function, tags, keep_data) if function.dead_letters else None
    role = template.add(_role(function, group, queue, tags))
    made = _made(function, role, group, tags)
    if queue:
        made.DeadLetterConfig = awslambda.DeadLetterConfig(TargetArn=GetAtt(queue, "Arn"))
    return template.add(made)


def _made(
    function: Function, role: iam.Role, group: logs.LogGroup, tags: Mapping[str, str]
) -> awslambda.Function:
    made = awslambda.Function(
        function.title,
        FunctionName=function.name,
        Description=function.description,
        Runtime=function.runtime,
        Handler="index.handler",
        Code=awslambda.Code(ZipFile=inline(function.code)),
        MemorySize=function.memory,
        Timeout=function.seconds,
        Role=GetAtt(role, "Arn"),
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(group)),
        Tags=tagged(tags),
    )
    if function.environment:
        made.Environment = awslambda.Environment(Variables=dict(function.environment))
    if function.tracing:
        made.TracingConfig = awslambda.TracingConfig(Mode="Active")
    return made


def _queue(
    template: Template, function: Function, tags: Mapping[str, str], keep_data: bool
) -> sqs.Queue:
    queue = sqs.Queue(
        f"{function.title}DeadLetters",
        MessageRetentionPeriod=DEAD_LETTER_SECONDS,
        SqsManagedSseEnabled=True,
        Tags=tagged(tags),
    )
    return template.add(retained(queue, keep_data))


def _role(
    function: Function, group: logs.LogGroup, queue: sqs.Queue | None, tags: Mapping[str, str]
) -> iam.Role:
    """Return the role of one function, complete before the function uses it.

    Its trust has no source account: Lambda does not send one when it assumes a role.
    """
    statements = [_writes(group), *function.may]
    if queue:
        statements.append(_sends(queue))
    if function.tracing:
        statements.append(_TRACES)
    return iam.Role(
        f"{function.title}Role",
        Description=f"What the function may do: {function.description}",
        AssumeRolePolicyDocument=_iam.trust("lambda.amazonaws.com"),
        Policies=[iam.Policy(PolicyName="run", PolicyDocument=_iam.document(*statements))],
        Tags=tagged(tags),
    )


def _writes(group: logs.LogGroup) -> Statement:
    """Write to the function's own group, whose ARN ends in `:*` for its streams."""
    return Statement(
        Sid="WriteOwnLogs",
        Effect=Allow,
        Action=[logs_actions.CreateLogStream, logs_actions.PutLogEvents],
        Resource=[GetAtt(group, "Arn")],
    )


def _sends(queue: sqs.Queue) -> Statement:
    return Statement(
        Sid="SendDeadLetters",
        Effect=Allow,
        Action=[sqs_actions.SendMessage],
        Resource=[GetAtt(queue, "Arn")],
    )


# X-Ray knows no narrower resource for these two actions.
_TRACES = Statement(
    Sid="SendTraces",
    Effect=Allow,
    Action=[xray.PutTraceSegments, xray.PutTelemetryRecords],
    Resource=["*"],
)
