"""Roles for AWS services, each with AWS's own policy for its task."""

from __future__ import annotations

from collections.abc import Mapping

from awacs.aws import StringEquals
from troposphere import Ref, Sub, iam

from tapcfn.templating import Template
from templates.layers import _iam
from templates.layers._tags import tagged

RDS_MONITORING = "service-role/AmazonRDSEnhancedMonitoringRole"


def add_rds_monitoring(template: Template, title: str, *, tags: Mapping[str, str]) -> iam.Role:
    """Add the role by which this account's RDS sends the operating system's figures to Logs."""
    return template.add(
        iam.Role(
            title,
            Description="Lets RDS send the operating system's figures to CloudWatch Logs",
            AssumeRolePolicyDocument=_iam.trust(
                "monitoring.rds.amazonaws.com",
                StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
            ),
            ManagedPolicyArns=[Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{RDS_MONITORING}")],
            Tags=tagged(tags),
        )
    )
