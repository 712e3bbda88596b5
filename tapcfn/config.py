"""From a TOML file to settings that are right: every fault is named at once, before any call."""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from tapcfn.errors import ConfigError

LOCAL_ACCOUNT = "000000000000"


def _account(value: str) -> str:
    if not re.fullmatch(r"[0-9]{12}", value):
        raise ValueError("is no account id")
    return value


def _region(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]", value):
        raise ValueError("is no Region")
    return value


def _cidr(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"is no IPv4 CIDR block ({error})") from error
    return str(network)


def _bucket(value: str) -> str:
    try:
        value.format(account=LOCAL_ACCOUNT, region="us-east-1")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("has another placeholder than {account} and {region}") from error
    return value


AccountId = Annotated[
    str, AfterValidator(_account), Field(description="an AWS account id: 12 digits, in quotes")
]
Region = Annotated[
    str, AfterValidator(_region), Field(description='the name of a Region, such as "us-east-1"')
]
Cidr = Annotated[
    str,
    AfterValidator(_cidr),
    Field(description='an IPv4 CIDR block without host bits, such as "203.0.113.0/24"'),
]


class Strict(BaseModel):
    """Frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Credentials(Strict):
    """How to speak for one account: a profile, a role to assume from it, or both."""

    profile: str | None = Field(None, description="a profile of the AWS configuration files")
    role_arn: str | None = Field(
        None,
        description="the ARN of a role to assume",
        pattern=r"^arn:[a-z-]+:iam::[0-9]{12}:role/.+$",
    )
    external_id: str | None = Field(None, description="the external id that the role asks for")


class Common(Strict):
    """What every blueprint's settings have; each blueprint adds its own keys."""

    backend: Literal["local", "aws"] = Field(
        description='"local" (the local cloud) or "aws"', default="aws"
    )
    account: AccountId | None = Field(
        None,
        description="the account id to deploy to: 12 digits, in quotes",
        validate_default=True,
    )
    accounts: tuple[AccountId, ...] = Field(
        (), description="the account ids that this stage may touch: a list of 12-digit strings"
    )
    credentials: Mapping[AccountId, Credentials] = Field(
        default_factory=dict, description='tables [credentials."<account id>"]'
    )
    keep_data: bool = Field(
        True, description="true or false: whether a destroy leaves buckets, keys and logs behind"
    )
    termination_protection: bool = Field(
        True, description="true or false: whether stacks that hold data are protected"
    )
    artifact_bucket: Annotated[str, AfterValidator(_bucket)] | None = Field(
        None,
        description="a bucket name with {account} and {region}, for templates above 51,200 bytes",
        pattern=r"^([a-z0-9.-]|\{account\}|\{region\})+$",
    )

    @field_validator("account")
    @classmethod
    def _is_named_on_aws(cls, account: str | None, info: ValidationInfo) -> str | None:
        if account is None and info.data.get("backend") == "aws":
            raise ValueError('missing, and backend is "aws"')
        return account

    @property
    def account_id(self) -> str:
        """The account to deploy to; on the local cloud the fixed one unless another is set."""
        return self.account or LOCAL_ACCOUNT


S = TypeVar("S", bound=Common)


def load(path: Path, model: type[S]) -> S:
    """Read and check a settings file.

    Raises `ConfigError` with every fault: the key, the value, what is allowed, and for an unknown
    key the nearest that exists.
    """
    return check(str(path), _document(path), model)


def load_common(path: Path) -> Common:
    """Read what every blueprint's settings have from a file, and pass over the blueprint's own."""
    document = _document(path)
    return check(
        str(path), {key: document[key] for key in Common.model_fields if key in document}, Common
    )


def _document(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise ConfigError(str(path), (f"cannot be read: {reason}",)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), (f"is not TOML: {error}",)) from error


def check(where: str, document: Mapping[str, Any], model: type[S]) -> S:
    """Return `document` as settings; raise `ConfigError` naming every fault."""
    try:
        return model.model_validate(_tuples(document))
    except ValidationError as error:
        faults = tuple(sorted({_fault(each, model) for each in error.errors()}))
        raise ConfigError(where, faults) from error


def _tuples(value: Any) -> Any:
    """TOML has lists where settings have tuples."""
    if isinstance(value, Mapping):
        return {key: _tuples(each) for key, each in value.items()}
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value


def _fault(error: ErrorDetails, model: type[BaseModel]) -> str:
    """Say what is wrong with one key, and what would be right."""
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    if error["type"] == "extra_forbidden":
        return _unknown_key(location, model)
    allowed = _description(location, model)
    hint = f"; allowed: {allowed}" if allowed else ""
    if error["type"] == "missing":
        return f"{key}: missing{hint}"
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["input"] is None:
        return f"{key}: {message}{hint}"
    if not location:
        return message
    if error["type"] != "value_error":
        message = message[0].lower() + message[1:]
    return f"{key} = {_shown(error['input'])}: {message}{hint}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _unknown_key(location: list[str], model: type[BaseModel]) -> str:
    owner = _owner(location[:-1], model)
    known = sorted(owner.model_fields) if owner else []
    near = difflib.get_close_matches(location[-1], known, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; known keys: {', '.join(known)}"
    return f"{'.'.join(location)}: unknown key{hint}"


def _owner(location: list[str], model: type[BaseModel]) -> type[BaseModel] | None:
    """Return the model that holds the key at `location`."""
    for part in location:
        field = model.model_fields.get(part)
        inner = next(_models(field.annotation), None) if field else None
        model = inner or model
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _description(location: list[str], model: type[BaseModel]) -> str:
    """Return what the settings say of a key: what is allowed there."""
    for depth in range(len(location), 0, -1):
        owner = _owner(location[: depth - 1], model)
        field = owner.model_fields.get(location[depth - 1]) if owner else None
        if field and field.description:
            return field.description
    return ""
