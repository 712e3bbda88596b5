"""Single instances beside a fleet: each keeps its id for as long as its launch template stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from troposphere import GetAtt, Ref, ec2

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value


def add(
    template: Template,
    *,
    launch_template: ec2.LaunchTemplate,
    subnets: Sequence[Value],
    tags: Mapping[str, str],
    label: str,
) -> list[ec2.Instance]:
    """Add one instance in each of these subnets, as the launch template describes it."""
    return [
        template.add(
            ec2.Instance(
                f"Instance{index}",
                LaunchTemplate=ec2.LaunchTemplateSpecification(
                    LaunchTemplateId=Ref(launch_template),
                    Version=GetAtt(launch_template, "LatestVersionNumber"),
                ),
                SubnetId=subnet,
                Tags=tagged(tags, f"{label}-{index}"),
            )
        )
        for index, subnet in enumerate(subnets)
    ]
