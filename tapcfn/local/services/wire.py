"""Requests and answers of the services that speak in form fields and XML, as plain values.

The emulator's actions take form fields and give XML. A front of ours says what it adds to an action
in the shapes of the service's own API, and the botocore models carry it over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.session import Session

from tapcfn.local import emulator
from tapcfn.local.emulator import Action, Answer, Params
from tapcfn.local.services.refusal import RefusedError

Value = dict[str, Any]

# Carries out the emulator's own action for a request and returns what it tells.
Do = Callable[[Value], Value]
# What we put in front of an action: it takes what is asked, and the action.
Front = Callable[[Value, Do], Value]

_XML = {"Content-Type": "text/xml"}
_session = Session()

# The services, as boto3 names them.
_ACTIONS: Mapping[str, MutableMapping[str, Action]] = {
    "autoscaling": emulator.scaling.ACTIONS,
    "ec2": emulator.ec2.ACTIONS,
    "elbv2": emulator.balancing.ACTIONS,
    "rds": emulator.rds.ACTIONS,
}


class _AnsweredError(Exception):
    """The emulator itself refused; its answer is the answer."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__()


@cache
def model(service: str, operation: str) -> Any:
    """Return botocore's model of an operation."""
    return _session.get_service_model(service).operation_model(operation)


def install(service: str, fronts: Mapping[str, Front]) -> None:
    """Put fronts before a service's actions; an action that the emulator lacks is ours alone."""
    actions = _ACTIONS[service]
    for operation, front in fronts.items():
        actions[operation] = _action(_Wire(service, operation), actions.get(operation), front)


def call(service: str, operation: str, action: Action, asked: Value) -> Value:
    """Let one service ask another, as on AWS, and return what it tells."""
    wire = _Wire(service, operation)
    answer = action(wire.fields(asked))
    if emulator.succeeded(answer):
        return wire.told(answer)
    status, headers, body = answer
    raw = {"status_code": status, "headers": headers, "body": body}
    told = create_parser(wire.protocol).parse(raw, None)["Error"]
    raise RefusedError(told["Code"], told["Message"])


def _action(wire: _Wire, action: Action | None, front: Front) -> Action:
    def do(asked: Value) -> Value:
        if action is None:
            raise RefusedError("InvalidAction", f"Unknown action: {wire.operation}")
        answer = action(wire.fields(asked))
        if not emulator.succeeded(answer):
            raise _AnsweredError(answer)
        return wire.told(answer)

    def act(params: Params) -> Answer:
        try:
            return wire.answer(front(wire.asked(params), do))
        except RefusedError as refusal:
            return wire.refusal(refusal)
        except _AnsweredError as refusal:
            return refusal.answer

    return act


def written(service: str, shape: str, tag: str, value: Value) -> str:
    """Return a value of one of the service's shapes as an XML element."""
    return _element(tag, _written(_session.get_service_model(service).shape_for(shape), value))


@dataclass(frozen=True, slots=True)
class _Wire:
    """One operation of one service, on the wire."""

    service: str
    operation: str

    @property
    def _model(self) -> Any:
        return model(self.service, self.operation)

    @property
    def protocol(self) -> str:
        return str(self._model.service_model.protocol)

    def asked(self, params: Params) -> Value:
        """Return what a request asks."""
        plain = {
            name: str(each[0] if isinstance(each, list) and each else each or "")
            for name, each in params.items()
        }
        return _read(self._model.input_shape, plain, "", self.protocol == "ec2") or {}

    def fields(self, asked: Value) -> Params:
        """Return a request as form fields."""
        sent = create_serializer(self.protocol, include_validation=False).serialize_to_request(
            asked, self._model
        )
        return {name: str(value) for name, value in sent["body"].items()}

    def told(self, answer: Answer) -> Value:
        """Return what an answer tells."""
        status, headers, body = answer
        shape = self._model.output_shape
        raw = {"status_code": status, "headers": headers, "body": body}
        told: Value = create_parser(self.protocol).parse(raw, shape) if shape else {}
        return told

    def answer(self, told: Value) -> Answer:
        """Return an answer that tells this."""
        shape = self._model.output_shape
        inner = _written(shape, told) if shape else ""
        if self.protocol == "ec2":
            inner = f"<requestId>{emulator.new_id()}</requestId>{inner}"
        else:
            result = f"{self.operation}Result"
            inner = f"<{result}>{inner}</{result}>{_metadata()}"
        return 200, dict(_XML), self._document(f"{self.operation}Response", inner)

    def refusal(self, refusal: RefusedError) -> Answer:
        """Return a refusal as the service sends it."""
        if self.protocol == "ec2":
            return emulator.ec2.error(refusal.code, escape(str(refusal)), refusal.status)
        told = f"<Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message>"
        inner = (
            f"<Error><Type>Sender</Type>{told}</Error><RequestId>{emulator.new_id()}</RequestId>"
        )
        return refusal.status, dict(_XML), self._document("ErrorResponse", inner)

    def _document(self, root: str, inner: str) -> bytes:
        metadata = self._model.service_model.metadata
        space = metadata.get("xmlNamespace") or "http://ec2.amazonaws.com/doc/2016-11-15/"
        return f'<{root} xmlns="{space}">{inner}</{root}>'.encode()


def _metadata() -> str:
    return f"<ResponseMetadata><RequestId>{emulator.new_id()}</RequestId></ResponseMetadata>"


# Form fields to values ----------------------------------------------------------------------------


def _read(shape: Any, fields: Mapping[str, str], at: str, flat: bool) -> Any:
    """Return the value of a shape whose fields begin with `at`, or None if there are none."""
    if at and not any(name == at or name.startswith(f"{at}.") for name in fields):
        return None
    if shape.type_name == "structure":
        found = (
            (name, _read(member, fields, _below(at, _field(name, member, flat)), flat))
            for name, member in shape.members.items()
        )
        return {name: value for name, value in found if value is not None}
    if shape.type_name == "list":
        return list(_items(shape, fields, at, flat))
    return _scalar(shape.type_name, fields.get(at, ""))


def _items(shape: Any, fields: Mapping[str, str], at: str, flat: bool) -> Iterator[Any]:
    """Yield the items of a list, which count from 1."""
    if not (flat or shape.serialization.get("flattened")):
        at = f"{at}.{shape.member.serialization.get('name', 'member')}"
    number = 1
    while (item := _read(shape.member, fields, f"{at}.{number}", flat)) is not None:
        yield item
        number += 1


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _field(name: str, shape: Any, flat: bool) -> str:
    """Return the name that a member has among the form fields."""
    told = shape.serialization
    if not flat:
        return str(told.get("name", name))
    located = str(told.get("name", name))
    return str(told.get("queryName") or located[:1].upper() + located[1:])


def _scalar(kind: str, text: str) -> Any:
    if kind == "boolean":
        return text.lower() == "true"
    if kind in ("integer", "long"):
        return int(text or 0)
    if kind in ("float", "double"):
        return float(text or 0)
    return text


# Values to XML ------------------------------------------------------------------------------------


def _written(shape: Any, value: Any) -> str:
    if shape.type_name == "structure":
        return "".join(
            _element(member.serialization.get("name", name), _written(member, value[name]))
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    if shape.type_name == "list":
        tag = shape.member.serialization.get("name", "member")
        return "".join(_element(tag, _written(shape.member, item)) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", str(value)))


def _element(tag: str, inner: str) -> str:
    return f"<{tag}>{inner}</{tag}>"
