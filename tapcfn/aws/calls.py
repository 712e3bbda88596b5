"""Say what a refused call means: botocore's exceptions become ours here."""

from __future__ import annotations

import re
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
    ProfileNotFound,
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
    "InvalidSignature",
    "OptInRequired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClient",
}
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
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
        raise CloudError(
            f"{subject} ({target}): {why(error)}{_advice(error, target)}",
            code=type(error).__name__,
            passing=passes(error),
            lasting=isinstance(error, _NO_CREDENTIALS),
        ) from error


def why(error: Exception) -> str:
    """Return in one line why a call brought nothing."""
    if not isinstance(error, ClientError):
        return _one_line(str(error))
    message = error.response.get("Error", {}).get("Message", "") or "no reason given"
    request = _request_of(error)
    facts = f"{code_of(error)}, request {request}" if request else code_of(error)
    return _one_line(f"{error.operation_name} was refused: {message} [{facts}]")


def _advice(error: Exception, target: Target) -> str:
    """Return what a person can do about it, where the service's own words do not say."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return (
            "; run `aws configure`, or set AWS_PROFILE, or say in the settings who speaks for the "
            f'account: [credentials."{target.account}"] with a profile or a role_arn'
        )
    if isinstance(error, ProfileNotFound):
        return (
            "; `aws configure list-profiles` names those there are: mend AWS_PROFILE, or the "
            f'profile in the settings\' [credentials."{target.account}"]'
        )
    if isinstance(error, ClientError) and _is_skewed(error):
        return (
            "; this machine's clock differs from AWS's, which signs no call from another time: set "
            "it (by NTP), then run this again"
        )
    if "not a delegated administrator" in str(error):
        return (
            "; the service says so as well where only the permission "
            "organizations:ListDelegatedAdministrators is missing"
        )
    return ""


def _is_skewed(error: ClientError) -> bool:
    """Whether a signature was refused for its time; a wrong key is refused by the same code."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    return code_of(error) == "RequestTimeTooSkewed" or (
        code_of(error) in {"InvalidSignature", "SignatureDoesNotMatch"}
        and re.search("Signature expired|not yet current", message) is not None
    )


def _request_of(error: ClientError) -> str:
    return str(error.response.get("ResponseMetadata", {}).get("RequestId", ""))


def _refusal(subject: str, target: Target, error: ClientError) -> CloudError:
    code, request = code_of(error), _request_of(error)
    return CloudError(
        f"{subject} ({target}): {why(error)}{_advice(error, target)}",
        code=code,
        request_id=request,
        passing=will_pass(error),
        lasting=code in _LASTING,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
