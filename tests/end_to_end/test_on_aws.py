"""A stage with `backend = "aws"`: the standard credential chain, confirmation, the right account.

AWS is played by the local cloud, which boto3 finds through an ordinary configuration file.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Bench, Result

SETTINGS = """\
backend = "aws"
account = "{account}"
accounts = ["{account}"]
allowed_cidr = "203.0.113.0/24"
{extra}
"""

Command = Callable[..., Result]


@pytest.fixture
def aws(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command for the stage prod, with credentials as a person would have them."""
    config = tmp_path / "config"
    config.write_text(f"[default]\nendpoint_url = {bench.url}\ns3 =\n  addressing_style = path\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bench.account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    bench.file.write_text(SETTINGS.format(account=bench.account, extra="keep_data = false"))

    def run(command: str, *words: str, answer: str = "") -> Result:
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        return bench.run(command, "--stage", "prod", *words)

    return run


def test_the_plan_is_shown_and_goes_ahead_when_the_stage_is_typed(bench: Bench, aws: Command):
    """Nothing is written before a person has seen the plan and typed the stage's name."""
    applied = aws("apply", answer="prod\n")

    assert applied.code == 0, applied.err
    assert 'Type the stage\'s name, "prod", to go on: ' in applied.err
    assert 6 == len(bench.stack_names())


def test_a_declined_plan_leaves_nothing_behind(bench: Bench, aws: Command):
    """Any other answer is a no: exit 130, no change set, no empty stack."""
    declined = aws("apply", answer="yes\n")

    assert declined.code == 130
    assert set() == bench.stack_names()


def test_where_nobody_can_be_asked_an_answer_must_be_given_before(
    bench: Bench, aws: Command, monkeypatch: pytest.MonkeyPatch
):
    """`--no-input`, and CI, make an unanswered question exit 2; `--yes` approves the plan."""
    silent = aws("apply", "--no-input")
    monkeypatch.setenv("CI", "true")
    in_ci = aws("apply")
    left = bench.stack_names()
    approved = aws("apply", "--yes")

    assert (2, 2, 0) == (silent.code, in_ci.code, approved.code), approved.err
    assert set() == left
    assert "an answer is needed" in silent.err


def test_credentials_for_another_account_stop_before_the_first_write(
    bench: Bench, aws: Command, monkeypatch: pytest.MonkeyPatch
):
    """GetCallerIdentity must name the target's account: exit 4 otherwise."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "999999999999")

    refused = aws("apply", "--yes")

    assert refused.code == 4
    assert f"account {bench.account}: the credentials are for account 999999999999" in refused.err
    assert set() == bench.stack_names()


def test_no_credentials_are_one_clear_line(
    bench: Bench, aws: Command, monkeypatch: pytest.MonkeyPatch
):
    """Exit 4 as of every preflight, for the account once, without a traceback."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    refused = aws("plan")

    assert refused.code == 4
    assert "credentials" in refused.err
    assert "Traceback" not in refused.err
    assert 1 == len(refused.err.strip().splitlines())


def test_a_role_is_assumed_for_the_account(bench: Bench, aws: Command):
    """The settings say how to speak for an account; its stacks are made by that role."""
    role = bench.client("iam").create_role(RoleName="deployer", AssumeRolePolicyDocument="{}")
    arn = role["Role"]["Arn"]
    extra = f'[credentials."{bench.account}"]\nrole_arn = "{arn}"\n'
    bench.file.write_text(SETTINGS.format(account=bench.account, extra=extra))

    assert 0 == aws("plan").code


def test_yes_never_covers_the_loss_of_data(bench: Bench, aws: Command):
    """A destroy that loses buckets and keys wants each of them named."""
    aws("apply", "--yes")
    protected = aws("destroy", "--yes")
    refused = aws("destroy", "--yes", "--lift-protection")
    allowed = [word for word in refused.err.split() if word.startswith("prod-")]

    assert (4, 4) == (protected.code, refused.code)
    assert "termination protection is on" in protected.err
    assert "only by name; if all of it may go: --allow-loss prod-" in refused.err
    assert 6 == len(bench.stack_names())

    words = [word for each in allowed for word in ("--allow-loss", each)]
    destroyed = aws("destroy", "--yes", "--lift-protection", *words)

    assert destroyed.code == 0, destroyed.err
    assert set() == bench.stack_names()


@pytest.mark.drill
def test_a_name_that_is_typed_never_covers_the_loss_of_data_either(bench: Bench, aws: Command):
    """It approves the plan: the question comes only when every loss is allowed by name. (D-18)"""
    aws("apply", "--yes")

    refused = aws("destroy", "--lift-protection", answer="prod\n")
    words = [word for word in refused.err.split() if word.startswith(("--allow-loss", "prod-"))]
    declined = aws("destroy", "--lift-protection", *words, answer="no\n")
    left = bench.stack_names()
    destroyed = aws("destroy", "--lift-protection", *words, answer="prod\n")

    assert (4, 130, 0) == (refused.code, declined.code, destroyed.code), destroyed.err
    assert "is lost" in refused.out
    assert "Type the stage's name" not in refused.err
    assert 6 == len(left)
    assert set() == bench.stack_names()


def test_an_input_that_has_ended_is_no_answer(bench: Bench, aws: Command):
    """Exit 2 with what is needed, and nothing left behind; another word is a no."""
    silent = aws("apply")
    wrong = aws("apply", answer="dev\n")

    assert (2, 130) == (silent.code, wrong.code)
    assert 'no answer came, the input has ended: type "prod" at a terminal' in silent.err
    assert '"dev" is not "prod": declined, nothing was deployed' in wrong.err
    assert set() == bench.stack_names()
