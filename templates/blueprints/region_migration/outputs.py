"""What people ask the migration for; where data is written changes with the promotion. (S4-22)"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tapcfn.model import OutputOf
from templates.blueprints.region_migration import (
    app,
    data,
    edge,
    foundation,
    monitoring,
    roles,
    source,
)
from templates.blueprints.region_migration.settings import Settings
from templates.layers import network, security

# From the name of a stack's layer and the key of its output.
Output = Callable[[str, str], OutputOf]


def of(settings: Settings, output: Output) -> Mapping[str, OutputOf]:
    """Return the rollout's outputs by name."""
    found = {
        "target_s3_bucket": output("storage", foundation.Out.TARGET_BUCKET),
        "backup_s3_bucket": output("storage", foundation.Out.BACKUP_BUCKET),
        "target_rds_endpoint": output("replica", data.Out.DATABASE_ENDPOINT),
        "target_kms_key_id": output("security", security.Out.KEY_ID),
        "target_s3_key_id": output("security", foundation.Out.BUCKET_KEY_ID),
        "vpc_id": output("network", network.Out.VPC_ID),
        "db_secret_arn": output("replica", data.Out.SECRET_ARN),
        "replication_role_arn": output("source", source.Out.ROLE_ARN),
        "replication_configuration": output("source", source.Out.REPLICATION),
        "operator_role_arn": output("roles", roles.Out.OPERATOR_ROLE_ARN),
    }
    return {**found, **_of_database(settings, output), **_of_options(settings, output)}


def _of_database(settings: Settings, output: Output) -> Mapping[str, OutputOf]:
    """Return where data is written, if that is known: a rehearsal's source, or the target."""
    end = output("replica", data.Out.DATABASE_ENDPOINT)
    if settings.promoted:
        return {"rds_endpoint": end}
    found = {"replica_endpoint": end}
    if settings.small_db:
        found["rds_endpoint"] = output("source-data", source.Out.DATABASE_ENDPOINT)
    return found


def _of_options(settings: Settings, output: Output) -> Mapping[str, OutputOf]:
    """Return what only some settings bring along."""
    fleet = bool(settings.ami_id)
    fixed, front = fleet and settings.fixed_instances, fleet and settings.global_accelerator
    function = settings.promotion_function
    asked = (
        (settings.has_source_key, "source_s3_key_id", "source", security.Out.KEY_ID),
        (settings.log_export, "export_s3_bucket", "logs", foundation.Out.EXPORT_BUCKET),
        (function, "promotion_lambda_arn", "promotion", data.Out.FUNCTION_ARN),
        (settings.aws_backup, "backup_vault", "backup", edge.Out.VAULT),
        (fleet, "target_asg_name", "app", app.Out.SCALING_GROUP),
        (fleet, "load_balancer_dns", "app", app.Out.DNS_NAME),
        (fleet, "dashboard_arn", "monitoring", monitoring.Out.DASHBOARD_ARN),
        (fixed, "instance_ids", "app", app.Out.INSTANCE_IDS),
        (fixed, "instance_ips", "app", app.Out.INSTANCE_IPS),
        (front, "accelerator_dns", "accelerator", edge.Out.DNS_NAME),
        (front, "accelerator_ips", "accelerator", edge.Out.ADDRESSES),
    )
    return {name: output(layer, key) for wanted, name, layer, key in asked if wanted}
