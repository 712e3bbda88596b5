"""The delivery's one stack: in one Region, for IAM has none."""

from __future__ import annotations

from troposphere import Parameter, Ref, iam

from tapcfn.model import OutputOf, Phase, Rollout
from tapcfn.templating import Template
from templates.blueprints._stacks import Stacks
from templates.blueprints.delivery import permits, systems
from templates.blueprints.delivery.settings import Settings
from templates.layers import delivery
from templates.layers._parameters import REGION_PATTERN
from templates.layers._values import Value

NAME = "delivery"

_OUTPUTS = {
    "plan_role_arn": delivery.Out.PLAN_ROLE,
    "deploy_role_arn": delivery.Out.DEPLOY_ROLE,
    "service_role_arn": delivery.Out.SERVICE_ROLE,
}


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return one phase with one stack."""
    found = tuple(systems.system(each) for each in settings.systems)
    template, told = roles(settings, found)
    stacks = Stacks(NAME, stage, settings)
    stack = stacks.stack("roles", settings.home, template, told)
    outputs = {
        name: OutputOf(stack.name, str(key))
        for name, key in _OUTPUTS.items()
        if key in template.outputs
    }
    return Rollout(NAME, stage, (Phase("roles", (stack,)),), outputs)


def roles(settings: Settings, found: tuple[systems.System, ...]) -> tuple[Template, dict[str, str]]:
    """Return the template for these systems, and what it is told.

    What makes resources belongs to CloudFormation's own role, and to the one that deploys where a
    system does not name such a role.
    """
    scope = systems.scope(found, settings.account_id)
    template = Template("How systems are deployed from GitHub: identity provider and roles")
    told = {permits.REGIONS: ",".join(scope.regions)}
    _list_parameter(template, permits.REGIONS, "Regions that the roles act in", REGION_PATTERN)
    others = {
        "PlanTargetRoles": settings.plan_target_roles,
        "DeployTargetRoles": settings.deploy_target_roles,
    }
    plan, deploy = (_others(template, told, name, arns) for name, arns in others.items())

    def policies(title: str, *statements: permits.Statement) -> tuple[iam.ManagedPolicy, ...]:
        return delivery.add_policies(template, title, settings.path, statements)

    make = policies("Make", *permits.to_make(found))
    deploys = policies("Deploy", *permits.to_deploy(scope, settings.path), *deploy)
    _add_roles(
        template,
        settings,
        _boundary(template, settings, told),
        plan=policies("Plan", *permits.to_plan(scope), *plan),
        deploy=deploys if all(each.service_role for each in found) else (*deploys, *make),
        service=make,
    )
    return template, told


def _add_roles(
    template: Template,
    settings: Settings,
    boundary: Value,
    *,
    plan: tuple[iam.ManagedPolicy, ...],
    deploy: tuple[iam.ManagedPolicy, ...],
    service: tuple[iam.ManagedPolicy, ...],
) -> None:
    path, tags = settings.path, settings.all_tags
    provider = (
        delivery.existing_provider()
        if settings.existing_provider
        else delivery.add_provider(template, tags=tags)
    )
    repository = delivery.Repository(settings.repository, settings.branch, settings.environments)
    says = "Shows what a deployment would change, and changes nothing"
    shows = delivery.Purpose("PlanRole", says, plan, path, boundary, audits=settings.detect_drift)
    says = "Deploys what an environment of the repository has let through"
    deploys = delivery.Purpose("DeployRole", says, deploy, path, boundary, settings.session_hours)
    out, subjects = delivery.Out, repository
    delivery.add_role(template, shows, provider, subjects.planning, out.PLAN_ROLE, tags=tags)
    delivery.add_role(template, deploys, provider, subjects.deploying, out.DEPLOY_ROLE, tags=tags)
    says = "CloudFormation makes the systems' resources with it"
    makes = delivery.Purpose("ServiceRole", says, service, path, boundary)
    delivery.add_service_role(template, makes, tags=tags)


def _others(
    template: Template, told: dict[str, str], name: str, arns: tuple[str, ...]
) -> tuple[permits.Statement, ...]:
    """Return the permission to assume roles of other accounts, told by a parameter."""
    if not arns:
        return ()
    told[name] = ",".join(arns)
    _list_parameter(template, name, "ARNs of roles in other accounts", r"arn:.+:role/.+")
    return permits.to_assume(arns, Ref(name))


def _boundary(template: Template, settings: Settings, told: dict[str, str]) -> Value:
    """Return the policy that bounds the roles, told by a parameter, or nothing."""
    if settings.permissions_boundary is None:
        return ""
    name = "PermissionsBoundary"
    told[name] = settings.permissions_boundary.replace("{account}", settings.account_id)
    template.add_parameter(
        Parameter(
            name,
            Type="String",
            Description="ARN of the policy that bounds the roles",
            AllowedPattern="arn:.+:policy/.+",
        )
    )
    return Ref(name)


def _list_parameter(template: Template, name: str, description: str, pattern: str) -> None:
    template.add_parameter(
        Parameter(name, Type="CommaDelimitedList", Description=description, AllowedPattern=pattern)
    )
