"""What stands before a load balancer: a web ACL of AWS's managed rules, and Shield Advanced."""

from __future__ import annotations

from collections.abc import Mapping

from troposphere import GetAtt, shield, wafv2

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value

COMMON_RULES = "AWSManagedRulesCommonRuleSet"


def add_web_acl(
    template: Template,
    title: str = "WebAcl",
    *,
    name: Value,
    resource: Value,
    tags: Mapping[str, str],
) -> wafv2.WebACL:
    """Add a regional web ACL that blocks common attacks, and put it before `resource` (an ARN).

    Everything that no rule blocks is let through: the balancer is meant for the public.
    """
    acl = template.add(
        wafv2.WebACL(
            title,
            Name=name,
            Scope="REGIONAL",
            DefaultAction=wafv2.DefaultAction(Allow=wafv2.AllowAction()),
            VisibilityConfig=_visible(title),
            Rules=[_managed(COMMON_RULES)],
            Tags=tagged(tags),
        )
    )
    template.add(
        wafv2.WebACLAssociation(
            f"{title}Association", ResourceArn=resource, WebACLArn=GetAtt(acl, "Arn")
        )
    )
    return acl


def _managed(rules: str) -> wafv2.WebACLRule:
    """Return a group of rules that AWS keeps up to date; its own actions stay as they are."""
    return wafv2.WebACLRule(
        Name=rules,
        Priority=0,
        OverrideAction=wafv2.OverrideAction.from_dict("OverrideAction", {"None": {}}),
        Statement=wafv2.Statement(
            ManagedRuleGroupStatement=wafv2.ManagedRuleGroupStatement(VendorName="AWS", Name=rules)
        ),
        VisibilityConfig=_visible(rules),
    )


def _visible(metric: str) -> wafv2.VisibilityConfig:
    return wafv2.VisibilityConfig(
        CloudWatchMetricsEnabled=True, SampledRequestsEnabled=True, MetricName=metric
    )


def add_shield(
    template: Template,
    title: str = "ShieldProtection",
    *,
    name: Value,
    resource: Value,
    tags: Mapping[str, str],
) -> shield.Protection:
    """Protect `resource` by Shield Advanced, to which the account must have subscribed."""
    return template.add(
        shield.Protection(title, Name=name, ResourceArn=resource, Tags=tagged(tags))
    )
