"""What a refused call is told to mean, and what a person is told to do."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tapcfn.aws.calls import told
from tapcfn.errors import CloudError
from tests.tapcfn.aws.wire import HERE

EXPIRED = "Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z"
EARLY = "Signature not yet current: 20260101T020000Z is still later than 20260101T010000Z"
CLOCK = "this machine's clock differs from AWS's"


def said(error: Exception) -> CloudError:
    """Return what is made of an error."""
    with pytest.raises(CloudError) as found, told("network", HERE):
        raise error
    return found.value


def refusal(code: str, message: str) -> CloudError:
    return said(ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks"))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("SignatureDoesNotMatch", EXPIRED),
        ("SignatureDoesNotMatch", EARLY),
        ("InvalidSignatureException", EXPIRED),
        ("RequestTimeTooSkewed", "The difference between the request time and now is too large"),
    ],
)
def test_a_wrong_clock_is_named(code: str, message: str) -> None:
    """Beside the service's words, with what to do; asking again is in vain. (X-23)"""
    error = refusal(code, message)

    assert message in str(error)
    assert f"{CLOCK}, which signs no call from another time: set it (by NTP)" in str(error)
    assert (True, False) == (error.lasting, error.passing)


def test_a_wrong_key_is_not_taken_for_a_wrong_clock() -> None:
    """The code is the same."""
    message = "The request signature we calculated does not match the signature you provided"

    assert CLOCK not in str(refusal("SignatureDoesNotMatch", message))


def test_missing_credentials_say_where_they_may_stand() -> None:
    """For the account that they are missing for."""
    text = str(said(NoCredentialsError()))

    assert "run `aws configure`, or set AWS_PROFILE" in text
    assert '[credentials."111122223333"] with a profile or a role_arn' in text


def test_a_missing_permission_that_is_told_as_something_else_is_named() -> None:
    """The service says so where it may not list them, too. (terraform-provider-aws 32536)"""
    told_as = "Account used is not a delegated administrator"

    assert "organizations:ListDelegatedAdministrators" in str(refusal("ValidationError", told_as))
    assert "organizations:" not in str(refusal("ValidationError", "Stack is not there"))
