"""The template of a Region: one and the same in every Region, so that its bytes are reviewed once.

What the account has only one of, and what differs from Region to Region, is not here: the first
are stacks of their own, the second parameters.
"""

from __future__ import annotations

from enum import StrEnum

from awacs import execute_api
from awacs.aws import Condition, StringEquals
from troposphere import GetAtt, Join, Output, Ref, Sub, s3
from troposphere.kms import Key

from tapcfn.templating import Template
from templates.blueprints.private_api import front, options
from templates.blueprints.private_api.settings import Settings
from templates.layers import (
    _iam,
    api_stages,
    emptying,
    endpoints,
    key_grants,
    log_groups,
    network,
    rest_api,
    security,
    security_groups,
    storage,
    trail,
)
from templates.layers._parameters import cidr
from templates.layers._values import Value

LOG_DAYS = 90


class Out(StrEnum):
    """What people ask of a Region. (S1-15)"""

    VPC = "VpcId"
    SUBNETS = "SubnetIds"
    ROUTE_TABLES = "RouteTableIds"
    INTERNET_GATEWAY = "InternetGatewayId"
    SECURITY_GROUP = "SecurityGroupId"
    KEY = "KeyArn"
    KEY_ALIAS = "KeyAlias"
    API = "ApiId"
    ENDPOINT = "VpcEndpointId"
    LOG_GROUP = "LogGroupName"
    BUCKET = "BucketName"


def build(settings: Settings) -> Template:
    """Return the template of a Region."""
    return _Region(settings).build()


class _Region:
    """A Region's template while its layers are added."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tags = settings.all_tags
        self.template = Template("A private API in its VPC, with its key, logs and bucket")

    def build(self) -> Template:
        """Add the layers in the order in which they refer to each other."""
        settings = self.settings
        key = self._key()
        made = self._network()
        group = self._security_group(made)
        self._api(self._endpoint(made, group), key)
        bucket = self._bucket(key)
        base = options.Base(self.template, settings, made, bucket, GetAtt(key, "Arn"))
        options.add(base)
        if settings.alb_front:
            front.add(base)
        return self.template

    # The base -----------------------------------------------------------------------------------

    def _key(self) -> Key:
        """Add the key for the bucket and the log group. (S1-6, S1-7)"""
        settings = self.settings
        grants = [*key_grants.logs(settings.log_groups)]
        if settings.trail:
            grants += key_grants.trail(trail.arn(settings.trail.name))
        if settings.aws_config:
            grants.append(key_grants.config_delivery())
        if settings.unauthorized_calls_alarm:
            grants.append(key_grants.alarms())
        key = security.add(
            self.template,
            alias=Sub(settings.alias),
            tags=self.tags,
            keep_data=settings.keep_data,
            grants=grants,
        )
        self._publish(Out.KEY, "ARN of the key", GetAtt(key, "Arn"))
        self._publish(Out.KEY_ALIAS, "Alias of the key", Ref("Alias"))
        return key

    def _network(self) -> network.Network:
        """Add the VPC and its subnets. (S1-2 to S1-4, S1-X5)"""
        settings = self.settings
        made = network.add(
            self.template,
            name=Sub(f"{settings.prefix}-vpc"),
            vpc_cidr=settings.vpc_cidr,
            tiers=_tiers(settings),
            tags=self.tags,
        )
        subnets = [Ref(each) for tier in made.subnets.values() for each in tier]
        tables = [Ref(each) for tier in made.tables.values() for each in tier]
        self._publish(Out.VPC, "Id of the VPC", Ref(made.vpc))
        self._publish(Out.SUBNETS, "Ids of the subnets", Join(",", subnets))
        self._publish(Out.ROUTE_TABLES, "Ids of the route tables", Join(",", tables))
        self._publish(Out.INTERNET_GATEWAY, "Id of the internet gateway", Ref(made.gateway))
        return made

    def _security_group(self, made: network.Network) -> Value:
        """Add the group that admits HTTPS from the VPC and SSH from the administrators. (S1-5)"""
        settings = self.settings
        admin = self.template.add_parameter(
            cidr("AdminCidr", "IPv4 block that may reach port 22", settings.admin_cidr)
        )
        ingress = [
            security_groups.from_block(443, "HTTPS from the VPC", Ref("VpcCidr")),
            security_groups.from_block(22, "SSH from the administrators", admin),
        ]
        if settings.slash20_subnets:
            more = self.template.add_parameter(
                cidr("IngressCidr", "IPv4 block that may reach port 443", settings.ingress_cidr)
            )
            ingress.append(security_groups.from_block(443, "HTTPS from outside", more))
        group = security_groups.add(
            self.template,
            "SecurityGroup",
            vpc=Ref(made.vpc),
            description="HTTPS from the VPC, SSH from the administrators",
            ingress=ingress,
            tags=self.tags,
        )
        group_id = GetAtt(group, "GroupId")
        self._publish(Out.SECURITY_GROUP, "Id of the security group", group_id)
        return group_id

    def _endpoint(self, made: network.Network, group: Value) -> Value:
        """Add the VPC's way to the API: it leads to APIs of this account only. (S1-9)"""
        here = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}"
        endpoint = endpoints.add_interface(
            self.template,
            "ApiEndpoint",
            service="execute-api",
            vpc=Ref(made.vpc),
            subnets=[Ref(subnet) for subnet in made.subnets["Private"]],
            security_group=group,
            allowed=[
                endpoints.anybody_may("InvokeOwnApis", execute_api.Invoke, Sub(f"{here}:*/*"))
            ],
            tags=self.tags,
        )
        self._publish(Out.ENDPOINT, "Id of the VPC endpoint", Ref(endpoint))
        return Ref(endpoint)

    def _api(self, endpoint: Value, key: Key) -> None:
        """Add the API, which answers callers from the endpoint only, and its stage. (S1-10)"""
        settings = self.settings
        through = Condition(StringEquals("aws:SourceVpce", endpoint))
        api = rest_api.add(
            self.template,
            "Api",
            name=settings.name,
            endpoint=rest_api.private(endpoint),
            policy=_iam.document(rest_api.invoke("OnlyFromTheEndpoint", "*", given=through)),
            routes=[rest_api.mock("/health", "GET", '{"status": "healthy"}')],
            tags=self.tags,
        )
        group = log_groups.add(
            self.template,
            "LogGroup",
            name=Sub(settings.api_log_group),
            days=LOG_DAYS,
            key=GetAtt(key, "Arn"),
            tags=self.tags,
            keep_data=settings.keep_data,
        )
        api_stages.add(
            self.template,
            "Stage",
            api,
            name=settings.api_stage,
            access_logs=group,
            tags=self.tags,
        )
        self._publish(Out.API, "Id of the API", Ref(api.api))
        self._publish(Out.LOG_GROUP, "Name of the API's log group", Ref(group))

    def _bucket(self, key: Key) -> s3.Bucket:
        """Add the bucket, which goes with its stack unless force_destroy is off. (S1-12, L-5)"""
        settings = self.settings
        bucket = storage.add(
            self.template,
            storage.Bucket("SecureBucket", settings.secure_bucket, bucket_key=settings.bucket_key),
            key=GetAtt(key, "Arn"),
            tags=self.tags,
            keep_data=settings.keep_data and settings.force_destroy == "off",
        )
        if settings.emptying_function:
            emptying.add(
                self.template,
                bucket,
                name=settings.emptying_function,
                key=GetAtt(key, "Arn"),
                tags=self.tags,
                keep_data=settings.keep_data,
            )
        self._publish(Out.BUCKET, "Name of the bucket", Ref(bucket))
        return bucket

    def _publish(self, key: Out, description: str, what: Value) -> None:
        self.template.add_output(Output(key, Description=description, Value=what))


def _tiers(settings: Settings) -> list[network.Tier]:
    """Return the subnets: two without public addresses, or two public and two private ones.

    The two have a route to the internet gateway all the same: what has no public address cannot
    use it. (S1-4)
    """
    if settings.slash20_subnets:
        blocks = settings.wide_subnets
        return [network.public(blocks[:2]), network.private(blocks[2:])]
    return [network.Tier("Private", settings.subnets, network.Way.GATEWAY)]
