"""What a folder of templates must be told: its stacks, where each goes and what feeds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from tapcfn.config import AccountId, Common, Region, Strict
from tapcfn.model import ZoneOf
from tapcfn.set_settings import SetSettings

FILE = "tapcfn.toml"

# How CloudFormation lets a stack be called.
_NAME = r"[A-Za-z][A-Za-z0-9-]{0,127}"

_VALUE = (
    "a text, a number, true or false, a list of these, "
    '{ output = "VpcId", of = "network" } with a region if there are several, or { zone = 0 }'
)


@dataclass(frozen=True, slots=True)
class Wire:
    """A value that another stack puts out; in the asking stack's Region unless one is named."""

    output: str
    of: str
    region: str | None = None


Value: TypeAlias = str | Wire | ZoneOf


def _value(value: Any) -> Value:
    if isinstance(value, Mapping):
        return _table(value)
    if isinstance(value, tuple) and value:
        return ",".join(_text(each) for each in value)
    return _text(value)


def _text(value: Any) -> str:
    """Return a value as CloudFormation takes it: everything is a text there."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("is no value for a parameter")


def _table(value: Mapping[str, Any]) -> Wire | ZoneOf:
    if value.keys() == {"zone"} and type(value["zone"]) is int and value["zone"] >= 0:
        return ZoneOf(value["zone"])
    wired = {"output", "of"} <= value.keys() <= {"output", "of", "region"}
    if wired and all(isinstance(each, str) for each in value.values()):
        return Wire(**value)
    raise ValueError("is no value for a parameter")


def _wire(value: Any) -> Wire:
    found = _table(value) if isinstance(value, Mapping) else None
    if not isinstance(found, Wire):
        raise ValueError("names no output")
    return found


def _name(value: str) -> str:
    if not re.fullmatch(_NAME, value.replace("{region}", "us-east-1")):
        raise ValueError("is no name for a stack")
    return value


StackName = Annotated[str, AfterValidator(_name)]


class StackSettings(Strict):
    """One stack, or one in each of several Regions."""

    template: str = Field(description="a file of this folder: .yaml, .yml, .json or .template")
    name: StackName | None = Field(
        None,
        description="letters, digits and hyphens, starting with a letter, at most 128; "
        "{region} in it stands for the Region",
    )
    account: AccountId | None = Field(
        None, description="an account id, in quotes: 12 digits; else the account of all stacks"
    )
    region: Region | None = Field(
        None, description='the name of a Region, such as "us-east-1"; else the region of all stacks'
    )
    regions: tuple[Region, ...] = Field(
        (), description='a list of Regions, such as ["us-east-1", "eu-west-1"]: a stack in each'
    )
    phase: str = Field("all", description="a name; phases follow each other as they are named")
    parameters: Mapping[str, Annotated[Value, PlainValidator(_value)]] = Field(
        default_factory=dict, description=_VALUE
    )
    tags: Mapping[str, str] = Field(default_factory=dict, description="texts by name")
    protect: bool | None = Field(
        None,
        description="true or false: termination protection; else stacks that hold data have it",
    )

    @model_validator(mode="after")
    def _is_somewhere_once(self) -> StackSettings:
        if self.region and self.regions:
            raise ValueError("region and regions are both there; allowed: one of them")
        if len(set(self.regions)) < len(self.regions):
            raise ValueError("regions names a Region twice; allowed: each once")
        if len(self.regions) > 1 and self.name and "{region}" not in self.name:
            raise ValueError(f'name = "{self.name}": needs {{region}} where there are regions')
        return self


class PlainSet(SetSettings):
    """One stack set; it lives in the account and Region of its administrator."""

    template: str = Field(description="a file of this folder: .yaml, .yml, .json or .template")
    name: StackName | None = Field(
        None, description="letters, digits and hyphens, starting with a letter, at most 128"
    )
    account: AccountId | None = Field(
        None, description="the administrator's account id, in quotes; else the account of all"
    )
    region: Region | None = Field(
        None, description="the Region that keeps the set; else the region of all stacks"
    )
    phase: str = Field("all", description="a name; phases follow each other as they are named")
    parameters: Mapping[str, Annotated[Value, PlainValidator(_value)]] = Field(
        default_factory=dict, description=_VALUE
    )
    tags: Mapping[str, str] = Field(default_factory=dict, description="texts by name")


class Settings(Common):
    """What a folder of templates must be told."""

    stage: str = Field(
        "main",
        description="a name for this deployment, asked for before anything is changed on AWS",
        pattern=rf"^{_NAME}$",
    )
    region: Region | None = Field(
        None, description='the Region of stacks that name none, such as "us-east-1"'
    )
    tags: Mapping[str, str] = Field(
        default_factory=dict, description="texts by name: tags of every stack"
    )
    mark: bool = Field(
        False,
        description="true or false: whether every stack gets the tags tapcfn:blueprint and "
        "tapcfn:stage, by which another machine finds those that this file no longer has",
    )
    keep_data: bool = Field(
        False,
        description="true or false: whether resources that hold data and have no DeletionPolicy "
        "get Retain, and come back into their stacks when it is deployed again",
    )
    stacks: Mapping[StackName, StackSettings] = Field(
        default_factory=dict,
        description="a table [stacks.<name>] for each stack, with its template",
    )
    stack_sets: Mapping[StackName, PlainSet] = Field(
        default_factory=dict,
        description="a table [stack_sets.<name>] for each stack set, with its template and targets",
    )
    outputs: Mapping[str, Annotated[Wire, PlainValidator(_wire)]] = Field(
        default_factory=dict,
        description='{ output = "VpcId", of = "network" } by name, with a region if there are '
        "several; without this table every output of every stack",
    )

    @model_validator(mode="after")
    def _has_something(self) -> Settings:
        if not (self.stacks or self.stack_sets):
            raise ValueError("stacks: missing; allowed: a table [stacks.<name>] for each stack")
        if both := sorted(self.stacks.keys() & self.stack_sets.keys()):
            raise ValueError(f"{both[0]}: is a stack and a stack set; allowed: one of them")
        return self
