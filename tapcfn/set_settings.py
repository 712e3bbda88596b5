"""How a stack set is told in TOML: whom it is for, how fast, in which waves, with whose roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from tapcfn.config import AccountId, Region, Strict
from tapcfn.errors import ConfigError, UsageError
from tapcfn.gate_settings import GateList, gates_of
from tapcfn.model import (
    EXECUTION_ROLE,
    AccountFilter,
    AutoDeployment,
    Organization,
    ParameterValue,
    Permission,
    Preferences,
    SelfManaged,
    ServiceManaged,
    Share,
    StackSet,
    Target,
    TemplateBody,
    Wave,
)
from tapcfn.stack_sets.targets import expand, read_pairs
from tapcfn.stack_sets.waves import split

_PAIR = '"<account id>/<Region>"'


def _pair(value: str) -> str:
    account, slash, region = value.partition("/")
    if not (slash and len(account) == 12 and account.isdigit() and region.count("-") >= 2):
        raise ValueError("is no pair")
    return value


def _target(pair: str) -> Target:
    account, _, region = pair.partition("/")
    return Target(account, region)


Pair = Annotated[str, AfterValidator(_pair)]
_Count = Annotated[int, Field(ge=0)]
_Percent = Annotated[int, Field(ge=0, le=100)]


class PreferencesSettings(Strict):
    """How an operation goes about its accounts, in each Region on its own."""

    regions: Literal["sequential", "parallel"] = Field(
        "sequential", description='"sequential" or "parallel": one Region after another, or all'
    )
    region_order: tuple[Region, ...] = Field(
        (), description="a list of Regions: these first, in this order"
    )
    tolerance: _Count | None = Field(
        None, description="a number from 0: accounts of a Region that may fail; 0 if not written"
    )
    tolerance_percent: _Percent | None = Field(
        None, description="0 to 100: the same as a percentage, rounded down"
    )
    concurrent: Annotated[int, Field(ge=1)] | None = Field(
        None, description="a number from 1: accounts of a Region at once; 1 if not written"
    )
    concurrent_percent: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="1 to 100: the same as a percentage, rounded down, at least one account"
    )
    mode: Literal["strict", "soft"] = Field(
        "strict",
        description='"strict" or "soft": at most as many at once as may fail, and one more; or all',
    )

    @model_validator(mode="after")
    def _are_told_once(self) -> PreferencesSettings:
        for key in "tolerance", "concurrent":
            if None not in {getattr(self, key), getattr(self, f"{key}_percent")}:
                raise ValueError(f"{key} and {key}_percent are both there; allowed: one of them")
        return self

    def preferences(self) -> Preferences:
        """Return them as the plan has them."""
        return Preferences(
            self.region_order,
            self.regions == "parallel",
            _share(self.tolerance, self.tolerance_percent, 0),
            _share(self.concurrent, self.concurrent_percent, 1),
            self.mode == "soft",
        )


def _share(count: int | None, percent: int | None, default: int) -> Share:
    if percent is not None:
        return Share(percent, percent=True)
    return Share(default if count is None else count)


class WaveSettings(Strict):
    """Some pairs that go before the rest."""

    name: str = Field(
        description="letters, digits and hyphens", pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$"
    )
    pairs: tuple[Pair, ...] = Field((), description=f"a list of {_PAIR}")
    count: Annotated[int, Field(ge=1)] | None = Field(
        None, description="a number from 1: so many of the pairs that are left"
    )
    percent: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="1 to 100: so many of all pairs, taken from those that are left"
    )
    bake: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0, description="seconds: how long to wait before the gates are asked"
    )
    gates: GateList = Field((), description="a list of gate tables")

    @model_validator(mode="after")
    def _has_one_size(self) -> WaveSettings:
        given = [bool(self.pairs), self.count is not None, self.percent is not None]
        if sum(given) != 1:
            raise ValueError("pairs, count, percent: allowed: exactly one of them")
        return self

    def wave(self, home: Target) -> Wave:
        """Return it as the plan has it."""
        size: frozenset[Target] | Share = frozenset(map(_target, self.pairs))
        if not self.pairs:
            size = _share(self.count, self.percent, 1)
        return Wave(self.name, size, gates_of(self.gates, home), self.bake)


class OverrideSettings(Strict):
    """Other values of parameters for some pairs; a later table goes before an earlier one."""

    accounts: tuple[AccountId, ...] = Field((), description="account ids; without them all")
    regions: tuple[Region, ...] = Field((), description="Regions; without them all")
    parameters: Mapping[str, str] = Field(description="texts by name", min_length=1)

    def meets(self, pair: Target) -> bool:
        """Whether it is meant for a pair."""
        return (not self.accounts or pair.account in self.accounts) and (
            not self.regions or pair.region in self.regions
        )


class TargetSettings(Strict):
    """Whom a set is for: accounts times Regions, a file of pairs, or organizational units."""

    file: str | None = Field(
        None, description="a .csv, .json or .toml file of pairs, beside the settings"
    )
    accounts: tuple[AccountId, ...] = Field((), description="a list of account ids, in quotes")
    regions: tuple[Region, ...] = Field((), description="a list of Regions")
    regions_of: Mapping[AccountId, tuple[Region, ...]] = Field(
        default_factory=dict, description="a list of Regions by account id: those it has instead"
    )
    exceptions: tuple[Pair, ...] = Field((), description=f"a list of {_PAIR}: pairs to leave out")
    organizational_units: tuple[str, ...] = Field(
        (), description='a list of ids, such as "ou-ab12-c3d4e5f6", or of a root: service-managed'
    )
    filter: Literal["none", "intersection", "difference"] = Field(
        "none",
        description='"none", "intersection" or "difference": what accounts do to units',
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> TargetSettings:
        if faults := tuple(self._faults()):
            raise ValueError("; ".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        units = bool(self.organizational_units)
        if units and (self.file or self.regions_of or self.exceptions):
            yield "organizational_units: allowed beside them: accounts, regions and filter"
        if not units and self.filter != "none":
            yield f'filter = "{self.filter}": only with organizational_units'
        if units and bool(self.accounts) != (self.filter != "none"):
            yield "accounts and filter: with organizational_units, both or neither"
        if self.file and (self.accounts or self.regions or self.regions_of or self.exceptions):
            yield "file: allowed beside it: nothing"
        if not self.file and not self.regions:
            yield "regions: missing; allowed: a list of Regions"
        if not (units or self.file or self.accounts):
            yield "accounts: missing; allowed: account ids, a file, or organizational_units"

    def pairs(self, folder: Path) -> tuple[frozenset[Target], Mapping[Target, Mapping[str, str]]]:
        """Return the pairs and the overrides of the file, if there is one."""
        if self.organizational_units:
            return frozenset(), {}
        if self.file:
            named = read_pairs(folder / self.file)
            return named.pairs, named.overrides
        exceptions = map(_target, self.exceptions)
        return expand(self.accounts, self.regions, exceptions, self.regions_of), {}

    def organization(self) -> Organization | None:
        """Return the organizational units, if those are meant."""
        if not self.organizational_units:
            return None
        return Organization(
            self.organizational_units,
            self.regions,
            AccountFilter(self.filter.upper()),
            frozenset(self.accounts),
        )


class SetSettings(Strict):
    """All that a stack set is told but its template."""

    targets: TargetSettings = Field(description="a table: accounts, regions, file …")
    preferences: PreferencesSettings = Field(
        PreferencesSettings(), description="a table: regions, tolerance, concurrent, mode …"
    )
    waves: tuple[WaveSettings, ...] = Field((), description="a list of wave tables")
    overrides: tuple[OverrideSettings, ...] = Field((), description="a list of override tables")
    permission: Literal["self-managed", "service-managed"] = Field(
        "self-managed", description='"self-managed" or "service-managed": whose roles'
    )
    administration_role: str | None = Field(
        None, description="the ARN of a role; else the one of the usual name", pattern=r"^arn:.+$"
    )
    execution_role: str = Field(
        EXECUTION_ROLE, description="the name of a role that every target account has"
    )
    delegated_administrator: bool = Field(
        False, description="true or false: whether to call as a delegated administrator"
    )
    auto_deployment: bool = Field(
        False, description="true or false: whether accounts that join a unit get instances"
    )
    retain_on_leaving: bool = Field(
        False, description="true or false: whether accounts that leave a unit keep their stacks"
    )
    depends_on: tuple[str, ...] = Field(
        (), description="names of stack sets whose instances accounts get before; at most 10",
        max_length=10,
    )  # fmt: skip
    managed_execution: bool = Field(
        True, description="true or false: whether conflicting operations queue"
    )
    retain_stacks: bool = Field(
        False, description="true or false: whether pairs that leave keep their stacks"
    )

    @model_validator(mode="after")
    def _is_one_model(self) -> SetSettings:
        if faults := tuple(self._faults()):
            raise ValueError("; ".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        units = bool(self.targets.organizational_units)
        own = self.permission == "self-managed"
        if own and units:
            yield 'permission = "self-managed": organizational_units need "service-managed"'
        if not own and not units:
            yield 'permission = "service-managed": needs organizational_units'
        if own and (self.delegated_administrator or self.auto_deployment):
            yield "delegated_administrator, auto_deployment: only for service-managed sets"
        if not own and (self.administration_role or self.execution_role != EXECUTION_ROLE):
            yield "administration_role, execution_role: only for self-managed sets"
        if units and any(not each.accounts for each in self.overrides):
            yield "overrides: with organizational_units each needs accounts"
        if not self.auto_deployment and (self.retain_on_leaving or self.depends_on):
            yield "retain_on_leaving, depends_on: only with auto_deployment = true"

    def stack_set(
        self,
        name: str,
        home: Target,
        template: TemplateBody,
        parameters: Mapping[str, ParameterValue],
        tags: Mapping[str, str],
        folder: Path,
    ) -> StackSet:
        """Return the set; raise `ConfigError` where its targets or waves contradict each other."""
        try:
            pairs, own = self.targets.pairs(folder)
            waves = tuple(each.wave(home) for each in self.waves)
            if pairs:
                split(pairs, waves, self.preferences.region_order)
        except UsageError as error:
            raise ConfigError(name, (str(error),)) from error
        return StackSet(
            name,
            home,
            template,
            pairs,
            self.targets.organization(),
            parameters,
            self._overrides(pairs, own),
            tags,
            self._permission(),
            self.preferences.preferences(),
            waves,
            self.managed_execution,
            self.retain_stacks,
        )

    def _overrides(
        self, pairs: frozenset[Target], own: Mapping[Target, Mapping[str, str]]
    ) -> dict[Target, Mapping[str, ParameterValue]]:
        """Return what each pair is told for itself; a file says the last word."""
        named = pairs or frozenset(
            Target(account, region)
            for each in self.overrides
            for account in each.accounts
            for region in each.regions or self.targets.regions
        )
        told: dict[Target, Mapping[str, ParameterValue]] = {}
        for pair in sorted(named):
            values: dict[str, ParameterValue] = {}
            for each in self.overrides:
                if each.meets(pair):
                    values.update(each.parameters)
            values.update(own.get(pair, {}))
            if values:
                told[pair] = values
        return told

    def _permission(self) -> Permission:
        if self.permission == "self-managed":
            return SelfManaged(self.administration_role or "", self.execution_role)
        auto = AutoDeployment(self.retain_on_leaving, self.depends_on)
        return ServiceManaged(self.delegated_administrator, auto if self.auto_deployment else None)
