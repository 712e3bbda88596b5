"""The smaller templates of serverless_api: the table, the state of a migration, the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from awacs import dynamodb as table_actions
from awacs.aws import Allow, Statement
from troposphere import Equals, Not, Output, Parameter, Ref, Sub

from tapcfn.templating import Template
from templates.blueprints.serverless_api.app import MIGRATION_LOG_DAYS, table_name
from templates.blueprints.serverless_api.routing import sides
from templates.blueprints.serverless_api.settings import Settings
from templates.layers import dashboards, functions, metrics, tables
from templates.layers._parameters import REGION_PATTERN, key_arn
from templates.layers._values import Value
from templates.layers.alarms import Metric


class Out(StrEnum):
    """What other stacks may ask these for."""

    FUNCTION_NAME = "FunctionName"
    TABLE_NAME = "TableName"


# The table ----------------------------------------------------------------------------------------


def data(settings: Settings, *, source_leaves: bool = False) -> Template:
    """Return the one table, with a replica in the target and, while there is one, in the source.

    The replica of a source that leaves is not protected any more.
    """
    template = Template("The table, with a replica in every Region of the application")
    regions = [
        template.add_parameter(_region(f"{side}Region", f"Region of the {side.lower()}"))
        for side in sides(settings)
    ]
    if len(regions) > 1:
        template.add_rule("RegionsDiffer", _differ(*regions))
    table = tables.add_global(
        template,
        _items(settings),
        regions=[Ref(region) for region in regions],
        tags=settings.tags,
        keep_data=settings.keep_data,
        protected=settings.termination_protection,
        leaving=int(source_leaves),
    )
    template.add_output(Output(Out.TABLE_NAME, Description="Name of the table", Value=Ref(table)))
    return template


def _items(settings: Settings) -> tables.Table:
    extras = settings.table_extras
    indexes = (tables.Index("timestamp-index", "timestamp", "N"),) if extras else ()
    return tables.Table("Table", settings.table, "id", indexes, encrypted=extras)


def _region(title: str, description: str) -> Parameter:
    return Parameter(
        title,
        Type="String",
        Description=description,
        AllowedPattern=REGION_PATTERN,
        ConstraintDescription="must be the name of a Region",
    )


def _differ(one: Parameter, other: Parameter) -> dict[str, object]:
    return {
        "Assertions": [
            {
                "Assert": Not(Equals(Ref(one), Ref(other))),
                "AssertDescription": "the target must be another Region than the source",
            }
        ]
    }


# The state of a migration -------------------------------------------------------------------------


def migration(settings: Settings) -> Template:
    """Return a table of migrations, and the function that takes their steps. (S3-X6)"""
    template = Template("The state of a migration between Regions")
    table = template.add_parameter(table_name())
    key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
    states = tables.add(
        template,
        tables.Table("States", settings.migration, "migration_id"),
        tags=settings.tags,
        keep_data=settings.keep_data,
        protected=settings.termination_protection,
    )
    function = functions.add(
        template,
        _migration_function(settings, Ref(states), table),
        key=key,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    template.add_output(
        Output(Out.FUNCTION_NAME, Description="Name of the function", Value=Ref(function))
    )
    return template


def _migration_function(settings: Settings, states: Value, table: Parameter) -> functions.Function:
    return functions.Function(
        title="Function",
        name=settings.migration,
        description="Keeps the state of a migration",
        code="migration",
        runtime=settings.runtime,
        memory=256,
        seconds=60,
        log_days=MIGRATION_LOG_DAYS,
        environment={"STATE_TABLE": states, "DYNAMODB_TABLE": Ref(table)},
        may=(_keep_state(settings.migration), _see_replicas(f"${{{table.title}}}")),
    )


def _keep_state(name: str) -> Statement:
    return Statement(
        Sid="KeepState",
        Effect=Allow,
        Action=[table_actions.GetItem, table_actions.PutItem],
        Resource=[Sub(tables.arn(name))],
    )


def _see_replicas(name: str) -> Statement:
    return Statement(
        Sid="SeeReplicas",
        Effect=Allow,
        Action=[table_actions.DescribeTable],
        Resource=[Sub(tables.arn(name))],
    )


# The dashboard ------------------------------------------------------------------------------------


def dashboard(settings: Settings) -> Template:
    """Return three charts, each with the lines of every Region. (S3-X5)"""
    template = Template("A dashboard of the application in every Region")
    regions: dict[str, Value] = {}
    for side in sides(settings):
        parameter = template.add_parameter(
            _region(f"{side}Region", f"Region of the {side.lower()}")
        )
        regions[str(parameter.title)] = Ref(parameter)
    dashboards.add(
        template,
        "Dashboard",
        name=f"TAP-{settings.environment}",
        widgets=_widgets(settings, tuple(regions)),
        tags=settings.tags,
        values=regions,
    )
    return template


def _widgets(settings: Settings, regions: Sequence[str]) -> list[dashboards.Widget]:
    api = (settings.api, settings.environment)
    charts = {
        "Lambda": (
            metrics.function_calls(settings.function),
            metrics.function_errors(settings.function),
        ),
        "API": (
            metrics.api_requests(*api),
            metrics.api_client_errors(*api),
            metrics.api_server_errors(*api),
        ),
        "DynamoDB": (
            metrics.table_reads(settings.table),
            metrics.table_writes(settings.table),
            metrics.table_read_throttles(settings.table),
            metrics.table_write_throttles(settings.table),
        ),
    }
    return [
        dashboards.Widget(
            title=title,
            lines=[_line(metric, region) for region in regions for metric in shown],
            stat="Sum",
            width=dashboards.ROW // len(charts),
        )
        for title, shown in charts.items()
    ]


def _line(metric: Metric, region: str) -> dashboards.Line:
    place = f"${{{region}}}"
    return dashboards.line(metric, region=place, label=f"{metric.name} ({place})")
