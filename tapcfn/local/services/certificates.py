"""Certificate Manager: a certificate waits until the records that prove its names are in a zone.

The hosted zones of every account are looked at. What CloudFormation asks for is issued at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from tapcfn.local import emulator, time
from tapcfn.local.services import table
from tapcfn.local.services.records import Record
from tapcfn.local.services.table import Asked

_PENDING = "PENDING_VALIDATION"


def install() -> None:
    """Let requested certificates wait, and be issued once they are proved."""
    emulator.acm.after_request(_wait)
    table.install("acm", _ACTIONS)


def issue(arn: str) -> None:
    """Issue a certificate, proved or not."""
    found = emulator.acm.certificate(arn)
    if found is not None:
        _become(found, "ISSUED", "SUCCESS")


def _wait(certificate: Record) -> None:
    _become(certificate, _PENDING, _PENDING)


def _become(certificate: Record, status: str, proof: str) -> None:
    certificate["Status"] = status
    for each in certificate["DomainValidationOptions"]:
        each["ValidationStatus"] = proof


def _settle(_: Asked) -> None:
    """Issue what has been proved for long enough; the emulator tells the rest."""
    for each in emulator.acm.certificates():
        if each["Status"] == _PENDING:
            _prove(each)


def _prove(certificate: Record) -> None:
    records = {_key(each) for zone in emulator.route53.records() for each in zone}
    for option in certificate["DomainValidationOptions"]:
        if _key_of_proof(option["ResourceRecord"]) in records:
            option["ValidationStatus"] = "SUCCESS"
    if any(each["ValidationStatus"] == _PENDING for each in certificate["DomainValidationOptions"]):
        return
    began, ends = certificate.setdefault(
        "_Proved", time.span("IssueCertificate", certificate["DomainName"])
    )
    if time.share(began, ends) == 1.0:
        issue(certificate["CertificateArn"])


def _key(record: Record) -> tuple[str, str, str]:
    values = [str(each).rstrip(".") for each in record.get("ResourceRecords") or ()]
    return record["Name"].rstrip(".").lower(), record["Type"], ",".join(values)


def _key_of_proof(proof: Record) -> tuple[str, str, str]:
    return proof["Name"].rstrip(".").lower(), proof["Type"], proof["Value"].rstrip(".")


_ACTIONS: Mapping[str, table.Act] = {
    "DescribeCertificate": _settle,
    "ListCertificates": _settle,
}
