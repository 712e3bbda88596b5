"""What a migration saves and copies beside its stacks: objects, images, snapshots. (O-9, O-14)"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tapcfn.model import (
    Action,
    CompareDatabases,
    CompareObjects,
    CopyDatabaseSnapshot,
    CopyImage,
    Later,
    PromoteDatabase,
    ProveReplication,
    PutReplicationRule,
    RemoveReplicationRule,
    ReplicateObjects,
    SnapshotDatabase,
    SnapshotVolumes,
    Target,
)
from templates.blueprints.region_migration.data import BACKUPS
from templates.blueprints.region_migration.roles import TAG, TAG_VALUE
from templates.blueprints.region_migration.settings import Settings
from templates.blueprints.region_migration.source import RULE


@dataclass(frozen=True, slots=True)
class Copies:
    """The actions of one migration; the keys are of the target, and `role` is that of S3 Batch."""

    settings: Settings
    key: Later
    database_key: Later
    role: Later

    @property
    def source(self) -> Target:
        """The Region that is left."""
        return Target(self.settings.account_id, self.settings.source_region)

    @property
    def target(self) -> Target:
        """The Region that is moved to."""
        return Target(self.settings.account_id, self.settings.target_region)

    def image(self) -> CopyImage:
        """Return the copy of the instances' image."""
        settings = self.settings
        image, name = settings.source_ami_id, settings.names.image
        return CopyImage("copy-image", self.target, settings.source_region, image, name, self.key)

    def replicate(self) -> ReplicateObjects:
        """Return the copy of what is older than the rule; its report goes into the source."""
        bucket = self.settings.copied_bucket
        return ReplicateObjects("replicate-objects", self.source, bucket, self.role, bucket)

    def put_rule(self, configuration: Later) -> PutReplicationRule:
        """Return the replication rule of a bucket of others, beside those that it has."""
        bucket = self.settings.copied_bucket
        return PutReplicationRule("put-rule", self.source, bucket, RULE, configuration)

    def remove_rule(self) -> RemoveReplicationRule:
        """Return the end of that rule."""
        return RemoveReplicationRule("remove-rule", self.source, self.settings.copied_bucket, RULE)

    def prove(self) -> ProveReplication:
        """Return the proof that what is written to the source arrives in the target. (S4-23)"""
        buckets = self.settings.copied_bucket, self.settings.target_bucket
        return ProveReplication("prove-copies", self.source, buckets[0], self.target, buckets[1])

    def back(self, role: Later) -> Iterator[Action]:
        """Yield what comes with the way back of objects: what is there by then, and a proof."""
        buckets = self.settings.target_bucket, self.settings.copied_bucket
        yield ReplicateObjects("replicate-back", self.target, buckets[0], role, buckets[0])
        yield ProveReplication("prove-way-back", self.target, buckets[0], self.source, buckets[1])

    def compare(self, name: str) -> CompareObjects:
        """Return a look at every object of both buckets."""
        buckets = self.settings.copied_bucket, self.settings.target_bucket
        return CompareObjects(name, self.source, buckets[0], self.target, buckets[1])

    def compare_databases(self) -> CompareDatabases:
        """Return a look at what RDS tells of both databases: nothing of rows."""
        names = self.settings.copied_database, self.settings.names.target_database
        return CompareDatabases("compare-databases", self.source, names[0], self.target, names[1])

    def promote(self) -> PromoteDatabase:
        """Return the promotion by a call, with the backups that the stack then says. (O-15)"""
        name = self.settings.names.target_database
        days, window = BACKUPS.days, BACKUPS.window
        return PromoteDatabase("promote-by-call", self.target, name, days, window)

    def before(self) -> Iterator[Action]:
        """Yield the backups of the source. (S4-21, S4-X8)"""
        settings, names = self.settings, self.settings.names
        yield self._database("snapshot-source", names.snapshot_before)
        if settings.manual_snapshot:
            yield self._database("snapshot-by-hand", names.manual_snapshot)
        if settings.source_alb_arn:
            yield self._volumes("snapshot-source-volumes", self.source, names.snapshot_before)

    def after(self) -> Iterator[Action]:
        """Yield the backups of the target. (S4-21)"""
        names = self.settings.names
        yield SnapshotDatabase(
            "snapshot-target", self.target, names.target_database, names.snapshot_after
        )
        yield self._volumes("snapshot-target-volumes", self.target, names.snapshot_after)

    def final(self) -> Iterator[Action]:
        """Yield the last backup of the source's database, and its copy in the target. (S4-10)

        What is kept of a Region that is given up should not be in it alone.
        """
        settings, name = self.settings, self.settings.names.final_snapshot
        yield self._database("final-snapshot", name)
        yield CopyDatabaseSnapshot(
            "copy-final-snapshot",
            self.target,
            settings.source_region,
            name,
            name,
            self.database_key,
        )

    def _database(self, name: str, snapshot: str) -> SnapshotDatabase:
        return SnapshotDatabase(name, self.source, self.settings.copied_database, snapshot)

    @staticmethod
    def _volumes(name: str, target: Target, snapshot: str) -> SnapshotVolumes:
        return SnapshotVolumes(name, target, (TAG, TAG_VALUE), snapshot)
