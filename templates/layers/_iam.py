"""IAM statements that more than one layer needs.

Every action comes from awacs, so that a misspelt one fails at import.
"""

from __future__ import annotations

from typing import Any

from awacs import sts
from awacs.aws import Allow, Condition, PolicyDocument, Principal, Statement
from troposphere import Sub

# The language version that knows policy variables; IAM's own default is of 2008.
VERSION = "2012-10-17"


def document(*statements: Statement) -> PolicyDocument:
    """Return the statements as one policy document."""
    return PolicyDocument(Version=VERSION, Statement=list(statements))


def trust(service: str, *conditions: Any) -> PolicyDocument:
    """Return a trust policy that lets `service`, and nobody else, assume the role."""
    statement: dict[str, Any] = {
        "Effect": Allow,
        "Principal": Principal("Service", service),
        "Action": [sts.AssumeRole],
    }
    if conditions:
        statement["Condition"] = Condition(list(conditions))
    return document(Statement(**statement))


def log_group_arn(name: str) -> Sub:
    """Return the ARN of a log group of this account and Region, without the trailing `:*`."""
    region = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
    return Sub(f"{region}:log-group:{name}")
