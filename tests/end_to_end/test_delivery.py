"""The delivery on the local cloud: roles that jobs on GitHub could take on."""

from __future__ import annotations

import boto3
import pytest

from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench, Result


@pytest.mark.drill
def test_the_roles_are_made_and_go_again(bench: Bench):
    """Its own example for the local cloud; IAM tells the trust as it was written."""
    place = ["delivery", "--stage", "local"]
    iam = boto3.client(
        "iam",
        endpoint_url=bench.url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="local",
    )

    assert run("templates.blueprints", ["apply", *place]) == 0, bench.capture()
    bench.capture()
    assert run("templates.blueprints", ["outputs", *place, "--json"]) == 0
    (told,) = Result(0, *bench.capture()).of_type("outputs")
    name = str(told["values"]["deploy_role_arn"]).rpartition("/")[2]
    role = iam.get_role(RoleName=name)["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]

    assert role["Path"] == "/delivery/"
    assert statement["Principal"]["Federated"] == provider["Arn"]
    assert statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
        "repo:example/systems:environment:production"
    ]

    assert run("templates.blueprints", ["destroy", *place]) == 0, bench.capture()
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
