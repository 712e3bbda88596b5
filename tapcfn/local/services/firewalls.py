"""WAF: what web ACLs were told and the emulator forgets, their logs, and what they still guard."""

from __future__ import annotations

from collections.abc import Mapping

from tapcfn.local import emulator
from tapcfn.local.services import table
from tapcfn.local.services.records import Record, Shelf
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked

_logs = Shelf("wafv2", "logging-configuration")

# What a web ACL may say besides what the emulator keeps.
_MORE = (
    *("Description", "CustomResponseBodies", "CaptchaConfig", "ChallengeConfig", "TokenDomains"),
    *("AssociationConfig", "DataProtectionConfig", "OnSourceDDoSProtectionConfig"),
)
_LOGS_PREFIX = "aws-waf-logs-"


def install() -> None:
    """Put these actions before the emulator's."""
    emulator.waf.wrap_web_acls(create=_remembering_new, update=_remembering, delete=_guarding)
    table.install("waf", _ACTIONS)


# Web ACLs -----------------------------------------------------------------------------------------


def _remembering_new(create: emulator.Change) -> emulator.Change:
    def act(asked: Asked) -> emulator.Answer:
        answer = create(asked)
        if emulator.succeeded(answer):
            scope = asked["Scope"]
            acl = next(a for a in emulator.waf.web_acls(scope) if a["Name"] == asked["Name"])
            acl["LabelNamespace"] = f"awswaf:{emulator.account_id()}:webacl:{asked['Name']}:"
            _keep(acl, asked)
        return answer

    return act


def _remembering(update: emulator.Change) -> emulator.Change:
    def act(asked: Asked) -> emulator.Answer:
        answer = update(asked)
        if emulator.succeeded(answer):
            acls = emulator.waf.web_acls(asked["Scope"])
            _keep(next(acl for acl in acls if acl["Id"] == asked["Id"]), asked)
        return answer

    return act


def _keep(acl: Record, asked: Asked) -> None:
    """Keep what an ACL was told; what an update leaves out is no more."""
    for name in _MORE:
        acl.pop(name, None)
    acl.update({name: asked[name] for name in _MORE if name in asked})


def _guarding(delete: emulator.Change) -> emulator.Change:
    def act(asked: Asked) -> emulator.Answer:
        acls = emulator.waf.web_acls(asked["Scope"])
        arn = next((acl["ARN"] for acl in acls if acl["Id"] == asked["Id"]), "")
        if arn and arn in emulator.waf.guarding_acls():
            return emulator.json_error(
                "WAFAssociatedItemException",
                "AWS WAF couldn\u2019t perform the operation because your resource is being used "
                "by another resource or it\u2019s associated with another resource.",
                400,
            )
        answer = delete(asked)
        if emulator.succeeded(answer):
            _logs.remove(arn)
        return answer

    return act


# Logging ------------------------------------------------------------------------------------------


def _put_logging(asked: Asked) -> Record:
    wanted = asked["LoggingConfiguration"]
    _require_acl(wanted["ResourceArn"])
    for destination in wanted["LogDestinationConfigs"]:
        if _LOGS_PREFIX not in destination:
            raise RefusedError(
                "WAFInvalidParameterException",
                "Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes "
                "other information separated by colons or slashes., field: "
                f"LOG_DESTINATION, parameter: {destination}",
            )
    return {"LoggingConfiguration": _logs.put(wanted["ResourceArn"], dict(wanted))}


def _require_acl(arn: str) -> None:
    scopes = ("REGIONAL", "CLOUDFRONT")
    if not any(acl["ARN"] == arn for scope in scopes for acl in emulator.waf.web_acls(scope)):
        raise RefusedError(
            "WAFNonexistentItemException",
            "AWS WAF couldn\u2019t perform the operation because your resource doesn\u2019t exist.",
        )


def _get_logging(asked: Asked) -> Record:
    found = _logs.get(asked["ResourceArn"])
    if found is None:
        raise RefusedError(
            "WAFNonexistentItemException",
            "AWS WAF couldn\u2019t perform the operation because your resource doesn\u2019t exist.",
        )
    return {"LoggingConfiguration": found}


def _delete_logging(asked: Asked) -> Record:
    _get_logging(asked)
    _logs.remove(asked["ResourceArn"])
    return {}


_ACTIONS: Mapping[str, table.Act] = {
    "PutLoggingConfiguration": _put_logging,
    "GetLoggingConfiguration": _get_logging,
    "DeleteLoggingConfiguration": _delete_logging,
    "ListLoggingConfigurations": lambda _: {"LoggingConfigurations": _logs.everything()},
}
