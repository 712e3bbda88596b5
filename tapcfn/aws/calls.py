"""Say what a refused call means: botocore's exceptions become ours here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from tapcfn.errors import CloudError
from tapcfn.model import Target

# The words of the services for "too many calls". (botocore, retries/standard.py)
THROTTLES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2Throttled",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttled",
        "Throttling",
        "TooManyRequests",
    }
)

# What is refused now will be refused again. New credentials mend the first two.
EXPIRED = frozenset({"ExpiredToken", "RequestExpired"})
_LASTING = EXPIRED | {
    "AccessDenied",
    "AuthFailure",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClient",
}
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)


def code_of(error: ClientError) -> str:
    """Return the error code on the wire, without the suffix that some services add."""
    return str(error.response.get("Error", {}).get("Code", "")).removesuffix("Exception")


def will_pass(error: ClientError) -> bool:
    """Whether the same call may succeed later: a throttle, or a fault of the service."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code_of(error) in THROTTLES or status >= 500


def passes(error: Exception) -> bool:
    """Whether the same call may be answered later. An endpoint that is not there is no answer."""
    if isinstance(error, ClientError):
        return will_pass(error)
    return isinstance(error, HTTPClientError | ConnectTimeoutError | ResponseParserError)


@contextmanager
def told(subject: str, target: Target) -> Iterator[None]:
    """Turn what boto3 raises into one clear line, a `CloudError` that names the subject."""
    try:
        yield
    except ClientError as error:
        raise _refusal(subject, target, error) from error
    except (BotoCoreError, ResponseParserError) as error:
        text = _one_line(f"{subject} ({target}): {error}")
        raise CloudError(
            text,
            code=type(error).__name__,
            passing=passes(error),
            lasting=isinstance(error, _NO_CREDENTIALS),
        ) from error


def _refusal(subject: str, target: Target, error: ClientError) -> CloudError:
    code = code_of(error)
    message = error.response.get("Error", {}).get("Message", "") or "no reason given"
    request = str(error.response.get("ResponseMetadata", {}).get("RequestId", ""))
    facts = f"{code}, request {request}" if request else code
    text = f"{subject} ({target}): {error.operation_name} was refused: {message} [{facts}]"
    return CloudError(
        _one_line(text),
        code=code,
        request_id=request,
        passing=will_pass(error),
        lasting=code in _LASTING,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
