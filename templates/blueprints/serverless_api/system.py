"""The stacks of serverless_api: which there are, and what each must be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tapcfn.model import CompareItems, OutputOf, ParameterValue, RemoveCanary, Stack, Target
from templates.blueprints._stacks import Stacks
from templates.blueprints.serverless_api import app, parts, routing
from templates.blueprints.serverless_api.api import COPY, SERVES
from templates.blueprints.serverless_api.settings import Settings
from templates.blueprints.serverless_api.shift import WHOLE, weights
from templates.layers import account

NAME = "serverless_api"

# Where Route 53 keeps the metrics of health checks, and so everything about them.
DNS_REGION = "us-east-1"

DEPLOYMENT = "AWS::ApiGateway::Deployment"

# Layers that go to both Regions of the application.
REGIONAL = frozenset({"api-account", "app"})


def system(settings: Settings, stage: str) -> System:
    """Return the system of a stage with these settings."""
    return System(settings, Stacks(NAME, stage, settings, REGIONAL))


def is_trial(settings: Settings) -> bool:
    """Whether the stages serve a baseline, and are to be led to a newer deployment."""
    if settings.migration_mode != "canary" or not settings.baseline_deployment:
        return False
    resources = app.build(settings, is_source=False).resources.items()
    deployments = [title for title, each in resources if each.resource_type == DEPLOYMENT]
    return not any(title.startswith(COPY) for title in deployments)


def without_canary(settings: Settings) -> Settings:
    """Return the settings before a trial: the stages serve the baseline alone."""
    return settings.model_copy(update={"migration_mode": "blue_green", "enable_canary": False})


@dataclass(frozen=True, slots=True)
class System:
    """The system's settings, and how its stacks are called."""

    settings: Settings
    stacks: Stacks

    @property
    def source(self) -> str:
        """The Region to move from."""
        return self.settings.source_region

    @property
    def target(self) -> str:
        """The Region to move to."""
        return self.settings.target_region

    def place(self, region: str) -> Target:
        """Return a Region of the system's account."""
        return Target(self.settings.account_id, region)

    def app_output(self, region: str, key: app.Out) -> OutputOf:
        """Return what becomes the value of an output of a Region's application."""
        return self.stacks.output("app", region, key)

    def table(self) -> OutputOf:
        """Return the name of the table."""
        return self.stacks.output("data", self.target, parts.Out.TABLE_NAME)

    def outputs(self) -> Mapping[str, OutputOf]:
        """Return what people ask the system for: of the target, and of the source. (S3-23)"""
        return {
            **self._region_outputs("", self.target),
            "dynamodb_table_name": self.table(),
            "health_check_id": self.stacks.output("dns", DNS_REGION, routing.Out.TARGET_CHECK),
            **(self._source_outputs() if self.settings.enable_cross_region_replication else {}),
        }

    def _source_outputs(self) -> dict[str, OutputOf]:
        check = self.stacks.output("dns", DNS_REGION, routing.Out.SOURCE_CHECK)
        return {**self._region_outputs("source_", self.source), "source_health_check_id": check}

    def _region_outputs(self, start: str, region: str) -> dict[str, OutputOf]:
        keys = {
            "api_gateway_url": app.Out.API_URL,
            "api_deployment": app.Out.DEPLOYMENT,
            "s3_bucket_name": app.Out.BUCKET_NAME,
            "s3_website_url": app.Out.WEBSITE_URL,
            "lambda_function_name": app.Out.FUNCTION_NAME,
        }
        if self.settings.usage_plan:
            keys["api_key_id"] = app.Out.API_KEY
        return {start + name: self.app_output(region, key) for name, key in keys.items()}

    def removals(self) -> Iterator[RemoveCanary]:
        """Yield what takes each stage's canary off, around the settings that have none. (O-12)

        CloudFormation leaves it at the stage where a template no longer has it.
        """
        settings = self.settings
        for region in settings.regions:
            api = self.app_output(region, app.Out.API_ID)
            name, place = f"remove-canary-{region}", self.place(region)
            yield RemoveCanary(name, place, api, settings.environment)

    def comparison(self) -> Iterator[CompareItems]:
        """Yield the count of the table's items: by hand, since every item is read for it. (O-9)"""
        if self.settings.enable_cross_region_replication:
            places = self.place(self.source), self.place(self.target)
            yield CompareItems("compare-items", places[0], self.table(), places[1])

    # One method for each stack ------------------------------------------------------------------

    def api_accounts(self) -> list[Stack]:
        """Return each Region's role by which API Gateway writes logs. (L-11)"""
        template = account.build_api_account(tags=self.settings.tags)
        return [
            self.stacks.stack("api-account", region, template) for region in self.settings.regions
        ]

    def data(self, *, source_leaves: bool = False) -> Stack:
        """Return the one table, at home in the Region that stays. (L-20)"""
        parameters: dict[str, ParameterValue] = {"TargetRegion": self.target}
        if self.settings.enable_cross_region_replication:
            parameters["SourceRegion"] = self.source
        template = parts.data(self.settings, source_leaves=source_leaves)
        return self.stacks.stack("data", self.target, template, parameters)

    def apps(self) -> list[Stack]:
        """Return the application of each Region, the target first."""
        source = [self.app_source()] if self.settings.enable_cross_region_replication else []
        return [self.app_target(), *source]

    def app_target(self) -> Stack:
        """Return the application of the target."""
        return self._app(self.target, self._app_parameters(self.source))

    def app_source(self) -> Stack:
        """Return the application of the source, whose bucket is copied to the target's. (L-3)"""
        parameters = {
            **self._app_parameters(self.target),
            "DestinationBucketArn": self.app_output(self.target, app.Out.BUCKET_ARN),
        }
        return self._app(self.source, parameters)

    def _app(self, region: str, parameters: Mapping[str, ParameterValue]) -> Stack:
        is_source = region == self.source
        template = app.build(self.settings, is_source=is_source)
        told = {**parameters, SERVES: str(template.outputs[app.Out.DEPLOYMENT].Value)}
        if self.settings.canary:
            told["CanaryPercent"] = str(self.settings.traffic_shift_percentage)
        variant = "source" if is_source else ""
        return self.stacks.stack("app", region, template, told, variant=variant)

    def _app_parameters(self, other_region: str) -> dict[str, ParameterValue]:
        settings = self.settings
        parameters: dict[str, ParameterValue] = {
            "AllowedCidr": settings.allowed_cidr,
            "TableName": self.table(),
        }
        if settings.hosted_zone_id:
            parameters |= self._zone()
        if settings.enable_monitoring and settings.alarm_email:
            parameters["AlarmEmail"] = settings.alarm_email
        if settings.enable_monitoring and settings.enable_cross_region_replication:
            parameters["ReceivingRegion"] = other_region
        return parameters

    def _zone(self) -> dict[str, ParameterValue]:
        settings = self.settings
        return {"HostedZoneId": settings.hosted_zone_id, "Domain": settings.domain_name}

    def dns(self) -> Stack:
        """Return the health checks and the weighted records."""
        parameters: dict[str, ParameterValue] = {}
        for side, region in zip(routing.sides(self.settings), self.settings.regions, strict=True):
            parameters |= self._side(side, region)
        if self.settings.hosted_zone_id:
            parameters |= self._zone()
        template = routing.build(self.settings)
        return self.stacks.stack("dns", DNS_REGION, template, parameters)

    def _side(self, side: str, region: str) -> dict[str, ParameterValue]:
        """Return what DNS must know of one Region."""
        settings = self.settings
        parameters: dict[str, ParameterValue] = {}
        if settings.health_check == "alarm":
            parameters[f"{side}Alarm"] = self.app_output(region, app.Out.ALARM)
            parameters[f"{side}Region"] = region
        else:
            parameters[f"{side}Host"] = self.app_output(region, app.Out.API_HOST)
        if settings.hosted_zone_id:
            # A target that stands alone gets everything, whatever a shift had reached.
            alone = not settings.enable_cross_region_replication
            share = weights(WHOLE if alone else settings.target_weight).parameters()
            parameters[f"{side}Weight"] = share[f"{side}Weight"]
            parameters[f"{side}Target"] = self.app_output(region, app.Out.DOMAIN_TARGET)
            if settings.apex:
                parameters[f"{side}Zone"] = self.app_output(region, app.Out.DOMAIN_ZONE)
        return parameters

    def migration(self) -> Stack:
        """Return the table and the function that keep the state of the migration. (S3-X6)"""
        parameters: dict[str, ParameterValue] = {
            "TableName": self.table(),
            "KeyArn": self.app_output(self.target, app.Out.KEY_ARN),
        }
        template = parts.migration(self.settings)
        return self.stacks.stack("migration", self.target, template, parameters)

    def dashboard(self) -> Stack:
        """Return the dashboard of both Regions: one for the account. (L-9)"""
        parameters = {
            f"{side}Region": region
            for side, region in zip(
                routing.sides(self.settings), self.settings.regions, strict=True
            )
        }
        template = parts.dashboard(self.settings)
        return self.stacks.stack("dashboard", self.target, template, parameters)
