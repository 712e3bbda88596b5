"""EC2: routes by every kind of destination and to every kind of target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_TARGETS = (
    *("GatewayId", "NatGatewayId", "InstanceId", "NetworkInterfaceId", "TransitGatewayId"),
    *("VpcPeeringConnectionId", "EgressOnlyInternetGatewayId", "CarrierGatewayId"),
    *("LocalGatewayId", "VpcEndpointId", "CoreNetworkArn"),
)


def _create(asked: Value, _: Do) -> Value:
    routes = _routes(asked)
    if _find(routes, asked) is not None:
        message = f"The route identified by {_destination(asked)} already exists."
        raise RefusedError("RouteAlreadyExists", message)
    _refuse(asked)
    routes.append(_route(asked))
    return {"Return": True}


def _replace(asked: Value, _: Do) -> Value:
    routes = _routes(asked)
    found = _existing(routes, asked)
    _refuse(asked)
    routes[routes.index(found)] = _route(asked)
    return {}


def _delete(asked: Value, _: Do) -> Value:
    routes = _routes(asked)
    routes.remove(_existing(routes, asked))
    return {}


def _route(asked: Value) -> dict[str, Any]:
    told = {name: asked[name] for name in (*_DESTINATIONS, *_TARGETS) if asked.get(name)}
    return {**told, "State": "active", "Origin": "CreateRoute"}


def _refuse(asked: Value) -> None:
    """Refuse a peering connection or an egress-only gateway that is not there."""
    peering = asked.get("VpcPeeringConnectionId")
    gateway = asked.get("EgressOnlyInternetGatewayId")
    if peering:
        status = emulator.ec2.store("_vpc_peering").get(peering, {}).get("Status", {})
        if status.get("Code") != "active":
            message = f"The vpcPeeringConnection ID '{peering}' does not exist"
            raise RefusedError("InvalidVpcPeeringConnectionID.NotFound", message)
    if gateway and gateway not in emulator.ec2.store("_egress_igws"):
        message = f"The gateway ID '{gateway}' does not exist"
        raise RefusedError("InvalidGatewayID.NotFound", message)


def _routes(asked: Value) -> list[dict[str, Any]]:
    tables = emulator.ec2.store("_route_tables")
    table = asked["RouteTableId"]
    if table not in tables:
        message = f"The routeTable ID '{table}' does not exist"
        raise RefusedError("InvalidRouteTableID.NotFound", message)
    found: list[dict[str, Any]] = tables[table]["Routes"]
    return found


def _destination(asked: Mapping[str, Any]) -> str:
    return next((str(asked[name]) for name in _DESTINATIONS if asked.get(name)), "")


def _find(routes: list[dict[str, Any]], asked: Value) -> dict[str, Any] | None:
    wanted = _destination(asked)
    return next((route for route in routes if _destination(route) == wanted), None)


def _existing(routes: list[dict[str, Any]], asked: Value) -> dict[str, Any]:
    found = _find(routes, asked)
    if found is None:
        message = f"no route with destination-cidr-block {_destination(asked)} in route table "
        raise RefusedError("InvalidRoute.NotFound", message + asked["RouteTableId"])
    return found


FRONTS: Mapping[str, Front] = {
    "CreateRoute": _create,
    "ReplaceRoute": _replace,
    "DeleteRoute": _delete,
}

install = partial(wire.install, "ec2", FRONTS)
