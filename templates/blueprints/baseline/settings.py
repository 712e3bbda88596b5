"""What the baseline must be told: whom it is for, how fast it goes, and what it consists of."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from tapcfn.config import AccountId, Common, Region
from tapcfn.intrinsics import partition_of
from tapcfn.set_settings import PreferencesSettings, SetSettings, TargetSettings, WaveSettings


class Settings(Common):
    """What the baseline must be told."""

    name: str = Field(
        "baseline",
        description="lower-case letters, digits and single hyphens, starting with a letter, at "
        "most 20: the names of resources start with it",
        pattern=r"^[a-z](-?[a-z0-9])*$",
        max_length=20,
    )
    regions: tuple[Region, ...] = Field(
        ("us-east-1", "us-west-2", "eu-central-1"),
        description="a list of distinct Regions; the first one has what an account has one of",
    )
    target_accounts: tuple[AccountId, ...] = Field(
        (),
        description="a list of account ids, in quotes: who gets the baseline; else only the "
        "administrator's own account",
    )
    organizational_units: tuple[str, ...] = Field(
        (),
        description='a list of ids, such as "ou-ab12-c3d4e5f6": whose accounts get the baseline, '
        "in the place of target_accounts, with roles of the service",
    )
    delegated_administrator: bool = Field(
        False,
        description="true or false: whether to call as a delegated administrator, with "
        "organizational_units",
    )
    auto_deployment: bool = Field(
        True,
        description="true or false: whether accounts that join a unit get the baseline at once",
    )
    preferences: PreferencesSettings = Field(
        PreferencesSettings(), description="a table: regions, tolerance, concurrent, mode …"
    )
    waves: tuple[WaveSettings, ...] = Field(
        (), description="a list of wave tables: accounts that go before the others"
    )
    password_policy: bool = Field(
        True, description="true or false: a function sets the account's password policy"
    )
    password_reuse: int = Field(
        24, ge=1, le=24, description="1 to 24: how many old passwords may not be used again"
    )
    cloudtrail: bool = Field(
        True, description="true or false: one trail for all Regions of the account"
    )
    aws_config: bool = Field(
        True, description="true or false: a Config recorder in each Region, where there is none yet"
    )
    default_groups: str = Field(
        "1",
        description='a text: default security groups lose their rules; another text, such as "2", '
        "looks again, and an empty one leaves them as they are",
        max_length=32,
        validate_default=True,
    )

    @field_validator("regions")
    @classmethod
    def _are_distinct(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        if not regions or len(set(regions)) < len(regions):
            raise ValueError("names no Region, or one of them twice")
        return regions

    @field_validator("organizational_units")
    @classmethod
    def _are_instead(cls, units: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if units and info.data.get("target_accounts"):
            raise ValueError("target_accounts is there as well; allowed: one of them")
        return units

    @field_validator("delegated_administrator")
    @classmethod
    def _has_units(cls, delegated: bool, info: ValidationInfo) -> bool:
        if delegated and not info.data.get("organizational_units"):
            raise ValueError("there are no organizational_units")
        return delegated

    @field_validator("default_groups")
    @classmethod
    def _leaves_something(cls, revision: str, info: ValidationInfo) -> str:
        if not (revision or info.data.get("aws_config")):
            raise ValueError("nothing is left for a Region; aws_config is false as well")
        if not (info.data.get("password_policy") or info.data.get("cloudtrail")):
            raise ValueError("nothing is left for an account; allowed: a trail, a password policy")
        return revision

    # What follows from the settings ---------------------------------------------------------------

    @property
    def home(self) -> str:
        """The Region that keeps the sets, and has what an account has one of."""
        return self.regions[0]

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags on everything that takes tags."""
        return {"Name": self.name, "Purpose": "account-baseline"}

    def of_set(self, regions: tuple[str, ...]) -> SetSettings:
        """Return what a stack set in these Regions is told; the first Region goes first."""
        asked = self.preferences.region_order or self.regions
        order = {"region_order": tuple(region for region in asked if region in regions)}
        told: dict[str, Any] = {
            "preferences": self.preferences.model_copy(update=order),
            "waves": self.waves,
        }
        if units := self.organizational_units:
            return SetSettings(
                targets=TargetSettings(regions=regions, organizational_units=units),
                permission="service-managed",
                delegated_administrator=self.delegated_administrator,
                auto_deployment=self.auto_deployment,
                **told,
            )
        accounts = self.target_accounts or (self.account_id,)
        return SetSettings(
            targets=TargetSettings(accounts=accounts, regions=regions),
            administration_role=self._administration_role,
            execution_role=f"{self.name}-execution",
            **told,
        )

    @property
    def _administration_role(self) -> str:
        """A role of the baseline's own: what it may do follows from the baseline."""
        prefix = f"arn:{partition_of(self.home)}:iam::{self.account_id}:role"
        return f"{prefix}/{self.name}-administration"
