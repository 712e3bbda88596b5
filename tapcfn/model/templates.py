"""A template: its canonical bytes, and what can be read from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

EMPTY: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, order=True)
class SourceLine:
    """The line of Python that put a resource into a template."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@lru_cache(maxsize=512)
def _document(text: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(text)
    return document


def canonical(document: Any) -> str:
    """Return `document` as compact JSON with sorted keys: equal values give equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(text: str) -> str:
    """Return the SHA-256 of `text` in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TemplateBody:
    """One template: its canonical JSON, and where each resource was written down."""

    layer: str
    text: str
    source: Mapping[str, SourceLine] = field(default_factory=lambda: EMPTY, compare=False)

    @property
    def document(self) -> Mapping[str, Any]:
        """The template as a mapping; not to be changed."""
        return _document(self.text)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical text."""
        return digest_of(self.text)

    @property
    def size(self) -> int:
        """Bytes on the wire; above 51,200 a template travels through S3."""
        return len(self.text.encode())

    @property
    def resources(self) -> Mapping[str, str]:
        """Resource type by logical ID."""
        return {key: value["Type"] for key, value in self.document["Resources"].items()}

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """The declarations of the template's parameters."""
        declared: Mapping[str, Mapping[str, Any]] = self.document.get("Parameters", EMPTY)
        return declared

    @property
    def secret_parameters(self) -> frozenset[str]:
        """The parameters whose values the service tells nobody."""
        return frozenset(
            key
            for key, declared in self.parameters.items()
            if str(declared.get("NoEcho", "")).lower() == "true"
        )

    @property
    def outputs(self) -> frozenset[str]:
        """The keys of the template's outputs."""
        return frozenset(self.document.get("Outputs", ()))

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The least that CloudFormation wants acknowledged, as far as the text tells it.

        `CAPABILITY_NAMED_IAM` where an IAM resource has a name of its own, else `CAPABILITY_IAM`.
        What a macro makes may be anything. For a nested stack the service wants everything,
        whatever is in it (its own validate-template says so).
        """
        if self.nests:
            return ("CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
        iam = [
            resource
            for resource in self.document["Resources"].values()
            if resource["Type"].startswith("AWS::IAM::")
        ]
        unknown = set(self.transforms) - _KNOWN_TRANSFORMS
        if unknown or any(_has_iam_name(resource) for resource in iam):
            return ("CAPABILITY_NAMED_IAM",)
        return ("CAPABILITY_IAM",) if iam or _SERVERLESS in self.transforms else ()

    @property
    def nests(self) -> bool:
        """Whether a stack is nested in it."""
        return "AWS::CloudFormation::Stack" in self.resources.values()

    @property
    def transforms(self) -> tuple[str, ...]:
        """What rewrites the template before it is deployed."""
        declared = self.document.get("Transform", ())
        named = (declared,) if isinstance(declared, str) else tuple(map(str, declared))
        return (*named, "Fn::Transform") if '"Fn::Transform"' in self.text else named

    @property
    def may_change_by_itself(self) -> bool:
        """Whether values that the template only points at can change between two deployments."""
        dynamic = "{{resolve:" in self.text or "Fn::GetStackOutput" in self.text
        return dynamic or any(
            declaration["Type"].startswith("AWS::SSM::") for declaration in self.parameters.values()
        )


# Serverless makes roles without names, language extensions make nothing that is not in the text.
_SERVERLESS = "AWS::Serverless-2016-10-31"
_KNOWN_TRANSFORMS = frozenset({_SERVERLESS, "AWS::LanguageExtensions"})

# The property that names each kind of IAM resource. (cfn-lint's provider schemas)
_IAM_NAMES = ("RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName")


def _has_iam_name(resource: Mapping[str, Any]) -> bool:
    return any(name in resource.get("Properties", {}) for name in _IAM_NAMES)
