"""A VPC that is already there, in place of one of our own: the same outputs from parameters. (L-22)

CloudFormation cannot fall back by itself when the quota of VPCs is reached.
"""

from __future__ import annotations

from collections.abc import Iterator

from troposphere import Join, Output, Parameter, Ref

from tapcfn.templating import Template
from templates.layers.network import Out

VPC = "AWS::EC2::VPC::Id"
SUBNETS = "List<AWS::EC2::Subnet::Id>"


def add(template: Template) -> Parameter:
    """Declare the VPC and its subnets, publish them as a network does, and return the VPC."""
    vpc = template.add_parameter(Parameter("VpcId", Type=VPC, Description="Id of the VPC to use"))
    template.add_output(Output(Out.VPC_ID, Description="Id of the VPC", Value=Ref(vpc)))
    for key, kind in _kinds():
        subnets = template.add_parameter(
            Parameter(key, Type=SUBNETS, Description=f"Ids of its {kind} subnets")
        )
        ids = Join(",", Ref(subnets))
        template.add_output(Output(key, Description=f"Ids of the {kind} subnets", Value=ids))
    return vpc


def _kinds() -> Iterator[tuple[str, str]]:
    yield str(Out.SUBNET_IDS), "public"
    yield str(Out.PRIVATE_SUBNET_IDS), "private"
