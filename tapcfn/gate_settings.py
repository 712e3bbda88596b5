"""Gates in TOML: one table each, whose `kind` says which of the other keys it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from tapcfn.config import AccountId, Region, Strict
from tapcfn.intrinsics import partition_of
from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    Check,
    CommandCheck,
    Comparison,
    Gate,
    HealthCheck,
    MetricCheck,
    ProbeCheck,
    Target,
    TargetHealthCheck,
)

T = TypeVar("T")

Kind: TypeAlias = Literal[
    "alarm", "metric", "health-check", "target-health", "http", "command", "approval"
]


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no http or https URL")
    return value


def _some(value: tuple[T, ...]) -> tuple[T, ...]:
    if not value:
        raise ValueError("is empty")
    return value


_Text = Annotated[str, Field(min_length=1)]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_MoreThanNone = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Texts = Annotated[tuple[_Text, ...], AfterValidator(_some)]
_Statuses = Annotated[tuple[Annotated[int, Field(ge=100, le=599)], ...], AfterValidator(_some)]


class GateSettings(Strict):
    """One gate. {account}, {region} and {partition} in texts stand for those of its target."""

    name: str = Field(
        description="letters, digits, dots, spaces and hyphens: what the gate is called",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$",
    )
    kind: Kind = Field(description=", ".join(f'"{each}"' for each in get_args(Kind)))
    hold: _Seconds = Field(
        0.0, description="seconds: how long it must be good without a break; 0 is one good look"
    )
    timeout: _MoreThanNone = Field(
        600.0, description="seconds, more than 0: when it has failed if it has not passed"
    )
    every: _MoreThanNone = Field(15.0, description="seconds, more than 0: between two looks")
    stale: _MoreThanNone | None = Field(
        None,
        description="seconds, more than 0: how old the newest sample may be; else that of 3 looks",
    )
    fails_at_once: bool = Field(
        False, description="true or false: whether a bad sample fails the gate at once"
    )
    account: AccountId | None = Field(
        None, description="an account id, in quotes: 12 digits; else that of what the gate is for"
    )
    region: Region | None = Field(
        None, description='the Region that has the data, such as "us-east-1"; else that of what it '
        "is for; metrics of S3 replication are in the destination's"
    )  # fmt: skip
    alarms: _Texts | None = Field(
        None, description="a list of names of alarms in the gate's Region"
    )
    namespace: _Text | None = Field(None, description='a text, such as "AWS/ApiGateway"')
    metric: _Text | None = Field(None, description='a text, such as "5XXError"')
    dimensions: Mapping[str, _Text] | None = Field(
        None, description='texts by name, such as { ApiName = "shop", Stage = "prod" }'
    )
    statistic: str | None = Field(
        None,
        description='"Average", "Sum", "Minimum", "Maximum", "SampleCount", or a percentile such '
        'as "p95"',
        pattern=r"^(Average|Sum|Minimum|Maximum|SampleCount|(p|tm|tc|ts|wm)\d{1,2}(\.\d+)?)$",
    )
    good: Literal["<", "<=", ">", ">="] | None = Field(
        None, description='"<", "<=", ">" or ">=": how a value is to the threshold when it is good'
    )
    threshold: float | None = Field(None, description="a number", allow_inf_nan=False)
    period: int | None = Field(
        None, description="seconds: 60 or a multiple of it, at most 86400", ge=60, le=86400,
        multiple_of=60,
    )  # fmt: skip
    lowest: float | None = Field(
        None,
        description="a number: values below it are no measurement; 0 where it is not written",
        allow_inf_nan=False,
    )
    health_check: _Text | None = Field(None, description="the id of a Route 53 health check")
    target_group: str | None = Field(
        None,
        description="the ARN of a target group",
        pattern=r"^arn:[^:]+:elasticloadbalancing:[^:]+:[^:]+:targetgroup/.+$",
    )
    healthy: int | None = Field(
        None, description="a whole number from 1: how many targets must be healthy", ge=1
    )
    url: Annotated[str, AfterValidator(_url)] | None = Field(
        None, description="an http or https URL, without a user name or a password"
    )
    status: _Statuses | None = Field(
        None, description="a list of HTTP status codes, such as [200, 204]"
    )
    command: _Texts | None = Field(
        None, description='a list of words, such as ["./smoke.sh", "--fast"]; no shell reads them'
    )
    seconds: _MoreThanNone | None = Field(
        None, description="seconds, more than 0: how long one answer may take"
    )
    question: _Text | None = Field(None, description="a text: what a person is asked")

    @model_validator(mode="after")
    def _is_whole(self) -> GateSettings:
        if faults := tuple(self._faults()):
            raise ValueError("; ".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        form = FORMS[self.kind]
        for key in form.needs:
            if getattr(self, key) is None:
                said = type(self).model_fields[key].description
                yield f'{key}: missing, and kind is "{self.kind}"; allowed: {said}'
        given = [key for key in OWN if getattr(self, key) is not None]
        for key in given:
            if key not in (*form.needs, *form.takes):
                allowed = ", ".join((*form.needs, *form.takes))
                yield f'{key}: not for kind = "{self.kind}"; allowed there: {allowed}'
        if "@" in urlsplit(self.url or "").netloc:  # its value is not to be shown
            yield "url: has a user name or a password in it; allowed: a URL without"
        if self.timeout < self.hold:
            yield (
                f"timeout = {self.timeout:g}: less than hold = {self.hold:g}, so it never passes; "
                "allowed: more than hold"
            )

    def gate(self, home: Target) -> Gate:
        """Return the gate of something that lives at `home`."""
        target = Target(self.account or home.account, self.region or home.region)
        check = FORMS[self.kind].make(self, _Filling(target))
        return Gate(
            name=self.name,
            check=check,
            hold=self.hold,
            timeout=self.timeout,
            every=self.every,
            fails_at_once=self.fails_at_once,
            stale=self.stale,
        )


def _distinct(gates: tuple[GateSettings, ...]) -> tuple[GateSettings, ...]:
    names = [gate.name for gate in gates]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)}: there twice; allowed: each name once")
    return gates


# For a key of settings: `gates: GateList = Field((), description=...)`.
GateList: TypeAlias = Annotated[tuple[GateSettings, ...], AfterValidator(_distinct)]


def gates_of(gates: Iterable[GateSettings], home: Target) -> tuple[Gate, ...]:
    """Return the gates of something that lives at `home`, in their order."""
    return tuple(each.gate(home) for each in gates)


# Kinds --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Filling:
    """Puts a target into texts."""

    target: Target

    def __call__(self, text: str) -> str:
        return (
            text.replace("{account}", self.target.account)
            .replace("{region}", self.target.region)
            .replace("{partition}", partition_of(self.target.region))
        )


def _alarm(given: GateSettings, fill: _Filling) -> Check:
    return AlarmCheck(fill.target, tuple(map(fill, given.alarms or ())))


def _metric(given: GateSettings, fill: _Filling) -> Check:
    dimensions = sorted((given.dimensions or {}).items())
    return MetricCheck(
        target=fill.target,
        namespace=given.namespace or "",
        metric=given.metric or "",
        dimensions=tuple((name, fill(value)) for name, value in dimensions),
        statistic=given.statistic or "",
        comparison=Comparison(given.good or ""),
        threshold=given.threshold or 0.0,
        **_written(given, "period", "lowest"),
    )


def _health_check(given: GateSettings, fill: _Filling) -> Check:
    return HealthCheck(fill.target, given.health_check or "")


def _target_health(given: GateSettings, fill: _Filling) -> Check:
    group = fill(given.target_group or "")
    return TargetHealthCheck(fill.target, group, **_written(given, "healthy"))


def _http(given: GateSettings, fill: _Filling) -> Check:
    return ProbeCheck(fill(given.url or ""), **_written(given, "status", "seconds"))


def _command(given: GateSettings, fill: _Filling) -> Check:
    return CommandCheck(tuple(map(fill, given.command or ())), **_written(given, "seconds"))


def _approval(given: GateSettings, fill: _Filling) -> Check:
    return ApprovalCheck(fill(given.question or ""))


def _written(given: GateSettings, *keys: str) -> dict[str, Any]:
    """Return the keys that are there; the noun says what the others are."""
    return {key: getattr(given, key) for key in keys if getattr(given, key) is not None}


@dataclass(frozen=True, slots=True)
class Form:
    """What a kind of gate must be told, what it may be told, and what becomes of it."""

    make: Callable[[GateSettings, _Filling], Check]
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


_PLACE = ("account", "region")
FORMS: Mapping[str, Form] = {
    "alarm": Form(_alarm, ("alarms",), _PLACE),
    "metric": Form(
        _metric,
        ("namespace", "metric", "statistic", "good", "threshold"),
        (*_PLACE, "dimensions", "period", "lowest"),
    ),
    "health-check": Form(_health_check, ("health_check",), _PLACE),
    "target-health": Form(_target_health, ("target_group",), (*_PLACE, "healthy")),
    "http": Form(_http, ("url",), ("status", "seconds", *_PLACE)),
    "command": Form(_command, ("command",), ("seconds", *_PLACE)),
    "approval": Form(_approval, ("question",), _PLACE),
}

# The keys that only some kinds take.
OWN = tuple(dict.fromkeys(key for form in FORMS.values() for key in (*form.needs, *form.takes)))
