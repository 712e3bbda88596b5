"""Global Accelerator: accelerators, listeners and endpoint groups, through its API in us-west-2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.fitting import fitted, refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    gone_is_fine,
    key_values,
    picked,
    tag_changes,
    tag_map,
)

API_REGION = "us-west-2"
SERVICE = "globalaccelerator"


def _api() -> Any:
    return calls.client(SERVICE, region=API_REGION)


# Accelerator --------------------------------------------------------------------------------------

_ACCELERATOR = ("Name", "IpAddressType", "IpAddresses", "Enabled")


def _create_accelerator(wanted: Wanted) -> Made:
    refuse_other(wanted.type, wanted.properties, frozenset({*_ACCELERATOR, "Tags"}))
    asked = fitted(SERVICE, "CreateAcceleratorRequest", picked(wanted.properties, *_ACCELERATOR))
    tags = key_values(tag_map(wanted.get("Tags")))
    return _accelerator(_api().create_accelerator(**asked, Tags=tags)["Accelerator"])


def _update_accelerator(wanted: Wanted) -> Made:
    refuse_other(wanted.type, wanted.properties, frozenset({*_ACCELERATOR, "Tags"}))
    if wanted.changed("IpAddresses"):
        raise ResourceRefusedError("the addresses of an accelerator do not change here")
    arn, now = wanted.physical_id, picked(wanted.properties, *_ACCELERATOR)
    asked = fitted(SERVICE, "UpdateAcceleratorRequest", _USUAL | now)
    made = _api().update_accelerator(AcceleratorArn=arn, **asked)["Accelerator"]
    new, gone = tag_changes(wanted)
    if new:
        _api().tag_resource(ResourceArn=arn, Tags=key_values(new))
    if gone:
        _api().untag_resource(ResourceArn=arn, TagKeys=gone)
    return _accelerator(made)


def _accelerator(made: Mapping[str, Any]) -> Made:
    families = {each["IpAddressFamily"]: each["IpAddresses"] for each in made["IpSets"]}
    attributes = {
        "AcceleratorArn": made["AcceleratorArn"],
        "DnsName": made["DnsName"],
        "Ipv4Addresses": families["IPv4"],
        "Ipv6Addresses": families.get("IPv6", []),
        **picked(made, "DualStackDnsName"),
    }
    return Made(made["AcceleratorArn"], attributes)


def _delete_accelerator(wanted: Wanted) -> None:
    """Disable it first, as CloudFormation does: an enabled one is not deleted."""
    with gone_is_fine():
        _api().update_accelerator(AcceleratorArn=wanted.physical_id, Enabled=False)
        _api().delete_accelerator(AcceleratorArn=wanted.physical_id)


# Listener -----------------------------------------------------------------------------------------

_LISTENER = ("PortRanges", "Protocol", "ClientAffinity")


def _create_listener(wanted: Wanted) -> Made:
    asked = fitted(SERVICE, "CreateListenerRequest", dict(wanted.properties))
    arn = _api().create_listener(**asked)["Listener"]["ListenerArn"]
    return Made(arn, {"ListenerArn": arn})


def _update_listener(wanted: Wanted) -> Made:
    now = {"ClientAffinity": "NONE"} | picked(wanted.properties, *_LISTENER)
    asked = fitted(SERVICE, "UpdateListenerRequest", now)
    _api().update_listener(ListenerArn=wanted.physical_id, **asked)
    return Made(wanted.physical_id, {"ListenerArn": wanted.physical_id})


def _delete_listener(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_listener(ListenerArn=wanted.physical_id)


# Endpoint group -----------------------------------------------------------------------------------

# What an endpoint group becomes again when the template no longer says it.
_GROUP = {
    "TrafficDialPercentage": 100,
    "HealthCheckProtocol": "TCP",
    "HealthCheckIntervalSeconds": 30,
    "ThresholdCount": 3,
    "EndpointConfigurations": [],
    "PortOverrides": [],
}
_GROUP_FIXED = ("ListenerArn", "EndpointGroupRegion")
_USUAL = {"IpAddressType": "IPV4", "Enabled": True}


def _create_group(wanted: Wanted) -> Made:
    _require_endpoints(wanted)
    asked = fitted(SERVICE, "CreateEndpointGroupRequest", dict(wanted.properties))
    arn = _api().create_endpoint_group(**asked)["EndpointGroup"]["EndpointGroupArn"]
    return Made(arn, {"EndpointGroupArn": arn})


def _update_group(wanted: Wanted) -> Made:
    _require_endpoints(wanted)
    now = {k: v for k, v in wanted.properties.items() if k not in _GROUP_FIXED}
    asked = fitted(SERVICE, "UpdateEndpointGroupRequest", _GROUP | now)
    _api().update_endpoint_group(EndpointGroupArn=wanted.physical_id, **asked)
    return Made(wanted.physical_id, {"EndpointGroupArn": wanted.physical_id})


def _require_endpoints(wanted: Wanted) -> None:
    """Refuse a load balancer that is not in the Region of its endpoint group."""
    region = str(wanted["EndpointGroupRegion"])
    for endpoint in wanted.get("EndpointConfigurations") or ():
        arn = str(endpoint["EndpointId"])
        if ":loadbalancer/" not in arn:
            continue
        if arn.split(":")[3] != region:
            raise ResourceRefusedError(
                f"The endpoint {arn} is not in the Region of the endpoint group, {region}."
            )
        calls.client("elbv2", region=region).describe_load_balancers(LoadBalancerArns=[arn])


def _delete_group(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_endpoint_group(EndpointGroupArn=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::GlobalAccelerator::Accelerator",
        create=_create_accelerator,
        update=_update_accelerator,
        delete=_delete_accelerator,
        tags="Tags",
    ),
    Provisioner(
        "AWS::GlobalAccelerator::Listener",
        create=_create_listener,
        update=_update_listener,
        delete=_delete_listener,
        create_only=("AcceleratorArn",),
    ),
    Provisioner(
        "AWS::GlobalAccelerator::EndpointGroup",
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        create_only=("EndpointGroupRegion", "ListenerArn"),
    ),
)
