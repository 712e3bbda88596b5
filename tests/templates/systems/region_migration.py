"""The region migration, for the tests: its options, and shortest ways to its stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.model import Rollout
from templates.blueprints import region_migration
from templates.blueprints.region_migration import Settings
from tests.templates.resolved import Seen, seen
from tests.templates.systems._system import ACCOUNT, System

SOURCE, TARGET = "us-west-1", "us-east-1"
IMAGE = "ami-0123456789abcdef0"
SOURCE_KEY = f"arn:aws:kms:{SOURCE}:{ACCOUNT}:key/0a1b2c3d"

SOURCE_BUCKET = f"tap-stack-source-{ACCOUNT}-{SOURCE}"
TARGET_BUCKET = f"tap-stack-target-{ACCOUNT}-{TARGET}"
BACKUP_BUCKET = f"tap-stack-backup-{ACCOUNT}-{TARGET}"
REPLICA_ARN = f"arn:aws:rds:{TARGET}:{ACCOUNT}:db:tap-stack-target-replica"

VPC: Mapping[str, Any] = {
    "vpc_id": "vpc-0abc",
    "subnet_ids": ["subnet-0a1", "subnet-0a2"],
    "private_subnet_ids": ["subnet-0b1", "subnet-0b2"],
}


def balancer(region: str, account: str = ACCOUNT) -> str:
    """Return the ARN of a load balancer that is there already."""
    return f"arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/old/0123456789abcdef"


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "imported": {
        "source_bucket": "import",
        "source_bucket_name": "photos",
        "source_key_arn": SOURCE_KEY,
    },
    "created": {"source_bucket": "create"},
    "source_key": {"source_key_arn": SOURCE_KEY},
    "rtc": {"rtc": True},
    "source_role": {"source_role_arn": f"arn:aws:iam::{ACCOUNT}:role/of/others"},
    "no_way_back": {"reverse_replication": False},
    "promoted": {"promoted": True},
    "by_call": {"promotion": "call"},
    "password_reset": {"promoted": True, "password_reset": True},
    "no_accelerator": {"global_accelerator": False},
    "cut_over": {"dial_source": 0, "dial_target": 100},
    "retired": {"source_alb_arn": "", "dial_source": 0, "dial_target": 100},
    "log_export": {"log_export": True},
    "promotion_function": {"promotion_function": True},
    "aws_backup": {"aws_backup": True},
    "three_keys": {"three_keys": True, "source_key_arn": SOURCE_KEY},
    "small_db": {"small_db": True},
    "fixed_instances": {"fixed_instances": True},
    "rich_dashboard": {"rich_dashboard": True},
    "manual_snapshot": {"manual_snapshot": True},
    "vpc_fallback": {"vpc_fallback": VPC},
    "no_image_yet": {"ami_id": "", "source_ami_id": IMAGE},
}
ALL_ON: Mapping[str, Any] = {
    "source_bucket": "create",
    "rtc": True,
    "log_export": True,
    "promotion_function": True,
    "aws_backup": True,
    "three_keys": True,
    "small_db": True,
    "fixed_instances": True,
    "rich_dashboard": True,
    "manual_snapshot": True,
}

SYSTEM = System(
    module=region_migration,
    minimal={"account": ACCOUNT, "source_alb_arn": balancer(SOURCE), "ami_id": IMAGE},
    options=OPTIONS,
    all_on=ALL_ON,
    more={
        "all_promoted": {**ALL_ON, "promoted": True, "password_reset": True},
        "imported_first": {**OPTIONS["imported"], "enable_replication": False},
        "mysql_80": {"db_engine_version": "8.0.42"},
    },
    tags={"Environment": "production", "Migration": "cross-region"},
    elsewhere={
        "account": "999999999999",
        "source_region": "eu-west-1",
        "target_region": "eu-central-1",
        "source_alb_arn": balancer("eu-west-1", "999999999999"),
        "ami_id": "ami-0fedcba9876543210",
        "ssh_cidr": "10.0.0.0/16",
        "dial_source": 50,
        "dial_target": 50,
    },
    contradictory=frozenset(
        frozenset({"created", other}) for other in ("imported", "source_key", "three_keys")
    ),
)


def settings(**keys: Any) -> Settings:
    """Return settings that are right but for `keys`."""
    made = SYSTEM.settings(**keys)
    assert isinstance(made, Settings)
    return made


def rollout(**keys: Any) -> Rollout:
    """Return the rollout of stage prod for these settings."""
    return SYSTEM.rollout(**keys)


def layers(**keys: Any) -> Mapping[str, Seen]:
    """Return the stacks for these settings by layer, with everything filled in."""
    return seen(rollout(**keys))
