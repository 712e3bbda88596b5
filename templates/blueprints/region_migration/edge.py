"""The fixed addresses before both Regions, and the backups of what was moved."""

from __future__ import annotations

from enum import StrEnum

from troposphere import GetAtt, Join, Output, Ref, Sub

from tapcfn.templating import Template
from templates.blueprints import _parameters as parameters
from templates.blueprints.region_migration.roles import TAG, TAG_VALUE
from templates.blueprints.region_migration.settings import Settings
from templates.layers import accelerator, backup
from templates.layers._parameters import bucket_arn


class Out(StrEnum):
    """What people may ask these for."""

    DNS_NAME = "AcceleratorDnsName"
    ADDRESSES = "AcceleratorAddresses"
    VAULT = "VaultName"


def build_accelerator(settings: Settings) -> Template:
    """Return the accelerator: the source's endpoint group goes when nothing leads there. (S4-16)"""
    template = Template("Fixed addresses before the load balancers of both Regions")
    sides = [_side(template, "Target")]
    if settings.source_alb_arn:
        sides.insert(0, _side(template, "Source"))
    made = accelerator.add(
        template, name=settings.names.of("accelerator"), sides=sides, tags=settings.tags
    )
    addresses = Join(",", GetAtt(made, "Ipv4Addresses"))
    for key, about, found in (
        (Out.DNS_NAME, "Host name of the accelerator", GetAtt(made, "DnsName")),
        (Out.ADDRESSES, "Its two fixed addresses", addresses),
    ):
        template.add_output(Output(key, Description=about, Value=found))
    return template


def _side(template: Template, side: str) -> accelerator.Side:
    """Declare one Region's load balancer, and its share of the traffic. (L-13)"""
    what = side.lower()
    dial = accelerator.dial(f"{side}Dial", f"Percentage of traffic that the {what} takes")
    return accelerator.Side(
        f"{side}Endpoints",
        Ref(parameters.take(template, f"{side}Region", f"Region of the {what}")),
        Ref(parameters.take(template, f"{side}BalancerArn", f"ARN of the {what}'s load balancer")),
        template.add_parameter(dial),
    )


def build_backup(settings: Settings) -> Template:
    """Return the vault and its daily plan for the database, volumes and buckets. (S4-X3)"""
    template = Template("Daily backups of what was moved")
    database = parameters.take(template, "DatabaseArn", "ARN of the migrated database")
    buckets = [
        template.add_parameter(bucket_arn(title, "ARN of a bucket to back up"))
        for title in ("TargetBucketArn", "BackupBucketArn")
    ]
    volumes = Sub("arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:volume/*")
    vault = backup.add(
        template,
        name=settings.name,
        key=parameters.key(template),
        schedule=backup.Schedule(),
        selection=backup.Selection(
            [Ref(database), volumes, *(Ref(each) for each in buckets)], (TAG, TAG_VALUE)
        ),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    template.add_output(Output(Out.VAULT, Description="Name of the vault", Value=Ref(vault)))
    return template
