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

from tapcfn import allowances
from tapcfn.errors import ConfigError, UsageError
from tapcfn.notice_settings import Notifications
from tapcfn.secret import MASK

LOCAL_ACCOUNT = "000000000000"

# The name of the credentials of accounts that have none of their own.
ANY_ACCOUNT = "*"


def _account(value: str) -> str:
    if not re.fullmatch(r"[0-9]{12}", value):
        raise ValueError("is no account id")
    return value


def _speaking_for(value: str) -> str:
    return value if value == ANY_ACCOUNT else _account(value)


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


def _allowance(value: str) -> str:
    try:
        allowances.parse(value)
    except UsageError as error:
        raise ValueError("is no allowance") from error
    return value


def _arn(value: str) -> str:
    if not re.fullmatch(r"arn:(aws[a-z-]*|\{partition\}):[a-z]+:[^:]*:[^:]+:.+", value):
        raise ValueError("is no ARN")
    if set(re.findall(r"\{([^}]*)\}", value)) - {"account", "region", "partition"}:
        raise ValueError("has another placeholder than {account}, {region} and {partition}")
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

    profile: str | None = Field(
        None, description='a profile of the AWS configuration files; in "*" with {account}'
    )
    role_arn: str | None = Field(
        None,
        description='the ARN of a role to assume; in "*" with {account}',
        pattern=r"^arn:[a-z-]+:iam::([0-9]{12}|\{account\}):role/.+$",
    )
    external_id: str | None = Field(None, description="the external id that the role asks for")

    def of(self, account: str) -> Credentials:
        """Return the credentials of one account out of a pattern; others are what they are."""
        filled = {
            key: value.replace("{account}", account)
            for key, value in (("profile", self.profile), ("role_arn", self.role_arn))
            if value is not None
        }
        return self.model_copy(update=filled)

    @property
    def placeholders(self) -> frozenset[str]:
        """What stands in braces, in the profile or in the role's ARN."""
        return frozenset(re.findall(r"\{[^}]*\}?", f"{self.profile or ''} {self.role_arn or ''}"))


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
    credentials: Mapping[Annotated[str, AfterValidator(_speaking_for)], Credentials] = Field(
        default_factory=dict,
        description='tables [credentials."<account id>"]; [credentials."*"] with {account} in it '
        "is for every account that has none",
    )
    keep_data: bool = Field(
        True, description="true or false: whether a destroy leaves buckets, keys and logs behind"
    )
    termination_protection: bool = Field(
        True, description="true or false: whether stacks that hold data are protected"
    )
    allow_loss: tuple[Annotated[str, AfterValidator(_allowance)], ...] = Field(
        (), description=f'a list of "{allowances.FORM}": resources that may be lost'
    )
    artifact_bucket: Annotated[str, AfterValidator(_bucket)] | None = Field(
        None,
        description="a bucket name with {account} and {region}, for templates above 51,200 bytes",
        pattern=r"^([a-z0-9.-]|\{account\}|\{region\})+$",
    )

    rollback_alarms: tuple[Annotated[str, AfterValidator(_arn)], ...] = Field(
        (),
        description="ARNs of CloudWatch alarms, {account} and {region} filled in, that roll an "
        "operation back; each for the stacks of its Region and account, at most 5 of them",
    )
    rollback_minutes: int = Field(
        0, description="0 to 180: how long the alarms are watched after an operation", ge=0, le=180
    )
    notification_arns: tuple[Annotated[str, AfterValidator(_arn)], ...] = Field(
        (),
        description="ARNs of SNS topics, {account} and {region} filled in, that are told of stack "
        "events; each for the stacks of its Region, at most 5 of them",
    )
    service_role: Annotated[str, AfterValidator(_arn)] | None = Field(
        None,
        description="the ARN of a role, {account} filled in, that CloudFormation works with",
    )
    permissions_boundary: Annotated[str, AfterValidator(_arn)] | None = Field(
        None,
        description="the ARN of a policy, {account} filled in, that bounds the roles that "
        "bootstrap and the delivery make",
    )
    on_failure: Literal["rollback", "delete"] = Field(
        "rollback",
        description='"rollback" or "delete": what becomes of a stack whose creation fails',
    )
    stack_policy: bool | None = Field(
        None,
        description="true or false: whether a stack policy keeps what holds data from being "
        "replaced or removed; else true on AWS",
    )
    mode: Literal["standard", "express"] = Field(
        "standard", description='"standard", the only mode of deployment here'
    )
    notifications: Notifications | None = Field(
        None, description="a table [notifications]: who is told how a run went"
    )

    @field_validator("mode")
    @classmethod
    def _is_no_express(cls, mode: str) -> str:
        if mode == "express":
            raise ValueError(
                "is refused: EXPRESS ends before resources are ready, so that no other stack may "
                "rely on them, does not roll back by default, and leaves a failed replacement that "
                "RollbackStack does not take (aws-cdk-cli 1931)"
            )
        return mode

    @field_validator("notifications")
    @classmethod
    def _stays_in_its_accounts(
        cls, found: Notifications | None, info: ValidationInfo
    ) -> Notifications | None:
        if found is None or info.data.get("backend") == "local":
            return found
        account = str(info.data.get("account") or "")
        outside = found.accounts(account) - {"", *info.data.get("accounts", ())}
        if outside:
            raise ValueError(
                f"account {', '.join(sorted(outside))} is not in accounts; add it there if it is "
                "meant"
            )
        return found

    @field_validator("credentials")
    @classmethod
    def _speak_for_each(cls, found: Mapping[str, Credentials]) -> Mapping[str, Credentials]:
        for key, each in found.items():
            is_pattern = "{account}" in each.placeholders
            if key == ANY_ACCOUNT and each.placeholders - {"{account}"}:
                raise ValueError('"*" has another placeholder than {account}')
            if key == ANY_ACCOUNT and not is_pattern:
                raise ValueError(
                    '"*" speaks for one account only: its role_arn or its profile needs {account}'
                )
            if key != ANY_ACCOUNT and is_pattern:
                raise ValueError(f'"{key}" is one account: only "*" may have {{account}}')
        return found

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

    @property
    def has_stack_policy(self) -> bool:
        """Whether stacks that hold data get a stack policy."""
        return self.backend == "aws" if self.stack_policy is None else self.stack_policy


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
        quotes = "; a text stands in quotes" if "Invalid value" in str(error) else ""
        raise ConfigError(str(path), (f"is not TOML: {error}{quotes}",)) from error


def check(where: str, document: Mapping[str, Any], model: type[S]) -> S:
    """Return `document` as settings; raise `ConfigError` naming every fault."""
    try:
        return model.model_validate(_tuples(document))
    except ValidationError as error:
        faults = tuple(sorted({_fault(each, model, document) for each in error.errors()}))
        raise ConfigError(where, faults) from error


def _tuples(value: Any) -> Any:
    """TOML has lists where settings have tuples."""
    if isinstance(value, Mapping):
        return {key: _tuples(each) for key, each in value.items()}
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value


# What pydantic asks for, in the words of TOML.
_KINDS = {
    "bool_type": "input should be true or false",
    "dict_type": "input should be a table",
    "int_type": "input should be a whole number",
    "mapping_type": "input should be a table",
    "model_type": "input should be a table",
    "string_type": "input should be a text in quotes",
    "tuple_type": "input should be a list",
}


def _fault(error: ErrorDetails, model: type[BaseModel], document: Mapping[str, Any]) -> str:
    """Say what is wrong with one key, and what would be right."""
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    if error["type"] == "extra_forbidden":
        return _unknown_key(location, model)
    allowed = _description(location, model)
    hint = f"; allowed: {allowed}" if allowed else ""
    if error["type"] == "missing":
        return f"{key}: missing{hint}"
    message = _KINDS.get(error["type"], str(error["msg"]).removeprefix("Value error, "))
    if error["input"] is None or (isinstance(error["input"], Mapping) and location):
        return f"{key}: {message}{hint}"
    if not location:
        return message
    if error["type"] != "value_error":
        message = message[0].lower() + message[1:]
    written = "" if location[0] in document else " (the default, not written)"
    shown = _shown(error["input"]) if _is_told(location, model) else f'"{MASK}"'
    return f"{key} = {shown}{written}: {message}{hint}"


def _is_told(location: list[str], model: type[BaseModel]) -> bool:
    """Whether a value may be repeated: not where somebody may have written a secret there."""
    owner = _owner(location[:-1], model)
    field = owner.model_fields.get(location[-1]) if owner else None
    return field is None or field.repr


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_shown(each) for each in value)}]"
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
