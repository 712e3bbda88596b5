"""The stacks of serverless_api.

Order comes from the outputs alone: the table, the application of the target, that of the source,
whose bucket is copied to the target's, and DNS, which knows both. The account's role for API
Gateway goes before them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tapcfn.model import OutputOf, ParameterValue, Phase, Rollout, Stack
from templates.blueprints._stacks import Stacks
from templates.blueprints.serverless_api import app, parts, routing
from templates.blueprints.serverless_api.settings import Settings
from templates.blueprints.serverless_api.shift import WHOLE, weights
from templates.layers import account

NAME = "serverless_api"

# Where Route 53 keeps the metrics of health checks, and so everything about them.
DNS_REGION = "us-east-1"

# Layers that go to both Regions of the application.
REGIONAL = frozenset({"api-account", "app"})


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return the phases: the account's settings, if they are ours, and then all the rest."""
    system = _System(settings, Stacks(NAME, stage, settings, REGIONAL))
    accounts = tuple(system.api_accounts()) if settings.manage_api_account else ()
    stacks = [system.data(), system.app_target(), system.dns()]
    if settings.enable_cross_region_replication:
        stacks.insert(2, system.app_source())
    if settings.migration_state:
        stacks.append(system.migration())
    if settings.dashboard:
        stacks.append(system.dashboard())
    phases = (
        *([Phase("account", accounts)] if accounts else []),
        Phase("provision", tuple(stacks)),
    )
    return Rollout(NAME, stage, phases, system.outputs())


@dataclass(frozen=True, slots=True)
class _System:
    """The system's settings, and how its stacks are called."""

    settings: Settings
    stacks: Stacks

    @property
    def source(self) -> str:
        return self.settings.source_region

    @property
    def target(self) -> str:
        return self.settings.target_region

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

    # One method for each stack ------------------------------------------------------------------

    def api_accounts(self) -> list[Stack]:
        """Return each Region's role by which API Gateway writes logs. (L-11)"""
        template = account.build_api_account(tags=self.settings.tags)
        return [
            self.stacks.stack("api-account", region, template) for region in self.settings.regions
        ]

    def data(self) -> Stack:
        """Return the one table, at home in the Region that stays. (L-20)"""
        parameters: dict[str, ParameterValue] = {"TargetRegion": self.target}
        if self.settings.enable_cross_region_replication:
            parameters["SourceRegion"] = self.source
        return self.stacks.stack("data", self.target, parts.data(self.settings), parameters)

    def app_target(self) -> Stack:
        """Return the application of the target."""
        template = app.build(self.settings, is_source=False)
        return self.stacks.stack("app", self.target, template, self._app_parameters(self.source))

    def app_source(self) -> Stack:
        """Return the application of the source, whose bucket is copied to the target's. (L-3)"""
        template = app.build(self.settings, is_source=True)
        parameters = {
            **self._app_parameters(self.target),
            "DestinationBucketArn": self.app_output(self.target, app.Out.BUCKET_ARN),
        }
        return self.stacks.stack("app", self.source, template, parameters, variant="source")

    def _app_parameters(self, other_region: str) -> dict[str, ParameterValue]:
        settings = self.settings
        parameters: dict[str, ParameterValue] = {
            "AllowedCidr": settings.allowed_cidr,
            "TableName": self.table(),
        }
        if settings.canary:
            parameters["CanaryPercent"] = str(settings.traffic_shift_percentage)
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
