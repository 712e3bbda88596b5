"""The `ActionCloud` port, kept by boto3: one small module for each type of action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tapcfn.acting import ActionState
from tapcfn.aws.actions import (
    canaries,
    certificates,
    comparing,
    database_comparisons,
    database_snapshots,
    default_groups,
    failover_drills,
    images,
    passwords,
    promotions,
    replicating,
    replication_proofs,
    replication_rules,
    restore_drills,
    secret_replicas,
    table_comparisons,
    volume_snapshots,
    write_stops,
)
from tapcfn.aws.actions.door import Door, Facts, How, nothing
from tapcfn.aws.calls import told
from tapcfn.aws.firmly import Firmly
from tapcfn.aws.session import Clients
from tapcfn.model import (
    Action,
    AwaitCertificate,
    CompareDatabases,
    CompareItems,
    CompareObjects,
    CopyDatabaseSnapshot,
    CopyImage,
    FailoverDrill,
    LockDownDefaultGroup,
    PromoteCanary,
    PromoteDatabase,
    ProveReplication,
    PutReplicationRule,
    RemoveCanary,
    RemoveReplicationRule,
    ReplicateObjects,
    ReplicateSecret,
    ResetPassword,
    RestoreDrill,
    RestoreReadOnly,
    SetReadOnly,
    SnapshotDatabase,
    SnapshotVolumes,
)
from tapcfn.waits import Patience

HOW: Mapping[type[Action], How] = {
    AwaitCertificate: How(certificates.look, nothing),
    CompareDatabases: How(database_comparisons.look, nothing),
    CompareItems: How(table_comparisons.look, nothing),
    CompareObjects: How(comparing.look, nothing),
    CopyDatabaseSnapshot: How(database_snapshots.look_at_copy, database_snapshots.copy),
    CopyImage: How(images.look, images.begin),
    FailoverDrill: How(failover_drills.look, failover_drills.begin),
    LockDownDefaultGroup: How(default_groups.look, default_groups.begin),
    PromoteCanary: How(canaries.look, canaries.promote),
    PromoteDatabase: How(promotions.look, promotions.begin),
    RemoveCanary: How(canaries.look_at_end, canaries.remove),
    PutReplicationRule: How(replication_rules.look, replication_rules.put),
    RemoveReplicationRule: How(replication_rules.look_at_end, replication_rules.remove),
    ProveReplication: How(replication_proofs.look, replication_proofs.begin),
    ReplicateObjects: How(replicating.look, replicating.begin),
    ReplicateSecret: How(secret_replicas.look, secret_replicas.begin),
    ResetPassword: How(passwords.look, passwords.begin),
    RestoreDrill: How(restore_drills.look, restore_drills.begin),
    RestoreReadOnly: How(write_stops.look_at_end, write_stops.restore),
    SetReadOnly: How(write_stops.look, write_stops.begin),
    SnapshotDatabase: How(database_snapshots.look, database_snapshots.take),
    SnapshotVolumes: How(volume_snapshots.look, volume_snapshots.begin),
}


class AwsActions:
    """AWS, or an endpoint that behaves like it, as actions see it; one for a whole run.

    A look is made once here, which botocore repeats a few times: whoever waits looks again.
    """

    def __init__(self, clients: Clients, patience: Patience) -> None:
        self._door = Door(clients, Firmly(patience, clients.renew), patience)
        self._known: dict[str, Facts] = {}

    def look(self, action: Action, token: str) -> ActionState:
        """Return where an action stands, with what was known when this run began it."""

        def look() -> ActionState:
            with told(action.name, action.target):
                return HOW[type(action)].look(self._door, action, token)

        state = self._door.firmly.look(look)
        return replace(state, facts={**self._known.get(token, {}), **state.facts})

    def begin(self, action: Action, token: str) -> None:
        """Begin the action or its next step; a request whose answer was broken is sent again."""

        def begin() -> Facts:
            with told(action.name, action.target):
                return HOW[type(action)].begin(self._door, action, token)

        known = self._known.get(token, {})
        self._known[token] = {**known, **self._door.firmly.write(begin)}
