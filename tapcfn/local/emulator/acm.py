"""Certificate Manager."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import acm as _acm

from tapcfn.local.emulator.core import Answer, succeeded


def certificate(arn: str) -> dict[str, Any] | None:
    """Return a certificate of the current account and Region."""
    return _acm._certificates.get(arn)  # type: ignore[no-any-return]


def certificates() -> list[dict[str, Any]]:
    """Return all certificates of the current account and Region."""
    return list(_acm._certificates.values())


def after_request(more: Callable[[dict[str, Any]], None]) -> None:
    """Let `more` have every certificate that is requested."""
    request = _acm._request_certificate

    def requested(asked: Mapping[str, Any]) -> Answer:
        answer: Answer = request(asked)
        if succeeded(answer):
            found = certificate(json.loads(answer[2])["CertificateArn"])
            assert found is not None
            more(found)
        return answer

    _acm._request_certificate = requested
