"""What every EC2 provisioner needs: the client, and tags."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.resource import Wanted, key_values, tag_changes, tag_map


def ec2() -> Any:
    """Return the client of the current account and Region."""
    return calls.client("ec2")


def tagged(wanted: Wanted, kind: str) -> dict[str, Any]:
    """Return the tag specification with which the resource is born."""
    tags = key_values(tag_map(wanted.get("Tags")))
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def retag(wanted: Wanted, identifier: str = "") -> None:
    """Bring the tags from what the stack had to what it wants; tags of others stay."""
    resource = [identifier or wanted.physical_id]
    put, removed = tag_changes(wanted)
    if removed:
        ec2().delete_tags(Resources=resource, Tags=[{"Key": key} for key in removed])
    if put:
        ec2().create_tags(Resources=resource, Tags=key_values(put))
