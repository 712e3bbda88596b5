"""Wait until a certificate is issued, and say which record proves its names. (O-20)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import Door, done, failed, running
from tapcfn.model import AwaitCertificate


def look(door: Door, action: AwaitCertificate, _token: str) -> ActionState:
    """Return where the certificate stands; who waits reads the records that are still wanted."""
    asked = {"CertificateArn": str(action.certificate_arn)}
    told = door("acm", action.target).describe_certificate(**asked)["Certificate"]
    status, facts = told["Status"], {"domain": told["DomainName"], "status": told["Status"]}
    if status == "ISSUED":
        return done("issued", facts)
    if status == "PENDING_VALIDATION":
        return running("; ".join(_wanted(told.get("DomainValidationOptions", ()))), facts)
    return failed(f"{status}{_because(told.get('FailureReason', ''))}", facts)


def _wanted(options: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Yield what proves each name that is not proved; a name and its wildcard share a record."""
    open_ones = [each for each in options if each.get("ValidationStatus") != "SUCCESS"]
    seen = set()
    for each in open_ones:
        words = _words(each)
        if words not in seen:
            seen.add(words)
            yield words
    if not open_ones:
        yield "every name is proved; it is being issued"


def _words(option: Mapping[str, Any]) -> str:
    if option.get("ValidationMethod") == "EMAIL":
        return f"{option['DomainName']} waits for an answer to its e-mail"
    record = option.get("ResourceRecord")
    if record is None:  # in the first seconds
        return f"the record for {option['DomainName'].removeprefix('*.')} is not known yet"
    return f"write {record['Name']} {record['Type']} {record['Value']}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
