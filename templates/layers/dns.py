"""Route 53: health checks, weighted records, and certificates that their zone proves.

Health checks report to CloudWatch of one Region alone, that of Route 53's own control plane: they,
their records and their alarms stand in one stack there. A certificate stands where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from troposphere import Parameter, Ref, certificatemanager, route53

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value, value

TTL_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Alias:
    """An answer that Route 53 works out by itself: an AWS name, and the zone that AWS has it in.

    The only kind for the name of a zone itself, which cannot be a CNAME.
    """

    name: Parameter | Value
    zone: Parameter | Value


@dataclass(frozen=True, slots=True)
class Share:
    """One of several answers to a name: a label that tells it apart, and its weight.

    Weights that are all 0 share alike: a template must forbid it by a rule.
    """

    label: Value
    weight: Parameter | Value
    check: route53.HealthCheck


def check_endpoint(
    template: Template,
    title: str,
    *,
    host: Parameter | Value,
    path: str,
    tags: Mapping[str, str],
    label: Value,
    seconds: int = 30,
    failures: int = 3,
    tls: bool = True,
) -> route53.HealthCheck:
    """Add a health check of a path over HTTPS, or HTTP; `label` is its name on the console.

    The host is a Region's own, never the name that is shared between Regions.
    """
    config = route53.HealthCheckConfig(
        Type="HTTPS" if tls else "HTTP",
        FullyQualifiedDomainName=value(host),
        Port=443 if tls else 80,
        ResourcePath=path,
        EnableSNI=tls,
        RequestInterval=seconds,
        FailureThreshold=failures,
    )
    return template.add(_check(title, config, tags, label))


def check_alarm(
    template: Template,
    title: str,
    *,
    alarm: Parameter | Value,
    region: Parameter | Value,
    tags: Mapping[str, str],
    label: Value,
) -> route53.HealthCheck:
    """Add a health check that follows an alarm of any Region.

    Route 53 copies the alarm: a changed alarm needs a changed check. No data is no failure.
    """
    config = route53.HealthCheckConfig(
        Type="CLOUDWATCH_METRIC",
        AlarmIdentifier=route53.AlarmIdentifier(Name=value(alarm), Region=value(region)),
        InsufficientDataHealthStatus="Healthy",
    )
    return template.add(_check(title, config, tags, label))


def _check(
    title: str, config: route53.HealthCheckConfig, tags: Mapping[str, str], label: Value
) -> route53.HealthCheck:
    return route53.HealthCheck(title, HealthCheckConfig=config, HealthCheckTags=tagged(tags, label))


def add_share(
    template: Template,
    title: str,
    *,
    zone: Parameter | Value,
    name: Parameter | Value,
    answer: Alias | Parameter | Value,
    share: Share,
) -> route53.RecordSetType:
    """Add one of the weighted answers to a name: an alias, or a CNAME for a minute."""
    return template.add(
        route53.RecordSetType(
            title,
            HostedZoneId=value(zone),
            Name=value(name),
            SetIdentifier=share.label,
            Weight=value(share.weight),
            HealthCheckId=share.check.ref(),
            **_answer(answer),
        )
    )


def add_nearest(
    template: Template,
    title: str,
    *,
    zone: Parameter | Value,
    name: Parameter | Value,
    answer: Alias,
) -> route53.RecordSetType:
    """Add this Region's answer to a name that several Regions answer: the quickest to reach wins.

    Each Region's stack has its own, so that a Region comes and goes with its answer.
    """
    return template.add(
        route53.RecordSetType(
            title,
            HostedZoneId=value(zone),
            Name=value(name),
            SetIdentifier=Ref("AWS::Region"),
            Region=Ref("AWS::Region"),
            **_answer(answer),
        )
    )


def _answer(answer: Alias | Parameter | Value) -> dict[str, Any]:
    if isinstance(answer, Alias):
        # troposphere gives this class no types.
        target = route53.AliasTarget(  # type: ignore[attr-defined, no-untyped-call]
            DNSName=value(answer.name),
            HostedZoneId=value(answer.zone),
            EvaluateTargetHealth=True,
        )
        return {"Type": "A", "AliasTarget": target}
    return {"Type": "CNAME", "TTL": str(TTL_SECONDS), "ResourceRecords": [value(answer)]}


def certify(
    template: Template,
    title: str,
    *,
    domain: Parameter | Value,
    zone: Parameter | Value,
    tags: Mapping[str, str],
) -> certificatemanager.Certificate:
    """Add a certificate of this Region; CloudFormation proves the name by a record in the zone."""
    return template.add(
        certificatemanager.Certificate(
            title,
            DomainName=value(domain),
            ValidationMethod="DNS",
            DomainValidationOptions=[
                certificatemanager.DomainValidationOption(
                    DomainName=value(domain), HostedZoneId=value(zone)
                )
            ],
            Tags=tagged(tags),
        )
    )
