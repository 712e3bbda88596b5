"""Fleets: a scaling group that is replaced one instance at a time, and what sizes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from troposphere import GetAtt, Ref, autoscaling, ec2, policies

from tapcfn.templating import Template
from templates.layers._values import Value

# How long an instance may take to boot and answer before its signal counts as missing.
PATIENCE = "PT15M"

# What must not interfere while instances are being replaced.
_SUSPENDED = (
    "HealthCheck",
    "ReplaceUnhealthy",
    "AZRebalance",
    "AlarmNotification",
    "ScheduledActions",
    "InstanceRefresh",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How many instances there may be, and with how many the group starts: else the least."""

    minimum: int
    maximum: int
    desired: int = 0

    @property
    def first(self) -> int:
        """How many instances the group is created with."""
        return self.desired or self.minimum


@dataclass(frozen=True, slots=True)
class Behind:
    """The target groups that instances join, and the logical IDs of their listeners.

    Without the listeners no target is ever healthy. A new instance has the grace period to get
    well.
    """

    target_groups: Sequence[Value]
    listeners: Sequence[str]
    grace_seconds: int = 300


def add(
    template: Template,
    title: str = "AutoScalingGroup",
    *,
    name: Value,
    size: Size,
    launch_template: ec2.LaunchTemplate,
    subnets: Value,
    behind: Behind,
    tags: Mapping[str, str],
) -> autoscaling.AutoScalingGroup:
    """Add a group whose health is the balancer's word, and whose instances signal under `title`.

    The launch template's script must send the signals (`user_data.signalling`), one for each
    instance. An update leaves the size that the policies have given the group.
    """
    group = autoscaling.AutoScalingGroup(
        title,
        AutoScalingGroupName=name,
        MinSize=str(size.minimum),
        MaxSize=str(size.maximum),
        VPCZoneIdentifier=subnets,
        TargetGroupARNs=list(behind.target_groups),
        HealthCheckType="ELB",
        HealthCheckGracePeriod=behind.grace_seconds,
        LaunchTemplate=autoscaling.LaunchTemplateSpecification(
            LaunchTemplateId=Ref(launch_template),
            Version=GetAtt(launch_template, "LatestVersionNumber"),
        ),
        MetricsCollection=[autoscaling.MetricsCollection(Granularity="1Minute")],
        Tags=[
            {"Key": key, "Value": each, "PropagateAtLaunch": True}
            for key, each in {**tags, "Name": name}.items()
        ],
        CreationPolicy=policies.CreationPolicy(
            ResourceSignal=policies.ResourceSignal(Count=size.first, Timeout=PATIENCE)
        ),
        UpdatePolicy=_rolling(size),
        DependsOn=list(behind.listeners),
    )
    if size.desired and size.desired != size.minimum:
        group.DesiredCapacity = str(size.desired)
    return template.add(group)


def _rolling(size: Size) -> policies.UpdatePolicy:
    """Replace one instance at a time, and stop at the first that does not signal success."""
    return policies.UpdatePolicy(
        AutoScalingRollingUpdate=policies.AutoScalingRollingUpdate(
            MinInstancesInService=min(size.minimum, size.maximum - 1),
            MaxBatchSize=1,
            MinSuccessfulInstancesPercent=100,
            WaitOnResourceSignals=True,
            PauseTime=PATIENCE,
            SuspendProcesses=list(_SUSPENDED),
        ),
        AutoScalingScheduledAction=policies.AutoScalingScheduledAction(
            IgnoreUnmodifiedGroupSizeProperties=True
        ),
    )


def add_step(
    template: Template,
    title: str,
    group: autoscaling.AutoScalingGroup,
    *,
    change: int,
    cooldown: int = 300,
) -> autoscaling.ScalingPolicy:
    """Add a simple policy: so many instances more or fewer, then a pause. `Ref` is its ARN."""
    return template.add(
        autoscaling.ScalingPolicy(
            title,
            AutoScalingGroupName=Ref(group),
            PolicyType="SimpleScaling",
            AdjustmentType="ChangeInCapacity",
            ScalingAdjustment=change,
            Cooldown=str(cooldown),
        )
    )
