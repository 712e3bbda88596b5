"""IAM: profiles, inline policies of a role, service-linked roles, and identity providers."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.fitting import refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    Wanted,
    already_exists,
    as_list,
    document,
    gone_is_fine,
    key_values,
    tag_map,
)

PROFILE = "AWS::IAM::InstanceProfile"
ROLE_POLICY = "AWS::IAM::RolePolicy"
LINKED_ROLE = "AWS::IAM::ServiceLinkedRole"
OIDC = "AWS::IAM::OIDCProvider"


def _iam() -> Any:
    return calls.client("iam")


# Instance profile ---------------------------------------------------------------------------------


def _create_profile(wanted: Wanted) -> Made:
    """Make the profile; Ref is its name, where the emulator's own type tells its ARN."""
    name = wanted.name("InstanceProfileName")
    with gone_is_fine():
        _iam().get_instance_profile(InstanceProfileName=name)
        raise already_exists(PROFILE, name)
    _iam().create_instance_profile(InstanceProfileName=name, Path=wanted.get("Path", "/"))
    try:
        return _fill_profile(name, wanted)
    except Exception:
        _empty_profile(name)
        _iam().delete_instance_profile(InstanceProfileName=name)
        raise


def _update_profile(wanted: Wanted) -> Made:
    if wanted.changed("Roles"):
        _empty_profile(wanted.physical_id)
    return _fill_profile(wanted.physical_id, wanted)


def _fill_profile(name: str, wanted: Wanted) -> Made:
    there = _roles_in(name)
    for role in wanted["Roles"]:
        if role not in there:
            _iam().add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    told = _iam().get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    return Made(name, {"Arn": told["Arn"]})


def _empty_profile(name: str) -> None:
    for role in _roles_in(name):
        _iam().remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)


def _roles_in(name: str) -> list[str]:
    told = _iam().get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    return [role["RoleName"] for role in told["Roles"]]


def _delete_profile(wanted: Wanted) -> None:
    with gone_is_fine():
        _empty_profile(wanted.physical_id)
        _iam().delete_instance_profile(InstanceProfileName=wanted.physical_id)


# Inline policy of a role --------------------------------------------------------------------------


def _create_policy(wanted: Wanted) -> Made:
    where = _where(wanted)
    with gone_is_fine():
        _iam().get_role_policy(**where)
        raise already_exists(ROLE_POLICY, "|".join(reversed(where.values())))
    return _put_policy(wanted)


def _put_policy(wanted: Wanted) -> Made:
    where = _where(wanted)
    _iam().put_role_policy(**where, PolicyDocument=document(wanted.get("PolicyDocument", {})))
    return Made("|".join(reversed(where.values())))


def _where(wanted: Wanted) -> dict[str, str]:
    return {"RoleName": wanted["RoleName"], "PolicyName": wanted["PolicyName"]}


def _delete_policy(wanted: Wanted) -> None:
    with gone_is_fine():
        _iam().delete_role_policy(**_where(wanted))


# Service-linked role ------------------------------------------------------------------------------


def _create_linked_role(wanted: Wanted) -> Made:
    refuse_other(LINKED_ROLE, wanted.properties, frozenset({"AWSServiceName", "Description"}))
    made = _iam().create_service_linked_role(AWSServiceName=wanted["AWSServiceName"])["Role"]
    name = made["RoleName"]
    _describe(name, wanted)
    return Made(name, {"RoleName": name})


def _update_linked_role(wanted: Wanted) -> Made:
    refuse_other(LINKED_ROLE, wanted.properties, frozenset({"AWSServiceName", "Description"}))
    _describe(wanted.physical_id, wanted)
    return Made(wanted.physical_id, {"RoleName": wanted.physical_id})


def _describe(name: str, wanted: Wanted) -> None:
    if wanted.changed("Description"):
        _iam().update_role(RoleName=name, Description=wanted.get("Description", ""))


def _delete_linked_role(wanted: Wanted) -> None:
    with gone_is_fine():
        _iam().delete_service_linked_role(RoleName=wanted.physical_id)


# Identity provider --------------------------------------------------------------------------------


def _create_provider(wanted: Wanted) -> Made:
    """Make it; Ref is its ARN, which is named after the URL."""
    made = _iam().create_open_id_connect_provider(
        Url=wanted["Url"],
        ClientIDList=as_list(wanted.get("ClientIdList")),
        ThumbprintList=as_list(wanted.get("ThumbprintList")),
        Tags=key_values(tag_map(wanted.get("Tags"))),
    )
    arn = made["OpenIDConnectProviderArn"]
    return Made(arn, {"Arn": arn})


def _update_provider(wanted: Wanted) -> Made:
    """Make it anew under its ARN: the emulator changes none."""
    _delete_provider(wanted)
    return _create_provider(wanted)


def _delete_provider(wanted: Wanted) -> None:
    with gone_is_fine():
        _iam().delete_open_id_connect_provider(OpenIDConnectProviderArn=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        PROFILE,
        create=_create_profile,
        update=_update_profile,
        delete=_delete_profile,
        create_only=("InstanceProfileName", "Path"),
    ),
    Provisioner(
        ROLE_POLICY,
        create=_create_policy,
        update=_put_policy,
        delete=_delete_policy,
        create_only=("PolicyName", "RoleName"),
    ),
    Provisioner(
        LINKED_ROLE,
        create=_create_linked_role,
        update=_update_linked_role,
        delete=_delete_linked_role,
        create_only=("AWSServiceName", "CustomSuffix"),
    ),
    Provisioner(
        OIDC,
        create=_create_provider,
        update=_update_provider,
        delete=_delete_provider,
        create_only=("Url",),
        tags="Tags",
    ),
)
