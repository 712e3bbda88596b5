"""Quotas, read as a deployer reads them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import Aws


def test_a_quota_is_that_of_a_new_account(aws: Aws):
    """Five VPCs in a Region, as AWS has it."""
    quotas = aws.client("service-quotas")

    told = quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-F678F1CE")["Quota"]

    assert (told["QuotaName"], told["Value"]) == ("VPCs per Region", 5.0)


def test_an_unknown_quota_is_refused_by_its_code(aws: Aws):
    quotas = aws.client("service-quotas")

    with pytest.raises(ClientError, match="NoSuchResourceException.*L-00000000"):
        quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-00000000")


def test_cloudformation_tells_its_own_limits(aws: Aws):
    """How many stacks there may be in a Region."""
    told = aws.client("cloudformation").describe_account_limits()["AccountLimits"]

    assert {"Name": "StackLimit", "Value": 2000} in told
