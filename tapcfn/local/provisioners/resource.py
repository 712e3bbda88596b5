"""What a provisioner is: how one resource type is made, changed and deleted.

A provisioner does its work through the service's own API (`calls.client`), so what it made can be
read back, and what the service would refuse is refused here too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tapcfn.local import emulator

EMPTY: Mapping[str, Any] = MappingProxyType({})

# What HandlerErrorCode CloudFormation gives an error, by a word in the service's error code.
_HANDLER_ERRORS = (
    ("NotFound", "NotFound"),
    ("NoSuch", "NotFound"),
    ("NotAttached", "NotFound"),
    ("NonExistent", "NotFound"),
    ("DoesNotExist", "NotFound"),
    ("Exist", "AlreadyExists"),
    ("Duplicate", "AlreadyExists"),
    ("Owned", "AlreadyExists"),
    ("AccessDenied", "AccessDenied"),
    ("Throttl", "Throttling"),
    ("Limit", "ServiceLimitExceeded"),
    ("Conflict", "ResourceConflict"),
    ("DependencyViolation", "InvalidRequest"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One resource as its stack wants it, and, in an update, as the stack had it before."""

    type: str
    logical_id: str
    stack: str
    properties: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    physical_id: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.properties[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a property, or the default if the template leaves it out."""
        return self.properties.get(name, default)

    def changed(self, *names: str) -> bool:
        """Tell whether any of these differs from before; in a create, whether it is set."""
        return any(self.properties.get(name) != self.before.get(name) for name in names)

    def name(self, prop: str, *, lowercase: bool = False, longest: int = 128) -> str:
        """Return the name that the template gives, or make one up as CloudFormation does."""
        if given := self.properties.get(prop):
            return str(given)
        return emulator.handlers.fresh_name(
            self.stack, self.logical_id, lowercase=lowercase, max_len=longest
        )


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: the physical id, which is what Ref returns, and what GetAtt returns."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Adoption:
    """How a resource that is there already comes into a stack.

    `key` is the property that identifies it; `take` gets its identifier under that name.
    """

    key: str
    is_there: Callable[[str], bool]
    take: Callable[[Mapping[str, str]], Made]


@dataclass(frozen=True, slots=True)
class Provisioner:
    """One resource type.

    `create_only` are the properties whose change replaces the resource; `conditional` those whose
    change may. `tags` names the property that also takes the stack's tags. `snapshot` takes the
    physical id and the properties, right before a deletion whose policy is Snapshot. `adoption` is
    how a resource is imported; `replacing` takes the properties of before and after, and tells of
    more changes that would replace a resource with a name of its own, which is refused. These run
    on the emulator's loop: they call no service.
    """

    type: str
    create: Callable[[Wanted], Made]
    delete: Callable[[Wanted], None]
    update: Callable[[Wanted], Made] | None = None
    create_only: tuple[str, ...] = ()
    conditional: tuple[str, ...] = ()
    tags: str = ""
    snapshot: Callable[[str, Any], None] | None = None
    adoption: Adoption | None = None
    replacing: Callable[[Any, Any], bool] | None = None


class ResourceRefusedError(Exception):
    """A resource handler's refusal, in the words that a stack event shows."""

    def __init__(self, message: str, code: str = "InvalidRequest") -> None:
        self.code = code
        super().__init__(
            f'Resource handler returned message: "{message}" '
            f"(RequestToken: {emulator.new_id()}, HandlerErrorCode: {code})"
        )


def already_exists(resource_type: str, identifier: str) -> ResourceRefusedError:
    """Return the refusal of a name that is taken."""
    return ResourceRefusedError(
        f"Resource of type '{resource_type}' with identifier '{identifier}' already exists.",
        "AlreadyExists",
    )


@contextmanager
def explained() -> Iterator[None]:
    """Turn what a service refuses into what a stack event says about it."""
    try:
        yield
    except ClientError as error:
        told, about = error.response["Error"], error.response["ResponseMetadata"]
        raise ResourceRefusedError(
            f"{told.get('Message', told['Code'])} (Service: {_service_of(error)}, "
            f"Status Code: {about['HTTPStatusCode']}, Request ID: {emulator.new_id()})",
            handler_error(told["Code"]),
        ) from error
    except BotoCoreError as error:
        message = f"Model validation failed ({' '.join(str(error).split())})"
        raise ResourceRefusedError(message) from error


def gone_is_fine() -> AbstractContextManager[None]:
    """Let a delete succeed when there is nothing left to delete."""
    return _forgiving("NotFound")


def there_is_fine() -> AbstractContextManager[None]:
    """Let an addition succeed when what it adds is there already."""
    return _forgiving("AlreadyExists")


@contextmanager
def _forgiving(code: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if handler_error(error.response["Error"]["Code"]) != code:
            raise


def handler_error(code: str) -> str:
    """Return the HandlerErrorCode for a service's error code."""
    return next((ours for word, ours in _HANDLER_ERRORS if word in code), "InvalidRequest")


def _service_of(error: Any) -> str:
    return str(error.response["Error"].get("Service", "AWS"))


# Small conversions that several modules need ------------------------------------------------------


def flag(value: Any) -> bool:
    """Read a boolean, which a template may also write as a string."""
    return str(value).lower() == "true"


def document(value: Any) -> str:
    """Return a policy or dashboard as the JSON text that services take."""
    return value if isinstance(value, str) else json.dumps(value)


def picked(source: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return those of the named properties that are there."""
    return {name: source[name] for name in names if source.get(name) is not None}


def tag_map(tags: Any) -> dict[str, str]:
    """Return a template's tags as key and value."""
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in tags or ()}


def tag_changes(wanted: Wanted) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the keys to remove."""
    now, before = tag_map(wanted.get("Tags")), tag_map(wanted.before.get("Tags"))
    return (
        {key: value for key, value in now.items() if before.get(key) != value},
        sorted(before.keys() - now.keys()),
    )


def key_values(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[Any]:
    """Return tags as the list of pairs that most services take."""
    return [{key: name, value: text} for name, text in tags.items()]


def as_list(value: Any) -> Sequence[Any]:
    """Return a list property, which may be missing."""
    return () if value is None else list(value)
