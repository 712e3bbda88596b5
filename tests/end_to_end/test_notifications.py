"""Runs tell others how they went; what a channel does changes nothing of the run. (W-6)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tapcfn.cli.app import run as run_command
from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result
from tests.receiver import PATH, Receiver, Reply, receiving

KEY = "a-key-of-enough-letters"

SETTINGS = """\
backend = "local"
account = "{account}"
region = "us-east-1"
stage = "demo"
termination_protection = false

[stacks.{name}]
template = "topic.json"
phase = "first"

[stacks.{name}-after]
template = "topic.json"
phase = "second"
"""

FAILING = """
[[fault]]
do = "fail"
type = "AWS::SNS::Topic"
account = "{account}"
logical_id = "{logical_id}"
reason = "no <room> & no time"
"""

WEBHOOK = """
[notifications]
webhook_url_env = "HOOK_URL"
"""


@dataclass
class Shop:
    """A folder with two stacks, one after the other, and webhooks that may be told."""

    bench: Bench
    folder: Path
    environment: pytest.MonkeyPatch
    open: ExitStack
    said: list[str] = field(default_factory=list)

    def settings(self, more: str = "") -> None:
        text = SETTINGS.format(account=self.bench.account, name=self.folder.name)
        (self.folder / "tapcfn.toml").write_text(text + more)

    def receives(self, variable: str, *replies: Reply) -> Receiver:
        """Open a webhook, and put its URL into a variable."""
        receiver = self.open.enter_context(receiving(*replies))
        self.environment.setenv(variable, receiver.url)
        return receiver

    def run(self, command: str, *words: str) -> Result:
        self.bench.capture()
        code = run_command("there.are.none", [command, str(self.folder), *words])
        done = Result(code, *self.bench.capture())
        self.said += [done.out, done.err]
        return done

    def fails(self, logical_id: str) -> None:
        """Let this resource fail from now on."""
        table = FAILING.format(account=self.bench.account, logical_id=logical_id)
        server.inject(self.bench.root, table)

    def written(self) -> Iterator[str]:
        """Yield what was said, and what stands in the files of its runs."""
        yield from self.said
        for path in (self.bench.root / ".tapcfn").rglob("*.ndjson"):
            yield path.read_text()
        for path in (self.bench.root / ".tapcfn" / "bundles").rglob("*.json"):
            yield path.read_text()


@pytest.fixture
def shop(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop that has told nobody anything that it should not."""
    folder = tmp_path / f"shop-{bench.account}"
    folder.mkdir()
    (folder / "topic.json").write_text('{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}')
    with ExitStack() as stack:
        made = Shop(bench, folder, monkeypatch, stack)
        made.settings()
        yield made
        server.inject(bench.root, "")
        for text in made.written():
            assert PATH not in text
            assert KEY not in text


def needs_slack() -> None:
    pytest.importorskip("slack_sdk", reason="slack_sdk, of the extra slack, is not installed")


def test_every_channel_is_told_at_the_end(shop: Shop) -> None:
    """Slack by a URL of Secrets Manager, a signed webhook, and a topic with a subscriber."""
    needs_slack()
    slack, webhook = shop.receives("NOT_READ"), shop.receives("HOOK_URL")
    shop.environment.setenv("HOOK_KEY", KEY)
    keeper, topics, queues = map(shop.bench.client, ("secretsmanager", "sns", "sqs"))
    secret = json.dumps({"url": slack.url})
    keeper.create_secret(Name=f"slack-{shop.bench.account}", SecretString=secret)
    topic = topics.create_topic(Name="told")["TopicArn"]
    queue = queues.create_queue(QueueName="told")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    endpoint = arn["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)
    shop.settings(f"""
[notifications]
slack_secret = "slack-{shop.bench.account}"
webhook_url_env = "HOOK_URL"
webhook_secret_env = "HOOK_KEY"
topic_arn = "{topic.replace(shop.bench.account, "{account}")}"
""")

    done = shop.run("apply", "--json", "--link", "https://ci.example/7")

    assert 0 == done.code, done.out
    sent = [(each["channel"], each["sent"], each["fault"]) for each in done.of_type("notification")]
    assert [("Slack", True, None), ("webhook", True, None), ("SNS", True, None)] == sent
    (posted,) = webhook.posts
    told = posted.document
    assert ("success", "demo", ["us-east-1"], {"done": 2}, "https://ci.example/7") == tuple(
        told[key] for key in ("verdict", "environment", "regions", "counts", "link")
    )
    assert done.lines[0]["plan_digest"] == told["plan_digest"]
    assert posted.headers["X-Tapcfn-Signature"].startswith("sha256=")
    assert told["title"] in slack.posts[0].document["text"]
    message = json.loads(queues.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert told == json.loads(message["Message"])
    assert "summary" == done.lines[-1]["type"]


def test_a_failure_is_told_with_its_cause_and_how_to_go_on(shop: Shop) -> None:
    """Slack shows the service's words as they are; the run ends as it would have."""
    needs_slack()
    slack = shop.receives("SLACK_WEBHOOK_URL")
    shop.settings('\n[notifications]\nslack_url_env = "SLACK_WEBHOOK_URL"\n')
    shop.fails("Topic")

    done = shop.run("apply")

    (post,) = slack.posts
    said = json.dumps(post.document)
    assert 1 == done.code
    assert "apply failed" in post.document["text"]
    assert "no &lt;room&gt; &amp; no time" in said
    assert f"apply {shop.folder}" in said
    assert "1 failed, 1 skipped" in said


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(404, "gone"), "webhook was not told: answered 404"),
        (Reply(429, "", {"Retry-After": "999"}), "answered 429, and asks to wait for 999 s"),
    ],
)
def test_a_channel_that_fails_is_a_warning(shop: Shop, reply: Reply, told: str) -> None:
    """The deployment has been done, and its exit code says so."""
    shop.receives("HOOK_URL", reply)
    shop.settings(WEBHOOK)

    done = shop.run("apply", "--json")

    (warning,) = [each for each in done.of_type("diagnostic") if each["code"] == "notification"]
    assert (0, "warning") == (done.code, warning["level"])
    assert told in warning["message"]


def test_a_variable_that_is_not_set_is_a_warning(shop: Shop) -> None:
    """With the variable's name, and the other channels are told."""
    webhook = shop.receives("HOOK_URL")
    shop.settings(WEBHOOK + 'topic_arn = "arn:aws:sns:us-east-1:{account}:nobody-made-it"\n')
    shop.environment.delenv("HOOK_URL")

    done = shop.run("apply")

    assert (0, []) == (done.code, webhook.posts)
    assert "warning: webhook was not told: HOOK_URL is not set in the environment" in done.err
    assert "warning: SNS was not told: topic nobody-made-it" in done.err


def test_each_phase_is_told_when_the_next_begins(shop: Shop) -> None:
    """And the last one with the run."""
    webhook = shop.receives("HOOK_URL")
    shop.settings(WEBHOOK + 'per = "phase"\n')

    shop.run("apply")

    told = [(each.document["part"], each.document["counts"]) for each in webhook.posts]
    assert [("phase first", {"done": 1}), (None, {"done": 2})] == told


def test_only_what_is_asked_for_is_told(shop: Shop) -> None:
    """Not a success where failures are wanted, and never what only looks."""
    webhook = shop.receives("HOOK_URL")
    shop.settings(WEBHOOK + 'on = ["failure"]\n')

    codes = [shop.run(command).code for command in ("plan", "apply", "status", "notify")]

    assert ([0, 0, 0, 0], []) == (codes, webhook.posts)


def test_what_a_guard_blocks_is_told(shop: Shop) -> None:
    """Nothing was begun, and whoever waits for it should know."""
    webhook = shop.receives("HOOK_URL")
    bucket = '"Bucket": {"Type": "AWS::S3::Bucket"}'
    topic = '"Topic": {"Type": "AWS::SNS::Topic"}'
    (shop.folder / "topic.json").write_text(f'{{"Resources": {{{topic}, {bucket}}}}}')
    assert 0 == shop.run("apply").code
    (shop.folder / "topic.json").write_text(f'{{"Resources": {{{topic}}}}}')
    shop.settings(WEBHOOK)

    done = shop.run("apply")

    (post,) = webhook.posts
    assert (4, "blocked") == (done.code, post.document["verdict"])
    assert "Bucket" in post.document["cause"]


# notify -------------------------------------------------------------------------------------------


def test_notify_tells_of_a_run_of_the_past(shop: Shop) -> None:
    """Slack needs no settings there; the link is GitHub's page of the job."""
    needs_slack()
    for name, value in (("SERVER_URL", "https://git.example"), ("REPOSITORY", "a/b")):
        shop.environment.setenv(f"GITHUB_{name}", value)
    shop.fails("Topic")
    failed = shop.run("apply", "--json")
    slack = shop.receives("SLACK_WEBHOOK_URL")
    shop.environment.setenv("GITHUB_RUN_ID", "77")

    done = shop.run("notify", "--json")

    said = json.dumps([post.document for post in slack.posts])
    assert (1, 0, [True]) == (
        failed.code,
        done.code,
        [each["sent"] for each in done.of_type("notification")],
    )
    for told in (
        *("apply failed", "no &lt;room&gt; &amp; no time", "us-east-1", "1 failed, 1 skipped"),
        *(failed.lines[0]["run"], failed.lines[0]["plan_digest"], failed.lines[-1]["resume"]),
        "https://git.example/a/b/actions/runs/77",
    ):
        assert told in said, told


def test_notify_tells_of_a_failure_that_was_rolled_back(shop: Shop) -> None:
    """The failure is the news, and that what was good is back stands beside it. (W-7)"""
    webhook = shop.receives("HOOK_URL")
    assert 0 == shop.run("apply").code
    (shop.folder / "topic.json").write_text(
        '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, "New": {"Type": "AWS::SNS::Topic"}}}'
    )
    shop.fails("New")
    assert 1 == shop.run("apply").code
    server.inject(shop.bench.root, "")
    assert 0 == shop.run("rollback").code
    shop.settings(WEBHOOK)

    assert 0 == shop.run("notify", "--job", "failure").code

    (post,) = webhook.posts
    assert "failure" == post.document["verdict"]
    assert "went back to the last good bundle: done" == post.document["then"]


@pytest.mark.parametrize(
    ("words", "verdict", "cause"),
    [
        (("--job", "failure"), "failure", "no run was begun; the log of the job says why"),
        (("--job", "cancelled"), "interrupted", "no run was begun; the log of the job says why"),
        (("--job", "success"), "success", None),
        (("--test",), "success", None),
    ],
)
def test_notify_tells_of_a_job_without_a_run(
    shop: Shop, words: tuple[str, ...], verdict: str, cause: str | None
) -> None:
    """Where settings are refused there is no run, and somebody waits all the same."""
    webhook = shop.receives("HOOK_URL")
    shop.settings(WEBHOOK)

    done = shop.run("notify", *words)

    (post,) = webhook.posts
    assert (0, verdict, cause) == (done.code, post.document["verdict"], post.document["cause"])


def test_notify_calls_no_run_good_whose_job_has_failed(shop: Shop) -> None:
    """A later step of the job may have failed."""
    webhook = shop.receives("HOOK_URL")
    shop.run("apply")
    shop.settings(WEBHOOK)

    shop.run("notify", "--job", "failure")

    (post,) = webhook.posts
    assert "failure" == post.document["verdict"]
    assert "the run ended well, and then the CI job failed" == post.document["cause"]


@pytest.mark.parametrize(
    ("more", "words", "told"),
    [
        ("", (), "nobody is to be told: set SLACK_WEBHOOK_URL in the environment, or write"),
        (WEBHOOK, (), "nobody can be told: webhook: HOOK_URL is not set in the environment"),
        (WEBHOOK, ("--job", "broken"), "'broken' is not one of 'success', 'failure', 'cancelled'"),
        (WEBHOOK, ("--stage", "prod"), "says its stage itself"),
    ],
)
def test_notify_refuses_what_can_tell_nobody(
    shop: Shop, more: str, words: tuple[str, ...], told: str
) -> None:
    """Exit 2, and what would help."""
    shop.settings(more)

    done = shop.run("notify", *words)

    assert 2 == done.code
    assert told in done.err


def test_notify_refuses_a_run_that_there_is_not(shop: Shop) -> None:
    """With the command that lists them."""
    shop.receives("HOOK_URL")
    shop.settings(WEBHOOK)

    none, wrong = shop.run("notify"), shop.run("notify", "--run", "20300101T000000Z-aaaaaa")

    assert (2, 2) == (none.code, wrong.code)
    assert "nothing has been run here that could be told" in none.err
    assert "--run 20300101T000000Z-aaaaaa: no such run" in wrong.err
