"""Names spelled out: what an earlier destroy kept is found again by its literal name alone.

With `ImportExistingResources` CloudFormation adopts resources whose custom names stand literally in
the template ("dynamic names, using !Ref or other functions, are not supported"). Templates compute
such names from the account and the Region, so that one serves everywhere; both are known when a
template is sent to a target.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from tapcfn.model import Stack, Target, TemplateBody, canonical

# The property that names a resource which holds data, by type. (primary identifiers of the
# provider schemas)
NAMES: Mapping[str, str] = {
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::S3::Bucket": "BucketName",
}


def body_of(stack: Stack) -> TemplateBody:
    """Return the template as it is sent: with literal names where the stack may adopt."""
    return _spelled_out(stack.template, stack.target) if stack.adopt else stack.template


@lru_cache(maxsize=512)
def _spell(text: str, target: Target) -> str:
    document = json.loads(text)
    for resource in document["Resources"].values():
        name = NAMES.get(resource["Type"], "")
        properties = resource.get("Properties", {})
        if name in properties:
            properties[name] = _literal(properties[name], target)
    return canonical(document)


def _spelled_out(template: TemplateBody, target: Target) -> TemplateBody:
    return replace(template, text=_spell(template.text, target))


def _literal(value: Any, target: Target) -> Any:
    """Return a name with account and Region filled in; one that needs more stays as it is."""
    if not (isinstance(value, dict) and isinstance(value.get("Fn::Sub"), str)):
        return value
    text = value["Fn::Sub"].replace("${AWS::AccountId}", target.account)
    text = text.replace("${AWS::Region}", target.region)
    return value if re.search(r"\$\{[^!]", text) else text
