"""Fail a Multi-AZ database over to its standby, and see that it answers again. (O-18)

What the database's own events say of the last minutes is the proof, whoever asked for it: after a
crash nothing is failed over a second time, which the service would refuse so soon anyway.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions import database_instances as databases
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, running
from tapcfn.errors import BlockedError
from tapcfn.model import FailoverDrill

# Minutes in which a failover counts, by the clock of RDS.
RECENT = 15


def look(door: Door, action: FailoverDrill, _token: str) -> ActionState:
    """Return DONE for a database that has failed over of late and answers."""
    found = databases.the(door, action.target, str(action.database_id))
    if broken := databases.breakage(found):
        return broken
    events, status = _events(door, action), str(found["DBInstanceStatus"])
    is_over = any("complete" in each.lower() for each in events)
    if is_over and status == databases.AVAILABLE:
        zone = str(found.get("AvailabilityZone", ""))
        return done(f"answers from {zone}", {"zone": zone})
    if status == "rebooting" or any("started" in each.lower() for each in events):
        return running(f"{action.database_id} is {status}")
    return ABSENT


def begin(door: Door, action: FailoverDrill, _token: str) -> Facts:
    """Reboot over to the standby; a request that was sent before finds it rebooting."""
    found = databases.the(door, action.target, str(action.database_id))
    if not found.get("MultiAZ"):
        raise BlockedError(
            f"{action.name}: database {action.database_id} ({action.target}) has no standby: it is "
            "not Multi-AZ"
        )
    try:
        door("rds", action.target).reboot_db_instance(
            DBInstanceIdentifier=str(action.database_id), ForceFailover=True
        )
    except ClientError as error:
        now = databases.the(door, action.target, str(action.database_id))
        was_sent = now["DBInstanceStatus"] == "rebooting"
        if not (databases.is_in_wrong_state(error) and was_sent):
            raise
    return {"zone before": str(found.get("AvailabilityZone", ""))}


def _events(door: Door, action: FailoverDrill) -> list[str]:
    """Return what RDS tells of failovers of the last minutes, oldest first."""
    pages = (
        door("rds", action.target)
        .get_paginator("describe_events")
        .paginate(
            SourceIdentifier=str(action.database_id),
            SourceType="db-instance",
            EventCategories=["failover"],
            Duration=RECENT,
        )
    )
    return [str(each["Message"]) for page in pages for each in page["Events"]]
