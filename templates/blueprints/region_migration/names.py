"""What everything is called: after `name`, with `-stack` taken off for two of them. (C-2)"""

from __future__ import annotations

from dataclasses import dataclass

from templates.blueprints._checks import ACCOUNT_DIGITS
from templates.layers._names import short
from templates.layers.storage import bucket_name


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one migration."""

    name: str
    environment: str

    def of(self, what: str) -> str:
        """Return the name of something."""
        return f"{self.name}-{what}"

    def short(self, what: str) -> str:
        """Return the name of a load balancer or target group: at most 32 characters."""
        return short(self.of(what))

    def bucket(self, what: str) -> str:
        """Return a whole bucket's name, as text for `Fn::Sub` in the bucket's own Region."""
        return bucket_name(self.of(what))

    def bucket_in(self, what: str, account: str, region: str) -> str:
        """Return a whole bucket's name, where account and Region are known."""
        filled = self.bucket(what).replace("${AWS::AccountId}", account)
        return filled.replace("${AWS::Region}", region)

    @property
    def log_group(self) -> str:
        """The log group of the instances."""
        return f"/aws/migration/{self.name}"

    @property
    def function(self) -> str:
        """The function that promotes."""
        return self.of("promotion")

    @property
    def target_database(self) -> str:
        """The replica, which keeps its name when it is promoted."""
        return self.of("target-replica")

    @property
    def small_database(self) -> str:
        """The source of a rehearsal."""
        return f"{self._prefix}-db-{self.environment}"

    @property
    def secret(self) -> str:
        """The secret with the database's password."""
        return f"{self._prefix}-db-password-{self.environment}"

    @property
    def manual_snapshot(self) -> str:
        """The snapshot that is taken by hand."""
        return f"{self._prefix}-migration-snapshot-{self.environment}"

    @property
    def image(self) -> str:
        """The image's copy in the target Region."""
        return self.of("image")

    @property
    def snapshot_before(self) -> str:
        """The snapshots of the source before anything moves."""
        return self.of("before-migration")

    @property
    def snapshot_after(self) -> str:
        """The snapshots of the target once it serves."""
        return self.of("after-migration")

    @property
    def final_snapshot(self) -> str:
        """The last snapshot of the source database, before it is given up."""
        return self.of("final-snapshot")

    @property
    def _prefix(self) -> str:
        return self.name.removesuffix("-stack")


def longest_bucket(name: str, *regions: str) -> int:
    """Return the length of the longest bucket name: those of all kinds are equally long."""
    return max(len(f"{name}-source--{region}") for region in regions) + ACCOUNT_DIGITS
