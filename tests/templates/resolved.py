"""A rollout as AWS would see it: every template with its parameters, names and outputs filled in.

A small stand-in for CloudFormation's intrinsic functions, for assertions on whole values: "this
bucket is encrypted by a key of its own Region" is a question about two templates and a plan.
"""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from tapcfn.model import EMPTY, OutputOf, Rollout, Stack, ZoneOf

# The properties that a reference to their resource stands for; others are known by an id.
REFERRED_BY = (
    *("AliasName", "BucketName", "FunctionName"),
    *("LogGroupName", "StageName", "TableName"),
)

ATTRIBUTES: Mapping[tuple[str, str], str] = {
    ("AWS::ApiGateway::DomainName", "*"): "{name}-{attribute}-{region}",
    ("AWS::IAM::Role", "Arn"): "arn:aws:iam::{account}:role/{name}",
    ("AWS::KMS::Key", "Arn"): "arn:aws:kms:{region}:{account}:key/{name}-id",
    ("AWS::KMS::ReplicaKey", "Arn"): "arn:aws:kms:{region}:{account}:key/{name}-id",
    ("AWS::Lambda::Function", "Arn"): "arn:aws:lambda:{region}:{account}:function:{made}",
    ("AWS::Logs::LogGroup", "Arn"): "arn:aws:logs:{region}:{account}:log-group:{made}:*",
    ("AWS::RDS::DBInstance", "DBInstanceArn"): "arn:aws:rds:{region}:{account}:db:{made}",
    ("AWS::S3::Bucket", "Arn"): "arn:aws:s3:::{made}",
    ("AWS::S3::Bucket", "WebsiteURL"): "http://{made}.s3-website-{region}.amazonaws.com",
    ("AWS::SQS::Queue", "Arn"): "arn:aws:sqs:{region}:{account}:{name}",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One stack with everything filled in."""

    stack: Stack
    resources: Mapping[str, Any]
    outputs: Mapping[str, str]

    def __getitem__(self, logical_id: str) -> Any:
        """The properties of one resource."""
        return self.resources[logical_id]["Properties"]

    def of(self, kind: str) -> Mapping[str, Any]:
        """The properties of every resource of a type (`EC2::Subnet`), by logical ID."""
        return {
            key: resource.get("Properties", {})
            for key, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}"
        }


def types(wanted: Rollout) -> Counter[str]:
    """Count the resource types of a rollout, without their `AWS::`."""
    return Counter(
        kind.removeprefix("AWS::")
        for stack in wanted.stacks
        for kind in stack.template.resources.values()
    )


def labels(wanted: Rollout) -> Mapping[str, Stack]:
    """Return every stack by its layer, with the Region behind it where the layer has several."""
    count = Counter(stack.template.layer for stack in wanted.stacks)
    return {_label(stack, count[stack.template.layer]): stack for stack in wanted.stacks}


def _label(stack: Stack, several: int) -> str:
    layer = stack.template.layer
    return f"{layer}/{stack.target.region}" if several > 1 else layer


def order(wanted: Rollout) -> list[str]:
    """Return the stacks' labels in an order in which they can be deployed, phase by phase."""
    found: list[str] = []
    names = {stack.name: label for label, stack in labels(wanted).items()}
    for phase in wanted.phases:
        here = {stack.name: stack for stack in phase.stacks}
        sorter = TopologicalSorter(
            {name: sorted(stack.needs & set(here)) for name, stack in here.items()}
        )
        found += [names[name] for name in sorter.static_order()]
    return found


def seen(wanted: Rollout) -> Mapping[str, Seen]:
    """Return every stack by its label, resolved in the order of its needs."""
    stacks = labels(wanted)
    done: dict[str, Seen] = {}
    for label in order(wanted):
        outputs = {each.stack.name: each.outputs for each in done.values()}
        done[label] = _see(stacks[label], outputs)
    return done


def _see(stack: Stack, outputs: Mapping[str, Mapping[str, str]]) -> Seen:
    document = stack.template.document
    values: dict[str, Any] = {
        "AWS::AccountId": stack.target.account,
        "AWS::Region": stack.target.region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": stack.name,
    }
    for key, declared in stack.template.parameters.items():
        if "Default" in declared:
            values[key] = declared["Default"]
    for key, value in stack.parameters.items():
        values[key] = _value(value, stack, outputs)
        kind = stack.template.parameters[key]["Type"]
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            values[key] = values[key].split(",")
    resolver = _Resolver(document["Resources"], values)
    for key, condition in document.get("Conditions", {}).items():
        resolver.conditions[key] = resolver.fill(condition)
    return Seen(
        stack,
        resolver.fill(document["Resources"]),
        {key: resolver.fill(each["Value"]) for key, each in document.get("Outputs", {}).items()},
    )


def _value(value: object, stack: Stack, outputs: Mapping[str, Mapping[str, str]]) -> str:
    if isinstance(value, OutputOf):
        return outputs[value.stack][value.key]
    if isinstance(value, ZoneOf):
        return f"{stack.target.region}{'abcdef'[value.index]}"
    assert isinstance(value, str)
    return value


@dataclass(frozen=True, slots=True)
class _Resolver:
    resources: Mapping[str, Any]
    values: Mapping[str, Any]
    conditions: dict[str, bool] = field(default_factory=dict)

    def fill(self, node: Any) -> Any:
        """Return `node` with its intrinsic functions evaluated."""
        if isinstance(node, list):
            return [self.fill(each) for each in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self.call(function, argument)
        return {key: self.fill(value) for key, value in node.items()}

    def call(self, function: str, argument: Any) -> Any:
        """Evaluate one intrinsic function."""
        match function, argument:
            case "Ref", name:
                return self.ref(name)
            case "Fn::GetAtt", [name, attribute]:
                return self.attribute(name, attribute)
            case "Fn::Sub", [text, local]:
                return self.sub(text, self.fill(local))
            case "Fn::Sub", text:
                return self.sub(text, {})
            case "Fn::If", [condition, yes, no]:
                return self.fill(yes if self.conditions[condition] else no)
        return self.join(function, self.fill(argument))

    def join(self, function: str, argument: Any) -> Any:
        """Evaluate an intrinsic function whose arguments are values."""
        match function, argument:
            case "Fn::Equals", [one, other]:
                return one == other
            case "Fn::Join", [separator, parts]:
                return separator.join(parts)
            case "Fn::Base64", text:
                return text
            case "Fn::Cidr", [block, count, _]:
                return [f"{block}#{number}" for number in range(count)]
        assert function == "Fn::Select", function
        index, values = argument
        return values[index]

    def ref(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        properties = self.resources[name].get("Properties", {})
        for key in REFERRED_BY:
            if key in properties:
                return self.fill(properties[key])
        return f"{name}-id"

    def attribute(self, name: str, attribute: str) -> str:
        """Return an attribute; whether the type has it is the linter's question."""
        kind = self.resources[name]["Type"]
        if attribute == "DBInstanceArn":
            made = self.fill(self.resources[name]["Properties"]["DBInstanceIdentifier"])
        else:
            made = self.ref(name)
        other = ATTRIBUTES.get((kind, "*"), "{name}-{attribute}")
        form = ATTRIBUTES.get((kind, attribute), other)
        return form.format(
            account=self.values["AWS::AccountId"],
            attribute=attribute,
            made=made,
            name=name,
            region=self.values["AWS::Region"],
        )

    def sub(self, text: str, local: Mapping[str, str]) -> str:
        def one(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            if name in local:
                return local[name]
            return self.attribute(name, attribute) if attribute else str(self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", one, text)


# IAM ------------------------------------------------------------------------------------------


def statements(role: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the statements of a role's inline policies."""
    for policy in role.get("Policies", ()):
        yield from policy["PolicyDocument"]["Statement"]


def allows(
    role: Mapping[str, Any], action: str, resource: str, given: Mapping[str, str] = EMPTY
) -> bool:
    """Say whether a resolved role may do this with the given condition keys in the request."""
    return any(
        statement["Effect"] == "Allow"
        and any(fnmatch.fnmatchcase(action, each) for each in statement["Action"])
        and any(fnmatch.fnmatchcase(resource, each) for each in statement["Resource"])
        and _holds(statement.get("Condition", {}), given)
        for statement in statements(role)
    )


def _holds(condition: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]) -> bool:
    for operator, keys in condition.items():
        for key, allowed in keys.items():
            value, several = given.get(key, ""), allowed if isinstance(allowed, list) else [allowed]
            like = operator.endswith("Like")
            if not any(fnmatch.fnmatchcase(value, x) if like else value == x for x in several):
                return False
    return True
