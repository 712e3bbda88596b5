"""What a property may be given: text, or a function that CloudFormation works out."""

from __future__ import annotations

from typing import TypeAlias

from troposphere import AWSHelperFn, Parameter, Ref, Sub

Value: TypeAlias = str | AWSHelperFn


def value(given: Parameter | Value) -> Value:
    """Return what a property takes: a reference to a parameter, and anything else as it is."""
    return Ref(given) if isinstance(given, Parameter) else given


def text(given: str) -> Value:
    """Return text as it is, or as what `Fn::Sub` fills in where it has a `${Name}`."""
    return Sub(given) if "${" in given else given
