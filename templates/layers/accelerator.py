"""Two fixed addresses before several Regions, and how much traffic each of them takes. (L-18)

An Elastic IP cannot leave its Region; these addresses belong to no Region. Global Accelerator's
own API is in one Region, but its resource types are in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from troposphere import GetAtt, Parameter, Ref, globalaccelerator

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value

FULL = 100


@dataclass(frozen=True, slots=True)
class Side:
    """The load balancer of one Region by its ARN, and the percentage that its Region takes."""

    title: str
    region: Value
    balancer: Value
    dial: Parameter


def dial(title: str, description: str) -> Parameter:
    """Return a parameter for a percentage, which is stepped by updates of nothing else. (L-13)"""
    return Parameter(title, Type="Number", MinValue=0, MaxValue=FULL, Description=description)


def add(
    template: Template,
    *,
    name: Value,
    sides: Sequence[Side],
    tags: Mapping[str, str],
    port: int = 80,
) -> globalaccelerator.Accelerator:
    """Add an accelerator for one TCP port with an endpoint group for each side.

    Whether a balancer is healthy is its own word: the targets behind it count.
    """
    accelerator = template.add(
        globalaccelerator.Accelerator(
            "Accelerator", Name=name, IpAddressType="IPV4", Enabled=True, Tags=tagged(tags)
        )
    )
    listener = template.add(
        globalaccelerator.Listener(
            "Listener",
            AcceleratorArn=GetAtt(accelerator, "AcceleratorArn"),
            Protocol="TCP",
            PortRanges=[globalaccelerator.PortRange(FromPort=port, ToPort=port)],
        )
    )
    for side in sides:
        template.add(_group(listener, side))
    return accelerator


def _group(listener: globalaccelerator.Listener, side: Side) -> globalaccelerator.EndpointGroup:
    endpoint = globalaccelerator.EndpointConfiguration(
        EndpointId=side.balancer, Weight=FULL, ClientIPPreservationEnabled=True
    )
    return globalaccelerator.EndpointGroup(
        side.title,
        ListenerArn=GetAtt(listener, "ListenerArn"),
        EndpointGroupRegion=side.region,
        EndpointConfigurations=[endpoint],
        TrafficDialPercentage=Ref(side.dial),
    )
