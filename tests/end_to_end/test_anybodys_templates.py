"""The deployer works for templates that it has never seen, and is deaf to the environment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tapcfn.aws.artifacts import INLINE_LIMIT
from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench

BLUEPRINT = '''
"""A system of somebody's own, whose one template is too large for a request."""

from troposphere import Output, Parameter, Ref, sns

from tapcfn.config import Common
from tapcfn.model import Phase, Rollout, Stack, Target
from tapcfn.templating import Template, body


class Settings(Common):
    topics: int = 2


def rollout(settings, stage):
    template = Template("Many topics")
    owner = template.add_parameter(Parameter("Owner", Type="String", Default="x" * 200))
    for number in range(settings.topics):
        template.add(sns.Topic(f"Topic{number}", DisplayName=f"{number} " + "long " * 15))
    template.add_output(Output("First", Value=Ref("Topic0")))
    stack = Stack(
        f"{stage}-topics",
        Target(settings.account_id, "eu-west-1"),
        body("topics", template),
        {"Owner": "me"},
    )
    return Rollout("many_topics", stage, (Phase("all", (stack,)),))
'''


@pytest.fixture
def package(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with one blueprint, where nobody but its owner knows of it."""
    name = f"their_{tmp_path.name}".replace("-", "_")
    home = tmp_path / name / "blueprints"
    home.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (home / "__init__.py").write_text(
        f'BLUEPRINTS = {{"many_topics": "{name}.blueprints.many_topics"}}\n'
    )
    (home / "many_topics.py").write_text(dedent(BLUEPRINT))
    (tmp_path / name / "settings").mkdir()
    settings = tmp_path / name / "settings" / "many_topics.local.toml"
    settings.write_text(f'backend = "local"\naccount = "{bench.account}"\ntopics = 400\n')
    monkeypatch.syspath_prepend(tmp_path)
    yield f"{name}.blueprints"
    for module in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[module]


def test_a_large_template_travels_through_the_artifact_bucket(bench: Bench, package: str):
    """Above 51,200 bytes it is uploaded once, named by its content, and deployed from there."""
    code = run(package, ["apply", "many_topics"])

    assert code == 0, bench.capture()[1]
    bucket = f"artifacts-{bench.account}-eu-west-1"
    (artifact,) = bench.client("s3", "eu-west-1").list_objects_v2(Bucket=bucket)["Contents"]
    assert artifact["Size"] > INLINE_LIMIT
    topics = bench.client("sns", "eu-west-1").get_paginator("list_topics").paginate()
    assert 400 == sum(len(page["Topics"]) for page in topics)

    assert 0 == run(package, ["plan", "many_topics", "--detailed-exitcode"])


def test_the_environment_cannot_lead_a_local_stage_astray(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    """Profiles, endpoints, Regions and proxies of the shell mean nothing on the local cloud."""
    for name, value in {
        "AWS_PROFILE": "nobody",
        "AWS_ENDPOINT_URL": "http://192.0.2.1:1",
        "AWS_ENDPOINT_URL_CLOUDFORMATION": "http://192.0.2.1:1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_REGION": "mars-1",
        "HTTP_PROXY": "http://192.0.2.1:1",
        "HTTPS_PROXY": "http://192.0.2.1:1",
    }.items():
        monkeypatch.setenv(name, value)

    assert 0 == bench.run("plan").code
