"""Who speaks for an account, to which endpoint, and how often it was asked."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.retries import quota, standard

from tapcfn.aws.calls import told
from tapcfn.aws.cloud import AwsCloud
from tapcfn.aws.session import Clients, is_loopback, on_aws, on_local_cloud
from tapcfn.config import Credentials
from tapcfn.errors import BlockedError, CloudError
from tapcfn.model import Target
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.endpoint import ERROR
from tests.tapcfn.aws.wire import HERE

OTHER = Target("444455556666", "us-east-1")
ROLE = "arn:aws:iam::111122223333:role/Deploy"
NOWHERE = "http://127.0.0.1:9"

HOSTILE = {
    "AWS_PROFILE": "nobody",
    "AWS_DEFAULT_PROFILE": "nobody",
    "AWS_ACCESS_KEY_ID": "thief",
    "AWS_SECRET_ACCESS_KEY": "thief",
    "AWS_SESSION_TOKEN": "thief",
    "AWS_REGION": "xx-nowhere-1",
    "AWS_DEFAULT_REGION": "xx-nowhere-1",
    "AWS_ENDPOINT_URL": NOWHERE,
    "AWS_ENDPOINT_URL_STS": NOWHERE,
    "AWS_ENDPOINT_URL_S3": NOWHERE,
    "AWS_ENDPOINT_URL_CLOUDFORMATION": NOWHERE,
    "AWS_CA_BUNDLE": "/nowhere/ca.pem",
    "REQUESTS_CA_BUNDLE": "/nowhere/ca.pem",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_RETRY_MODE": "legacy",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
    "AWS_DEFAULTS_MODE": "mobile",
    "AWS_CSM_ENABLED": "true",
    "AWS_S3_USE_ARN_REGION": "true",
    "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/Thief",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token",
    "AWS_DATA_PATH": "/nowhere",
    "HTTP_PROXY": NOWHERE,
    "HTTPS_PROXY": NOWHERE,
    "ALL_PROXY": NOWHERE,
    "http_proxy": NOWHERE,
    "https_proxy": NOWHERE,
    "NO_PROXY": "",
    "no_proxy": "",
}
HOSTILE_FILE = f"""
[default]
region = xx-nowhere-1
endpoint_url = {NOWHERE}
max_attempts = 1
use_fips_endpoint = true
aws_access_key_id = thief
aws_secret_access_key = thief
s3 =
  addressing_style = virtual
  use_accelerate_endpoint = true
[profile nobody]
endpoint_url = {NOWHERE}
"""


@pytest.fixture
def hostile(monkeypatch, tmp_path):
    """Set everything that could turn a client away from the local cloud."""
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text(HOSTILE_FILE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / ".aws" / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / ".aws" / "credentials"))
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def configured(monkeypatch, tmp_path, endpoint):
    """Set up a machine with two profiles, whose AWS is the endpoint."""
    for name in HOSTILE:
        monkeypatch.delenv(name, raising=False)
    profile = f"endpoint_url = {endpoint.url}\naws_secret_access_key = s\n"
    (tmp_path / "config").write_text(
        f"[default]\naws_access_key_id = default-key\n{profile}"
        f"[profile ops]\naws_access_key_id = ops-key\n{profile}"
        f"[profile bare]\nendpoint_url = {endpoint.url}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return endpoint


def hasty(url):
    """Return clients of the endpoint that retry as they are configured, but without pauses."""
    connect = on_local_cloud(url)
    return Clients(lambda service, target: without_pauses(connect(service, target)))


def without_pauses(client):
    """Swap botocore's standard retry handler for the same with a longest pause of 0 seconds."""
    name = client.meta.service_model.service_id.hyphenize()
    attempts = client.meta.config.retries["total_max_attempts"]
    handler = standard.RetryHandler(
        standard.RetryPolicy(
            standard.StandardRetryConditions(max_attempts=attempts),
            standard.ExponentialBackoff(max_backoff=0),
        ),
        standard.RetryEventAdapter(),
        standard.RetryQuotaChecker(quota.RetryQuota()),
    )
    event, key = f"needs-retry.{name}", f"retry-config-{name}"
    client.meta.events.unregister(event, unique_id=key)
    client.meta.events.register(event, handler.needs_retry, unique_id=key)
    return client


def asked(clients):
    """Ask who speaks, once."""
    with told("credentials", HERE):
        return clients("sts", HERE).get_caller_identity()["Account"]


def caller(clients):
    """Ask who speaks, through the port."""
    return AwsCloud(clients, FakeClock()).caller(HERE)


# The local cloud ---------------------------------------------------------------------------------


def test_the_local_cloud_is_deaf_to_the_environment(hostile, endpoint):
    """Variables, profiles, files, proxies: a client speaks to the given URL as its account."""
    clients = Clients(on_local_cloud(endpoint.url))

    clients("sts", HERE).get_caller_identity()
    clients("sts", OTHER).get_caller_identity()
    clients("s3", HERE).head_bucket(Bucket="logs")
    clients("cloudformation", HERE).delete_stack(StackName="network")

    assert [
        ("/", "111122223333", "eu-west-1"),
        ("/", "444455556666", "us-east-1"),
        ("/logs", "111122223333", "eu-west-1"),
        ("/", "111122223333", "eu-west-1"),
    ] == [(each.path, each.access_key, each.region) for each in endpoint.asked]


@pytest.mark.parametrize("service", ["cloudformation", "s3", "sts", "ec2"])
def test_every_client_of_the_local_cloud_is_bound_to_it(hostile, endpoint, service):
    """Whatever the environment names as an endpoint, and as patiently as any other client."""
    client = Clients(on_local_cloud(endpoint.url))(service, HERE)

    assert endpoint.url == client.meta.endpoint_url
    assert {"mode": "standard", "total_max_attempts": 5} == client.meta.config.retries


@pytest.mark.parametrize(
    "url",
    [
        "https://cloudformation.us-east-1.amazonaws.com",
        "http://10.0.0.1:4566",
        "http://0.0.0.0:4566",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://localhost.example.com",
        "http://[::2]:4566",
        "127.0.0.1:4566",
        "",
    ],
)
def test_no_local_client_speaks_to_another_machine(url):
    """There is not even a connector."""
    with pytest.raises(BlockedError, match="the local cloud answers on 127.0.0.1 only"):
        on_local_cloud(url)

    assert not is_loopback(url)


def test_no_request_of_a_local_client_leaves_this_machine(endpoint):
    """Whatever turns it away, such as a redirect, it is stopped before it is sent."""
    client = Clients(on_local_cloud(endpoint.url))("sts", HERE)

    def turn_away(request, **_):
        request.url = "http://192.0.2.1/"

    client.meta.events.register("before-sign.sts.*", turn_away)

    with pytest.raises(BlockedError, match=r"^http://192.0.2.1/: not on this machine$"):
        client.get_caller_identity()

    assert [] == endpoint.asked


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4566", "http://127.8.8.8", "http://localhost:1", "http://[::1]:4566"]
)
def test_loopback_is_this_machine(url):
    """By address or by name."""

    assert is_loopback(url)


# AWS ---------------------------------------------------------------------------------------------


def test_an_account_is_spoken_for_by_its_profile(configured):
    """One that the settings do not mention, by the default credentials."""
    clients = Clients(on_aws({HERE.account: Credentials(profile="ops")}))

    clients("sts", HERE).get_caller_identity()
    clients("sts", OTHER).get_caller_identity()

    assert [("ops-key", "eu-west-1"), ("default-key", "us-east-1")] == [
        (each.access_key, each.region) for each in configured.asked
    ]


def test_a_role_is_assumed_once_from_its_profile(configured):
    """With its external id, at the first call; all clients of the account share the session."""
    speaker = Credentials(profile="ops", role_arn=ROLE, external_id="shared-secret")
    clients = Clients(on_aws({HERE.account: speaker}))
    elsewhere = Target(HERE.account, "eu-west-2")

    made = [clients("sts", HERE), clients("sts", elsewhere)]
    before = len(configured.asked)
    for client in made:
        client.get_caller_identity()

    first, second, third = configured.asked
    assert 0 == before
    assert ("ops-key", "AssumeRole") == (first.access_key, first.form["Action"])
    assert (ROLE, "shared-secret", "tapcfn") == (
        first.form["RoleArn"],
        first.form["ExternalId"],
        first.form["RoleSessionName"],
    )
    assert [("assumed-1", "eu-west-1"), ("assumed-1", "eu-west-2")] == [
        (each.access_key, each.region) for each in (second, third)
    ]


def test_a_pattern_speaks_for_every_account_without_a_speaker_of_its_own(configured):
    """Each account has a session of its own, whose role is the account's."""
    pattern = Credentials(profile="ops", role_arn="arn:aws:iam::{account}:role/Deploy")
    clients = Clients(on_aws({"*": pattern, OTHER.account: Credentials(profile="ops")}))

    for target in (HERE, Target("777788889999", "eu-west-1"), OTHER):
        clients("sts", target).get_caller_identity()

    assumed = [each.form["RoleArn"] for each in configured.asked if "RoleArn" in each.form]
    assert ["111122223333", "777788889999"] == [arn.split(":")[4] for arn in assumed]
    assert "ops-key" == configured.asked[-1].access_key


def test_a_role_without_an_external_id_sends_none(configured):
    """And without a profile it is assumed from the default credentials."""
    clients = Clients(on_aws({HERE.account: Credentials(role_arn=ROLE)}))

    clients("sts", HERE).get_caller_identity()

    assert "default-key" == configured.asked[0].access_key
    assert "ExternalId" not in configured.asked[0].form


def test_a_role_that_may_not_be_assumed_is_one_line(configured):
    """The call that needed it names the refusal."""
    configured.script.append((403, ERROR.format(code="AccessDenied")))
    clients = Clients(on_aws({HERE.account: Credentials(role_arn=ROLE)}))

    with pytest.raises(CloudError) as error:
        caller(clients)

    assert (
        "credentials (111122223333/eu-west-1): AssumeRole was refused: no "
        "[AccessDenied, request r-1]"
    ) == str(error.value)


@pytest.mark.parametrize(
    ("speaker", "line"),
    [
        (Credentials(profile="nobody"), "The config profile (nobody) could not be found"),
        (Credentials(profile="bare", role_arn=ROLE), "Unable to locate credentials"),
    ],
)
def test_a_speaker_that_does_not_exist_is_one_line(configured, speaker, line):
    """No profile of that name, or nobody to assume the role."""
    clients = Clients(on_aws({HERE.account: speaker}))

    with pytest.raises(CloudError) as error:
        clients("sts", HERE)

    assert str(error.value).startswith(f"sts (111122223333/eu-west-1): {line}")
    assert [] == configured.asked


def test_an_account_has_one_session(configured, monkeypatch):
    """Its files are read once, however many Regions and services there are."""
    connect = on_aws({HERE.account: Credentials(profile="ops")})
    made = [connect("sts", HERE), connect("s3", Target(HERE.account, "us-east-1"))]
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    made.append(connect("ec2", HERE))

    assert [configured.url] * 3 == [client.meta.endpoint_url for client in made]


# Clients -----------------------------------------------------------------------------------------


def test_many_threads_share_one_client_for_each_service_and_target(endpoint):
    """Each is made once, whoever asks first; no call is lost from the count."""
    made = []
    connect = on_local_cloud(endpoint.url)

    def counted(service, target):
        made.append((service, target))
        return connect(service, target)

    clients = Clients(counted)
    start = threading.Barrier(8)

    def work(number):
        start.wait()
        target = (HERE, OTHER)[number % 2]
        return (
            target,
            [clients("sts", target) for _ in range(10)],
            [clients("sts", target).get_caller_identity() for _ in range(5)],
        )

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(work, range(8)))

    assert sorted([("sts", HERE), ("sts", OTHER)]) == sorted(made)
    assert 2 == len({id(client) for _, seen, _ in done for client in seen})
    assert 40 == clients.calls == len(endpoint.asked)
    for client in {id(client): client for _, seen, _ in done for client in seen}.values():
        client.close()


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "RequestLimitExceeded"])
def test_throttles_are_retried_and_counted(endpoint, code):
    """Each attempt is a call, each throttle is counted, and the answer comes in the end."""
    endpoint.script += [(400, ERROR.format(code=code))] * 3
    clients = hasty(endpoint.url)

    answer = clients("sts", HERE).get_caller_identity()

    assert "111122223333" == answer["Account"]
    assert (4, 3) == (clients.calls, clients.throttles)


def test_faults_and_lost_connections_are_retried_but_are_no_throttles(endpoint):
    """A 5xx answer, no answer at all, and a page of HTML."""
    endpoint.script += [(500, ERROR.format(code="InternalFailure")), None, (503, "<html>")]
    clients = hasty(endpoint.url)

    answer = clients("sts", HERE).get_caller_identity()

    assert "111122223333" == answer["Account"]
    assert (4, 0) == (clients.calls, clients.throttles)


def test_a_refusal_is_not_retried(endpoint):
    """The service has said no, and would say it again."""
    endpoint.script.append((403, ERROR.format(code="AccessDenied")))
    clients = hasty(endpoint.url)

    with pytest.raises(CloudError, match="AccessDenied"):
        caller(clients)

    assert (1, 0) == (clients.calls, clients.throttles)


def test_patience_has_an_end(endpoint):
    """After five attempts the throttle is told. (X-10)"""
    endpoint.script += [(400, ERROR.format(code="Throttling"))] * 6
    clients = hasty(endpoint.url)

    with pytest.raises(CloudError) as error:
        asked(clients)

    assert "Throttling" == error.value.code
    assert error.value.passing
    assert (5, 5) == (clients.calls, clients.throttles)


def test_an_answer_that_cannot_be_read_is_one_line(endpoint):
    """Half an XML document is no answer, and no traceback."""
    endpoint.script.append((200, "<GetCallerIdentityResponse><Get"))

    with pytest.raises(
        CloudError, match=r"^credentials \(111122223333/eu-west-1\): Unable to parse"
    ) as error:
        asked(hasty(endpoint.url))

    assert error.value.passing


def test_an_endpoint_that_is_not_there_is_one_line():
    """Nobody listens on that port."""
    with pytest.raises(CloudError) as error:
        caller(hasty(NOWHERE))

    assert "EndpointConnectionError" == error.value.code
