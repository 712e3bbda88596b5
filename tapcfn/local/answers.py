"""What the emulator's services leave out: addresses, flow-log details, log-group keys, refusals.

Each function takes the emulator's own action and returns one that says or refuses more. What a
service was told is kept in the emulator's own records, so that it is saved and reset with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, MutableMapping
from ipaddress import IPv4Network
from typing import Any
from xml.sax.saxutils import escape

from tapcfn.local import emulator
from tapcfn.local.emulator import Action, Answer, Params
from tapcfn.local.services import addresses

Record = MutableMapping[str, Any]

# What a flow log was created with and the emulator forgets: request parameter and answer element.
_FLOW_LOG_DETAILS = {
    "DeliverLogsPermissionArn": "deliverLogsPermissionArn",
    "DeliverCrossAccountRole": "deliverCrossAccountRole",
    "LogGroupName": "logGroupName",
    "LogFormat": "logFormat",
    "MaxAggregationInterval": "maxAggregationInterval",
}
_FLOW_LOG_DEFAULTS = {
    "LogFormat": "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} "
    "${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}",
    "MaxAggregationInterval": "600",
}


def install() -> None:
    """Put the corrections around the services' actions."""
    for name, around in _AROUND.items():
        emulator.ec2.ACTIONS[name] = around(emulator.ec2.ACTIONS[name])
    emulator.wrap_service("cloudwatch_logs", _with_keys)


# Subnets ----------------------------------------------------------------------------------------


def _create_subnet(do: Action) -> Action:
    """Refuse a subnet outside its VPC, over another one, or in a zone of another Region."""

    def act(params: Params) -> Answer:
        vpc, cidr = _one(params, "VpcId"), _one(params, "CidrBlock")
        if vpc not in emulator.ec2.store("_vpcs"):
            return _no("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
        zone = _one(params, "AvailabilityZone")
        if zone and not re.fullmatch(re.escape(emulator.region()) + "[a-z]", zone):
            message = f"Value ({zone}) for parameter availabilityZone is invalid."
            return _no("InvalidParameterValue", message)
        return _refuse_block(vpc, cidr) or do(params)

    return act


def _refuse_block(vpc: str, cidr: str) -> Answer | None:
    try:
        block = IPv4Network(cidr)
        homes = addresses.blocks_of(emulator.ec2.store("_vpcs")[vpc])
    except ValueError:
        message = f"Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR."
        return _no("InvalidParameterValue", message)
    if not any(block.subnet_of(home) for home in homes):
        return _no("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
    for other in emulator.ec2.store("_subnets").values():
        if other["VpcId"] == vpc and block.overlaps(IPv4Network(other["CidrBlock"])):
            return _no("InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet")
    return None


# NAT gateways and their addresses -----------------------------------------------------------------


def _create_nat(do: Action) -> Action:
    """Refuse a NAT gateway without a subnet, or a public one without a free address."""

    def act(params: Params) -> Answer:
        subnet, allocation = _one(params, "SubnetId"), _one(params, "AllocationId")
        public = (_one(params, "ConnectivityType") or "public") == "public"
        if subnet not in emulator.ec2.store("_subnets"):
            return _no("InvalidSubnetID.NotFound", f"The subnet ID '{subnet}' does not exist")
        if public and (refused := _refuse_address(allocation)):
            return refused
        answer = do(params)
        if public:
            _take_address(allocation, _first(answer, "natGatewayId"))
        return answer

    return act


def _refuse_address(allocation: str) -> Answer | None:
    if not allocation:
        return _no("MissingParameter", "The request must contain the parameter AllocationId")
    address = emulator.ec2.store("_addresses").get(allocation)
    if address is None:
        message = f"The allocation ID '{allocation}' does not exist"
        return _no("InvalidAllocationID.NotFound", message)
    if address.get("AssociationId"):
        message = f"Elastic IP address [{allocation}] is already associated"
        return _no("Resource.AlreadyAssociated", message)
    return None


def _take_address(allocation: str, nat: str) -> None:
    association = "eipassoc-" + nat.removeprefix("nat-")
    emulator.ec2.store("_addresses")[allocation]["AssociationId"] = association


def _delete_nat(do: Action) -> Action:
    def act(params: Params) -> Answer:
        gateway = emulator.ec2.store("_nat_gateways").get(_one(params, "NatGatewayId")) or {}
        address = emulator.ec2.store("_addresses").get(gateway.get("AllocationId", ""))
        answer = do(params)
        if address is not None and emulator.succeeded(answer):
            address["AssociationId"] = None
        return answer

    return act


def _describe_nats(do: Action) -> Action:
    """Add to each NAT gateway the address that it has."""

    def act(params: Params) -> Answer:
        return _amended(
            do(params),
            r"<natGatewayId>([^<]+)</natGatewayId>.*?<natGatewayAddressSet/>",
            _addresses,
        )

    return act


def _addresses(found: re.Match[str]) -> str:
    gateway = emulator.ec2.store("_nat_gateways").get(found.group(1)) or {}
    address = emulator.ec2.store("_addresses").get(gateway.get("AllocationId") or "")
    if address is None:
        return found.group(0)
    told = (
        "<natGatewayAddressSet><item>"
        f"<allocationId>{address['AllocationId']}</allocationId>"
        f"<publicIp>{address['PublicIp']}</publicIp>"
        "<isPrimary>true</isPrimary><status>succeeded</status>"
        "</item></natGatewayAddressSet>"
    )
    return found.group(0).replace("<natGatewayAddressSet/>", told)


def _release(do: Action) -> Action:
    """Refuse to release an address that is in use."""

    def act(params: Params) -> Answer:
        address = emulator.ec2.store("_addresses").get(_one(params, "AllocationId")) or {}
        if address.get("AssociationId"):
            return _no("InvalidIPAddress.InUse", f"Address {address['PublicIp']} is in use.")
        return do(params)

    return act


# Flow logs ----------------------------------------------------------------------------------------


def _create_flow_logs(do: Action) -> Action:
    """Keep what the emulator forgets, and refuse CloudWatch Logs without a role."""

    def act(params: Params) -> Answer:
        kind = _one(params, "LogDestinationType") or "cloud-watch-logs"
        if kind == "cloud-watch-logs" and not _one(params, "DeliverLogsPermissionArn"):
            message = "DeliverLogsPermissionArn can't be empty if LogDestinationType is " + kind
            return _no("InvalidParameter", message)
        answer = do(params)
        for identifier in re.findall(r"<item>(fl-[^<]+)</item>", answer[2].decode()):
            record = emulator.ec2.store("_flow_logs")[identifier]
            record["_details"] = {
                name: _one(params, name) or _FLOW_LOG_DEFAULTS.get(name, "")
                for name in _FLOW_LOG_DETAILS
            }
        return answer

    return act


def _describe_flow_logs(do: Action) -> Action:
    def act(params: Params) -> Answer:
        return _amended(do(params), r"<flowLogId>([^<]+)</flowLogId>", _flow_log_details)

    return act


def _flow_log_details(found: re.Match[str]) -> str:
    record = emulator.ec2.store("_flow_logs").get(found.group(1)) or {}
    details = record.get("_details", {})
    return found.group(0) + "".join(
        f"<{element}>{escape(details[name])}</{element}>"
        for name, element in _FLOW_LOG_DETAILS.items()
        if details.get(name)
    )


# Log groups and their keys ------------------------------------------------------------------------


def _with_keys(handle: Callable[..., Any]) -> Callable[..., Any]:
    """Let Logs know AssociateKmsKey and DisassociateKmsKey."""

    async def act(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        action = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        if action not in ("AssociateKmsKey", "DisassociateKmsKey"):
            return await handle(method, path, headers, body, query)
        asked = json.loads(body)
        group = emulator.logs.groups().get(asked.get("logGroupName", ""))
        if group is None:
            return emulator.json_error(
                "ResourceNotFoundException", "The specified log group does not exist.", 400
            )
        group["kmsKeyId"] = asked.get("kmsKeyId")
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, b"{}"

    return act


# Small change -------------------------------------------------------------------------------------


def _one(params: Params, name: str) -> str:
    value = params.get(name)
    return str(value[0] if isinstance(value, list) and value else value or "")


def _no(code: str, message: str) -> Answer:
    return emulator.ec2.error(code, message, 400)


def _first(answer: Answer, element: str) -> str:
    found = re.search(rf"<{element}>([^<]+)</{element}>", answer[2].decode())
    return found.group(1) if found else ""


def _amended(answer: Answer, pattern: str, amend: Callable[[re.Match[str]], str]) -> Answer:
    status, headers, body = answer
    return status, headers, re.sub(pattern, amend, body.decode(), flags=re.DOTALL).encode()


_AROUND: dict[str, Callable[[Action], Action]] = {
    "CreateSubnet": _create_subnet,
    "CreateNatGateway": _create_nat,
    "DeleteNatGateway": _delete_nat,
    "DescribeNatGateways": _describe_nats,
    "ReleaseAddress": _release,
    "CreateFlowLogs": _create_flow_logs,
    "DescribeFlowLogs": _describe_flow_logs,
}
