"""What a rollout writes into, and does not make: hosted zones, with a name that fits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tapcfn.model import Move, Phase, Rollout, Stack, TemplateBody
from tapcfn.outside import hosted_zones
from tests.fakes.builders import HOME, a_stack


def record(name: Any, zone: Any = "Z1", **more: Any) -> dict[str, Any]:
    properties = {"Name": name, "HostedZoneId": zone, **more}
    return {"Type": "AWS::Route53::RecordSet", "Properties": properties}


def stack(name: str, *resources: dict[str, Any], **parameters: str) -> Stack:
    document = {
        "Parameters": {key: {"Type": "String"} for key in parameters},
        "Resources": {f"R{number}": each for number, each in enumerate(resources)},
    }
    body = TemplateBody(name, json.dumps(document))
    return a_stack(name, template=body, parameters=parameters)


@pytest.mark.parametrize(
    ("names", "zone"),
    [
        (("api.example.com",), "example.com"),
        (("Example.com.",), "example.com"),
        (("a.shop.example.com", "b.shop.example.com"), "shop.example.com"),
        (("example.com", "www.example.com"), "example.com"),
    ],
)
def test_a_zone_has_a_name_that_all_its_records_are_in(names: tuple[str, ...], zone: str) -> None:
    """Nobody says it in a template: a record has its zone's id."""
    rollout = Rollout("s", "t", (Phase("p", (stack("dns", *map(record, names)),)),))

    assert {HOME.account: {"Z1": zone}} == hosted_zones(rollout)


def test_zones_are_found_in_parameters_certificates_and_moves() -> None:
    """Those of aliases are AWS's own, and one that a stack makes is not outside."""
    alias = {"DNSName": "x.elb.amazonaws.com", "HostedZoneId": "ZAWS"}
    validated = [{"DomainName": "app.example.org", "HostedZoneId": "Z2"}]
    certificate = {
        "Type": "AWS::CertificateManager::Certificate",
        "Properties": {"DomainValidationOptions": validated},
    }
    here = stack(
        "dns",
        record({"Ref": "Name"}, {"Ref": "Zone"}, AliasTarget=alias),
        record("made.example.net", {"Ref": "R0"}),
        certificate,
        Name="api.example.com",
        Zone="Z1",
    )
    later = Move("later", "later", (stack("late", record("late.example.edu", "Z3")),))
    rollout = Rollout("s", "t", (Phase("p", (here,)),), moves=(later,))

    assert {"Z1": "example.com", "Z2": "example.org", "Z3": "example.edu"} == (
        hosted_zones(rollout)[HOME.account]
    )
