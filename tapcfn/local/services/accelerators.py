"""Global Accelerator: accelerators, listeners and endpoint groups. They route nothing.

Its API lives in us-west-2 alone; whoever asks in another Region finds nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import table
from tapcfn.local.services.records import Record, Shelf
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked

_accelerators = Shelf("globalaccelerator", "accelerator")
_listeners = Shelf("globalaccelerator", "listener")
_groups = Shelf("globalaccelerator", "endpoint-group")

# What each kind is when the request leaves it out.
_ACCELERATOR: Record = {"IpAddressType": "IPV4", "Enabled": True}
_LISTENER: Record = {"ClientAffinity": "NONE"}
_GROUP: Record = {
    "TrafficDialPercentage": 100.0,
    "HealthCheckProtocol": "TCP",
    "HealthCheckIntervalSeconds": 30,
    "ThresholdCount": 3,
    "PortOverrides": [],
}
_GROUP_KEYS = (*_GROUP, "HealthCheckPort", "HealthCheckPath")
_USUAL_WEIGHT = 128
_MOST_DIAL = 100


# Accelerators -------------------------------------------------------------------------------------


def _create_accelerator(asked: Asked) -> Record:
    identifier = emulator.new_id()
    arn = f"arn:aws:globalaccelerator::{emulator.account_id()}:accelerator/{identifier}"
    record = _ACCELERATOR | _given(asked, "Name", "IpAddressType", "Enabled")
    record |= {"AcceleratorArn": arn, "Status": "DEPLOYED", "CreatedTime": time.time()}
    record |= _addresses(identifier, asked.get("IpAddresses") or [])
    record |= {"LastModifiedTime": record["CreatedTime"], "Tags": list(asked.get("Tags") or ())}
    return {"Accelerator": _shown(_accelerators.put(arn, record))}


def _addresses(identifier: str, own: list[str]) -> Record:
    """Return the host names and addresses, which stay the same as long as the accelerator lives.

    The two addresses come from two network zones of AWS, unless the account brought its own.
    """
    a, b, c, d = bytes.fromhex(identifier[:8])
    made = [f"75.2.{a}.{b}", f"99.83.{128 + c % 128}.{d}"]
    host = identifier.replace("-", "")[:16]
    addresses = [*own, *made[len(own) :]]
    return {
        "DnsName": f"a{host}.awsglobalaccelerator.com",
        "IpSets": [{"IpFamily": "IPv4", "IpAddressFamily": "IPv4", "IpAddresses": addresses}],
    }


def _shown(record: Record) -> Record:
    shown = {name: value for name, value in record.items() if name != "Tags"}
    if record["IpAddressType"] == "DUAL_STACK":
        host = str(record["DnsName"]).partition(".")[0]
        shown["DualStackDnsName"] = f"{host}.dualstack.awsglobalaccelerator.com"
        six = [f"2600:9000:a{n}00:{host[1:5]}:{host[5:9]}::1" for n in (6, 7)]
        shown["IpSets"] = [
            *record["IpSets"],
            {"IpFamily": "IPv6", "IpAddressFamily": "IPv6", "IpAddresses": six},
        ]
    return shown


def _update_accelerator(asked: Asked) -> Record:
    record = _accelerator(asked["AcceleratorArn"])
    record |= _given(asked, "Name", "IpAddressType", "Enabled") | {"LastModifiedTime": time.time()}
    return {"Accelerator": _shown(record)}


def _delete_accelerator(asked: Asked) -> Record:
    arn = asked["AcceleratorArn"]
    if _accelerator(arn)["Enabled"]:
        raise RefusedError(
            "AcceleratorNotDisabledException",
            "The accelerator must be disabled before it can be deleted.",
        )
    if _below(_listeners, arn):
        raise RefusedError(
            "AssociatedListenerFoundException",
            "The accelerator that you specified has a listener associated with it.",
        )
    _accelerators.remove(arn)
    return {}


# Listeners ----------------------------------------------------------------------------------------


def _create_listener(asked: Asked) -> Record:
    home = _accelerator(asked["AcceleratorArn"])["AcceleratorArn"]
    arn = f"{home}/listener/{emulator.new_id()[:8]}"
    record = _LISTENER | _given(asked, "PortRanges", "Protocol", "ClientAffinity")
    return {"Listener": _listeners.put(arn, record | {"ListenerArn": arn})}


def _update_listener(asked: Asked) -> Record:
    record = _listener(asked["ListenerArn"])
    record |= _given(asked, "PortRanges", "Protocol", "ClientAffinity")
    return {"Listener": record}


def _delete_listener(asked: Asked) -> Record:
    arn = _listener(asked["ListenerArn"])["ListenerArn"]
    if _below(_groups, arn):
        raise RefusedError(
            "AssociatedEndpointGroupFoundException",
            "The listener that you specified has an endpoint group associated with it.",
        )
    _listeners.remove(arn)
    return {}


# Endpoint groups ----------------------------------------------------------------------------------


def _create_group(asked: Asked) -> Record:
    listener, region = _listener(asked["ListenerArn"]), asked["EndpointGroupRegion"]
    home = listener["ListenerArn"]
    if any(each["EndpointGroupRegion"] == region for each in _below(_groups, home)):
        raise RefusedError(
            "EndpointGroupAlreadyExistsException",
            f"The listener already has an endpoint group in {region}.",
        )
    arn = f"{home}/endpoint-group/{emulator.new_id().replace('-', '')[:12]}"
    record = _GROUP | {"HealthCheckPort": listener["PortRanges"][0]["FromPort"]}
    record |= {"EndpointGroupArn": arn, "EndpointGroupRegion": region, "EndpointDescriptions": []}
    return {"EndpointGroup": _groups.put(arn, record | _settings(asked))}


def _update_group(asked: Asked) -> Record:
    record = _group(asked["EndpointGroupArn"])
    record |= _settings(asked)
    return {"EndpointGroup": record}


def _settings(asked: Asked) -> Record:
    dial = asked.get("TrafficDialPercentage", _MOST_DIAL)
    if not 0 <= dial <= _MOST_DIAL:
        raise RefusedError(
            "InvalidArgumentException", "The traffic dial percentage must be from 0 to 100."
        )
    settings = _given(asked, *_GROUP_KEYS)
    if "EndpointConfigurations" in asked:
        settings["EndpointDescriptions"] = [_seen(each) for each in asked["EndpointConfigurations"]]
    if settings.get("HealthCheckProtocol") in ("HTTP", "HTTPS"):
        settings.setdefault("HealthCheckPath", "/")
    return settings


def _seen(endpoint: Mapping[str, Any]) -> Record:
    """Return an endpoint as it is described; whoever asks finds it healthy."""
    preserved = endpoint.get("ClientIPPreservationEnabled", ":loadbalancer/" in str(endpoint))
    return {
        "EndpointId": endpoint["EndpointId"],
        "Weight": endpoint.get("Weight", _USUAL_WEIGHT),
        "HealthState": "HEALTHY",
        "ClientIPPreservationEnabled": preserved,
    }


def _delete_group(asked: Asked) -> Record:
    _groups.remove(_group(asked["EndpointGroupArn"])["EndpointGroupArn"])
    return {}


# Finding ------------------------------------------------------------------------------------------


def _accelerator(arn: str) -> Record:
    return _found(_accelerators, arn, "Accelerator")


def _listener(arn: str) -> Record:
    return _found(_listeners, arn, "Listener")


def _group(arn: str) -> Record:
    return _found(_groups, arn, "EndpointGroup")


def _found(shelf: Shelf, arn: str, kind: str) -> Record:
    record = shelf.get(arn)
    if record is None:
        raise RefusedError(f"{kind}NotFoundException", f"The {kind} {arn} was not found.")
    return record


def _below(shelf: Shelf, arn: str) -> list[Record]:
    """Return the listeners of an accelerator, or the endpoint groups of a listener."""
    key = {"listener": "ListenerArn", "endpoint-group": "EndpointGroupArn"}[shelf.kind]
    return [each for each in shelf.everything() if str(each[key]).startswith(f"{arn}/")]


def _given(asked: Asked, *names: str) -> Record:
    return {name: asked[name] for name in names if name in asked}


def _listed_groups(asked: Asked) -> Record:
    home = _listener(asked["ListenerArn"])["ListenerArn"]
    return table.page("EndpointGroups", _below(_groups, home), asked)


def _listed_listeners(asked: Asked) -> Record:
    home = _accelerator(asked["AcceleratorArn"])["AcceleratorArn"]
    return table.page("Listeners", _below(_listeners, home), asked)


def _listed_accelerators(asked: Asked) -> Record:
    shown = [_shown(each) for each in _accelerators.everything()]
    return table.page("Accelerators", shown, asked)


def _retag(asked: Asked) -> Record:
    record = _accelerator(asked["ResourceArn"])
    record["Tags"] = table.retagged(record["Tags"], asked)
    return {}


_ACTIONS: Mapping[str, table.Act] = {
    "CreateAccelerator": _create_accelerator,
    "UpdateAccelerator": _update_accelerator,
    "DeleteAccelerator": _delete_accelerator,
    "DescribeAccelerator": lambda asked: {
        "Accelerator": _shown(_accelerator(asked["AcceleratorArn"]))
    },
    "ListAccelerators": _listed_accelerators,
    "CreateListener": _create_listener,
    "UpdateListener": _update_listener,
    "DeleteListener": _delete_listener,
    "DescribeListener": lambda asked: {"Listener": _listener(asked["ListenerArn"])},
    "ListListeners": _listed_listeners,
    "CreateEndpointGroup": _create_group,
    "UpdateEndpointGroup": _update_group,
    "DeleteEndpointGroup": _delete_group,
    "DescribeEndpointGroup": lambda asked: {"EndpointGroup": _group(asked["EndpointGroupArn"])},
    "ListEndpointGroups": _listed_groups,
    "TagResource": _retag,
    "UntagResource": _retag,
    "ListTagsForResource": lambda asked: {"Tags": _accelerator(asked["ResourceArn"])["Tags"]},
}

install = partial(table.add, "globalaccelerator", "GlobalAccelerator_", _ACTIONS)
