"""Large templates travel through S3, named by what is in them."""

import pytest

from tapcfn.aws import artifacts
from tapcfn.aws.cloud import AwsCloud
from tapcfn.errors import BlockedError, CloudError
from tapcfn.model import Target
from tests.fakes.builders import a_stack, a_template
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.wire import HERE, Wire

LIMIT = 51_200
PATTERN = "artifacts-{account}-{region}"
BUCKET = "artifacts-111122223333-eu-west-1"
LOCAL = "http://127.0.0.1:4566"


def sized(size):
    """Return a template of exactly so many bytes."""
    padding = size - a_template(version="").size
    return a_template(version="x" * padding)


LARGE = sized(LIMIT + 1)
KEY = f"templates/{LARGE.digest}.json"
THERE = {"Bucket": BUCKET, "ExpectedBucketOwner": HERE.account}


@pytest.fixture
def s3(wires):
    return wires.to("s3")


@pytest.fixture
def local():
    wire = Wire("s3", url=LOCAL)
    yield wire
    wire.close()


def hand_over(s3, pattern=PATTERN, target=HERE):
    return artifacts.hand_over(s3.client, LARGE, target, pattern)


def is_not_there(s3, **place):
    s3.refuses("head_object", "404", 404, Key=KEY, **place)


def is_put(s3, **place):
    s3.answers("put_object", {}, Key=KEY, Body=LARGE.text.encode(), **place)


def test_a_template_that_fits_travels_in_the_request(wires):
    """51,200 bytes are the last that do; no bucket is asked for, and no client made."""
    template = sized(LIMIT)
    cloud = AwsCloud(wires, FakeClock())

    assert LIMIT == template.size
    assert cloud.prepare(a_stack(target=HERE, template=template)) is None
    assert {} == wires.of


def test_a_larger_template_is_uploaded_under_the_name_of_its_content(wires, s3):
    """One byte more, and it goes to the bucket of its account and Region."""
    is_not_there(s3, **THERE)
    s3.answers("head_bucket", {}, **THERE)
    is_put(s3, **THERE)
    cloud = AwsCloud(wires, FakeClock(), PATTERN)

    assert LIMIT + 1 == LARGE.size
    assert cloud.prepare(a_stack(target=HERE, template=LARGE)) is None


def test_what_is_there_is_not_uploaded_again(s3):
    """The name is the digest: an object of that name has the same bytes."""
    s3.answers("head_object", {}, Key=KEY, **THERE)

    assert {"TemplateURL": f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/{KEY}"} == hand_over(s3)


@pytest.mark.parametrize(
    ("bucket", "url"),
    [
        ("shared", f"https://shared.s3.eu-west-1.amazonaws.com/{KEY}"),
        ("my.shared", f"https://s3.eu-west-1.amazonaws.com/my.shared/{KEY}"),
    ],
)
def test_a_bucket_of_a_fixed_name_may_be_anybodys(s3, bucket, url):
    """Its owner is not asked for. Dots in the name ask for a URL by path."""
    s3.answers("head_object", {}, Key=KEY, Bucket=bucket)

    assert {"TemplateURL": url} == hand_over(s3, bucket)


def test_on_the_local_cloud_the_url_goes_by_path(local):
    """There is no name server for virtual hosts."""
    local.answers("head_object", {}, Key=KEY, **THERE)

    assert {"TemplateURL": f"{LOCAL}/{BUCKET}/{KEY}"} == hand_over(local)


def test_a_missing_bucket_is_for_a_person_to_make(s3):
    """The message is the command."""
    is_not_there(s3, **THERE)
    s3.refuses("head_bucket", "404", 404, **THERE)

    with pytest.raises(BlockedError) as error:
        hand_over(s3)

    assert (
        f"network: 51201 bytes go through the artifact bucket {BUCKET}, which does not exist; "
        f"make it: aws s3 mb s3://{BUCKET} --region eu-west-1"
    ) == str(error.value)


@pytest.mark.parametrize(
    ("region", "location"),
    [
        ("eu-west-1", {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
        ("us-east-1", {}),
    ],
)
@pytest.mark.parametrize("race", [False, True])
def test_on_the_local_cloud_the_bucket_is_made(local, region, location, race):
    """Also if another thread makes it at the same moment."""
    bucket = f"artifacts-111122223333-{region}"
    place = {"Bucket": bucket, "ExpectedBucketOwner": HERE.account}
    is_not_there(local, **place)
    local.refuses("head_bucket", "NoSuchBucket", 404, **place)
    if race:
        local.refuses("create_bucket", "BucketAlreadyOwnedByYou", 409, Bucket=bucket, **location)
    else:
        local.answers("create_bucket", {}, Bucket=bucket, **location)
    is_put(local, **place)

    assert {"TemplateURL": f"{LOCAL}/{bucket}/{KEY}"} == hand_over(
        local, target=Target(HERE.account, region)
    )


def test_a_bucket_that_cannot_be_made_is_an_error(local):
    """A taken name is not ours to use."""
    is_not_there(local, **THERE)
    local.refuses("head_bucket", "404", 404, **THERE)
    location = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    local.refuses("create_bucket", "BucketAlreadyExists", 409, Bucket=BUCKET, **location)

    with pytest.raises(CloudError, match=f"^artifact bucket {BUCKET} .*BucketAlreadyExists"):
        hand_over(local)


def test_denied_access_names_what_is_needed(s3):
    """S3 says only 403, and says so too where the bucket is another account's."""
    s3.refuses("head_object", "403", 403, Key=KEY, **THERE)

    with pytest.raises(CloudError) as error:
        hand_over(s3)

    assert (
        f"network: HeadObject was denied in the artifact bucket {BUCKET}; s3:ListBucket, "
        "s3:GetObject and s3:PutObject are needed there, and the bucket must be the account's own "
        "(111122223333/eu-west-1)"
    ) == str(error.value)
    assert error.value.lasting


def test_a_denied_upload_is_told_alike(s3):
    """Reading may be allowed where writing is not."""
    is_not_there(s3, **THERE)
    s3.answers("head_bucket", {}, **THERE)
    s3.refuses("put_object", "AccessDenied", 403, Key=KEY, Body=LARGE.text.encode(), **THERE)

    with pytest.raises(CloudError, match="^network: PutObject was denied in the artifact"):
        hand_over(s3)


def test_any_other_refusal_is_an_error(s3):
    """It names the bucket and the target."""
    s3.refuses("head_object", "400", 400, Key=KEY, **THERE)

    with pytest.raises(CloudError, match=rf"^artifact bucket {BUCKET} \(111122223333/eu-west-1\)"):
        hand_over(s3)


def test_a_large_template_needs_a_bucket(s3):
    """Where none is set, the message is the setting."""
    with pytest.raises(BlockedError) as error:
        hand_over(s3, None)

    assert (
        "network: 51201 bytes, and only 51200 fit into a request; set artifact_bucket, such as "
        '"artifacts-{account}-{region}", in the settings'
    ) == str(error.value)


@pytest.mark.parametrize(
    "pattern",
    [
        "artifacts-{foo}",
        "artifacts-{",
        "artifacts-{0}",
        "artifacts-{account.real}",
        "artifacts-{account!r}",
        "{region}-",
        "a" * 64,
        "ab",
        "",
    ],
)
def test_a_pattern_that_gives_no_bucket_name_is_refused(s3, pattern):
    """Only the account and the Region stand in braces."""
    with pytest.raises(BlockedError) as error:
        hand_over(s3, pattern)

    assert str(error.value).startswith(f'artifact_bucket = "{pattern}": ')
    assert "{account} and {region} are all that it may hold in braces" in str(error.value)
