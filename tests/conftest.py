"""What holds for every test: none speaks to the CI job that may be running it, nor to Slack."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _not_on_github(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_RUN_ID"),
        *("CI_JOB_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_URL"),
        "SLACK_WEBHOOK_URL",
    ):
        monkeypatch.delenv(name, raising=False)
