"""The DNS of serverless_api: a health check for each Region, and the weights between them.

The two weights are parameters, which a shift moves step by step with the template as it is. (L-13)
"""

from __future__ import annotations

from enum import StrEnum

from troposphere import And, Equals, Not, Output, Parameter, Ref, route53

from tapcfn.templating import Template
from templates.blueprints.serverless_api.api import zone_parameters
from templates.blueprints.serverless_api.settings import Settings
from templates.blueprints.serverless_api.shift import WHOLE
from templates.layers import dns

# What tells the two answers to one name apart. (S3-24)
LABELS = {"Source": "old-region", "Target": "new-region"}


class Out(StrEnum):
    """What people may ask this stack for."""

    SOURCE_CHECK = "SourceHealthCheckId"
    TARGET_CHECK = "TargetHealthCheckId"


def sides(settings: Settings) -> tuple[str, ...]:
    """Return what the Regions of the application are called here."""
    return ("Target", "Source") if settings.enable_cross_region_replication else ("Target",)


def build(settings: Settings) -> Template:
    """Return the health checks and, with a zone, the weighted records."""
    template = Template("Health checks of every Region, and the weights between them")
    checks = {side: _check(template, settings, side) for side in sides(settings)}
    for side, check in checks.items():
        template.add_output(
            Output(
                f"{side}HealthCheckId",
                Description=f"Id of the health check of the {side.lower()}",
                Value=check.ref(),
            )
        )
    if settings.hosted_zone_id:
        _add_records(template, settings, checks)
    return template


def _check(template: Template, settings: Settings, side: str) -> route53.HealthCheck:
    title, label = f"{side}HealthCheck", f"{settings.prefix}-{LABELS[side]}"
    if settings.health_check == "alarm":
        return dns.check_alarm(
            template,
            title,
            alarm=_text(template, f"{side}Alarm", "Name of the alarm that the check follows"),
            region=_text(template, f"{side}Region", "Region of that alarm"),
            tags=settings.tags,
            label=label,
        )
    return dns.check_endpoint(
        template,
        title,
        host=_text(template, f"{side}Host", "Host of the Region's API"),
        path=f"/{settings.environment}/health",
        tags=settings.tags,
        label=label,
    )


def _add_records(
    template: Template, settings: Settings, checks: dict[str, route53.HealthCheck]
) -> None:
    zone, domain = (template.add_parameter(each) for each in zone_parameters())
    for side, check in checks.items():
        weight = template.add_parameter(_weight(side))
        dns.add_share(
            template,
            f"{side}Record",
            zone=zone,
            name=domain,
            answer=_answer(template, settings, side),
            share=dns.Share(LABELS[side], weight, check),
        )
    template.add_rule("SomeoneAnswers", _someone_answers(tuple(checks)))


def _answer(template: Template, settings: Settings, side: str) -> dns.Alias | Parameter:
    target = _text(template, f"{side}Target", "Name that the domain leads to there")
    if not settings.apex:
        return target
    return dns.Alias(target, _text(template, f"{side}Zone", "Zone of that name"))


def _text(template: Template, title: str, description: str) -> Parameter:
    return template.add_parameter(
        Parameter(title, Type="String", Description=description, MinLength=1)
    )


def _weight(side: str) -> Parameter:
    return Parameter(
        f"{side}Weight",
        Type="Number",
        Description=f"Share of the traffic, in percent, that the {side.lower()} gets",
        MinValue=0,
        MaxValue=WHOLE,
    )


def _someone_answers(names: tuple[str, ...]) -> dict[str, object]:
    """Return the rule that not all weights are 0: Route 53 would then share alike."""
    none = [Equals(Ref(f"{name}Weight"), "0") for name in names]
    silent = And(*none) if len(none) > 1 else none[0]
    return {
        "Assertions": [
            {"Assert": Not(silent), "AssertDescription": "one weight must be above 0"},
        ]
    }
