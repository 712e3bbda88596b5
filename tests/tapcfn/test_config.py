"""Settings: every fault is named at once, with the key, the value and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from tapcfn.config import LOCAL_ACCOUNT, Cidr, Common, Region, Strict, check, load
from tapcfn.errors import ConfigError

ACCOUNT = "111111111111"


class Alarm(Strict):
    """A table inside of settings."""

    threshold: int = Field(description="a whole number")


class Settings(Common):
    """Settings of a blueprint that exists here only."""

    home: Region
    cidr: Cidr = "10.0.0.0/16"
    size: Literal["small", "large"] = Field("small", description='"small" or "large"')
    alarms: tuple[Alarm, ...] = ()
    away: Region = Field("us-west-2", description="any Region but home", validate_default=True)

    @field_validator("away")
    @classmethod
    def _is_elsewhere(cls, away: str, info: ValidationInfo) -> str:
        if away == info.data.get("home"):
            raise ValueError("is home")
        return away

    @model_validator(mode="after")
    def _fits(self) -> Settings:
        if self.size == "large" and self.home == "eu-south-9":
            raise ValueError("eu-south-9 has nothing large")
        return self


RIGHT: dict[str, Any] = {"account": ACCOUNT, "accounts": [ACCOUNT], "home": "eu-west-1"}


def faults(**keys: Any) -> tuple[str, ...]:
    """Return what is wrong with right settings after `keys` have been put in; None takes out."""
    document = {key: value for key, value in (RIGHT | keys).items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        check("prod.toml", document, Settings)
    return caught.value.faults


def test_right_settings_are_values() -> None:
    """TOML's lists become tuples, and what is left out has its default."""
    settings = check("prod.toml", RIGHT, Settings)

    assert (ACCOUNT,) == settings.accounts
    assert ("aws", True, True, None) == (
        settings.backend,
        settings.keep_data,
        settings.termination_protection,
        settings.artifact_bucket,
    )


def test_settings_cannot_change() -> None:
    """They are frozen, like every other value."""
    settings = check("prod.toml", RIGHT, Settings)

    with pytest.raises(ValidationError, match="frozen"):
        settings.keep_data = False  # type: ignore[misc]


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"hom": "eu-west-1"}, 'hom: unknown key; did you mean "home"?'),
        (
            {"zzz": 1},
            "zzz: unknown key; known keys: account, accounts, alarms, allow_loss, artifact_bucket, "
            "away, "
            "backend, cidr, credentials, home, keep_data, mode, notification_arns, notifications, "
            "on_failure, "
            "permissions_boundary, "
            "rollback_alarms, rollback_minutes, service_role, size, stack_policy, "
            "termination_protection",
        ),
        ({"home": None}, 'home: missing; allowed: the name of a Region, such as "us-east-1"'),
        (
            {"home": "europe"},
            'home = "europe": is no Region; allowed: the name of a Region, such as "us-east-1"',
        ),
        (
            {"account": 111111111111},
            "account = 111111111111: input should be a text in quotes; allowed: the account id to "
            "deploy to: 12 digits, in quotes",
        ),
        (
            {"accounts": ACCOUNT},
            f'accounts = "{ACCOUNT}": input should be a list; allowed: the account ids that this '
            "stage may touch: a list of 12-digit strings",
        ),
        (
            {"credentials": ["x"]},
            'credentials = ["x"]: input should be a table; allowed: tables '
            '[credentials."<account id>"]; [credentials."*"] with {account} in it is for every '
            "account that has none",
        ),
        (
            {"account": "222222222222", "away": "eu-west-1"},
            'away = "eu-west-1": is home; allowed: any Region but home',
        ),
        (
            {"home": "us-west-2"},
            'away = "us-west-2" (the default, not written): is home; allowed: any Region but home',
        ),
        (
            {"account": "12"},
            'account = "12": is no account id; allowed: the account id to deploy to: 12 digits, '
            "in quotes",
        ),
        (
            {"account": None},
            'account: missing, and backend is "aws"; allowed: the account id to deploy to: 12 '
            "digits, in quotes",
        ),
        (
            {"accounts": ["12"]},
            'accounts.0 = "12": is no account id; allowed: the account ids that this stage may '
            "touch: a list of 12-digit strings",
        ),
        (
            {"keep_data": "yes"},
            'keep_data = "yes": input should be true or false; allowed: true or false: whether '
            "a destroy leaves buckets, keys and logs behind",
        ),
        (
            {"backend": "moon"},
            "backend = \"moon\": input should be 'local' or 'aws'; allowed: \"local\" (the local "
            'cloud) or "aws"',
        ),
        (
            {"size": "huge"},
            "size = \"huge\": input should be 'small' or 'large'; allowed: \"small\" or \"large\"",
        ),
        (
            {"alarms": [{"threshold": True}]},
            "alarms.0.threshold = true: input should be a whole number; allowed: a whole number",
        ),
        ({"alarms": [{"treshold": 1, "threshold": 1}]}, 'alarms.0.treshold: unknown key; did you '
         'mean "threshold"?'),
        (
            {"credentials": {ACCOUNT: {"role_arm": "x"}}},
            f'credentials.{ACCOUNT}.role_arm: unknown key; did you mean "role_arn"?',
        ),
        (
            {"credentials": {ACCOUNT: {"role_arn": "deployer"}}},
            f"credentials.{ACCOUNT}.role_arn = \"deployer\": string should match pattern "
            "'^arn:[a-z-]+:iam::([0-9]{12}|\\{account\\}):role/.+$'; allowed: the ARN of a role to "
            'assume; in "*" with {account}',
        ),
        (
            {"allow_loss": ["storage/*"]},
            'allow_loss.0 = "storage/*": is no allowance; allowed: a list of '
            '"STACK/LOGICAL_ID[@REGION][:ACTION][:until=YYYY-MM-DD]": resources that may be lost',
        ),
        ({"size": "large", "home": "eu-south-9"}, "eu-south-9 has nothing large"),
    ],
)  # fmt: skip
def test_a_fault_names_key_value_and_what_is_allowed(keys: dict[str, Any], fault: str) -> None:
    """One line is enough to put it right."""
    assert (fault,) == faults(**keys)


@pytest.mark.parametrize("cidr", ["10.0.0.1/16", "10.0.0.0/33", "fe80::/64", "all"])
def test_a_cidr_block_says_what_is_wrong_with_it(cidr: str) -> None:
    """Host bits, too long a prefix, another protocol and plain words are refused with a reason."""
    (fault,) = faults(cidr=cidr)

    assert fault.startswith(f'cidr = "{cidr}": is no IPv4 CIDR block (')
    assert fault.endswith('allowed: an IPv4 CIDR block without host bits, such as "203.0.113.0/24"')


@pytest.mark.parametrize("cidr", ["203.0.113.0/24", "0.0.0.0/0", "10.0.0.7/32"])
def test_a_block_without_host_bits_is_a_cidr_block(cidr: str) -> None:
    """One address is a block of its own."""
    assert cidr == check("prod.toml", RIGHT | {"cidr": cidr}, Settings).cidr


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "ap-southeast-5", "cn-north-1"])
def test_regions_of_every_partition_are_regions(region: str) -> None:
    """The shape of the name is checked, not a list that grows old."""
    assert region == check("prod.toml", RIGHT | {"home": region}, Settings).home


@pytest.mark.parametrize("region", ["eu-west", "EU-WEST-1", "eu_west_1", "eu-west-1a", ""])
def test_what_only_looks_like_a_region_is_none(region: str) -> None:
    """A zone, a missing number and capital letters are refused."""
    assert faults(home=region)[0].startswith(f'home = "{region}": is no Region')


def test_all_faults_are_named_at_once() -> None:
    """Nobody has to mend and run again for each; they are sorted by key."""
    found = faults(home=None, keep_data=1, sise="small", accounts=["1", ACCOUNT, "2"])

    assert [
        "accounts.0 = ",
        "accounts.2 = ",
        "home: missing",
        "keep_data = 1",
        "sise: unknown",
    ] == [fault[: len(start)] for fault, start in zip(found, (
        "accounts.0 = ", "accounts.2 = ", "home: missing", "keep_data = 1", "sise: unknown",
    ), strict=True)]  # fmt: skip


def test_a_wrong_account_in_credentials_is_named() -> None:
    """The key of a table is checked like a value."""
    (fault,) = faults(credentials={"12": {"profile": "a"}})

    assert 'credentials.12.[key] = "12": is no account id' == fault.partition(";")[0]


EVERYWHERE = "arn:aws:iam::{account}:role/deployer"


def test_credentials_may_be_a_pattern_for_all_accounts() -> None:
    """A fleet of 200 accounts has one table; an account's own table goes before it."""
    own = {"profile": "mine"}
    tables = {"*": {"profile": "at-{account}", "role_arn": EVERYWHERE}, ACCOUNT: own}
    settings = check("prod.toml", RIGHT | {"credentials": tables}, Settings)

    filled = settings.credentials["*"].of("222222222222")
    assert "at-222222222222" == filled.profile
    assert "arn:aws:iam::222222222222:role/deployer" == filled.role_arn
    assert settings.credentials[ACCOUNT] == settings.credentials[ACCOUNT].of(ACCOUNT)


@pytest.mark.parametrize(
    ("tables", "fault"),
    [
        (
            {"*": {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/deployer"}},
            '"*" speaks for one account only: its role_arn or its profile needs {account}',
        ),
        ({"*": {"profile": "ops"}}, '"*" speaks for one account only: its role_arn or its pro'),
        (
            {"*": {"role_arn": EVERYWHERE, "profile": "{region}"}},
            '"*" has another placeholder than {account}',
        ),
        ({ACCOUNT: {"role_arn": EVERYWHERE}}, f'"{ACCOUNT}" is one account: only "*" may have'),
    ],
)
def test_a_pattern_says_what_it_lacks(tables: dict[str, Any], fault: str) -> None:
    """Whoever speaks for one account only would be refused in the middle of a fleet."""
    (found,) = faults(credentials=tables)

    assert found.startswith(f"credentials: {fault}")


@pytest.mark.parametrize(
    "bucket", ["artifacts-{account}-{region}", "my.artifacts", "{account}.artifacts"]
)
def test_an_artifact_bucket_may_name_account_and_region(bucket: str) -> None:
    """The two things that it differs by."""
    settings = check("prod.toml", RIGHT | {"artifact_bucket": bucket}, Settings)

    assert bucket == settings.artifact_bucket


@pytest.mark.parametrize("bucket", ["artifacts-{zone}", "artifacts-{", "a-{}", "Artifacts", "a}b"])
def test_an_artifact_bucket_may_name_nothing_else(bucket: str) -> None:
    """Another placeholder would only be noticed in the middle of a deployment."""
    (fault,) = faults(artifact_bucket=bucket)

    assert fault.startswith(f'artifact_bucket = "{bucket}": ')


@pytest.mark.parametrize(("account", "found"), [(None, LOCAL_ACCOUNT), (ACCOUNT, ACCOUNT)])
def test_the_local_cloud_needs_no_account(account: str | None, found: str) -> None:
    """There is a fixed one, unless another is set."""
    document = {"backend": "local", "home": "eu-west-1"} | ({"account": account} if account else {})

    assert found == check("local.toml", document, Settings).account_id


# Files --------------------------------------------------------------------------------------------


def test_a_file_becomes_settings(tmp_path: Path) -> None:
    """TOML in UTF-8, tables included."""
    path = tmp_path / "prod.toml"
    path.write_text(
        f'account = "{ACCOUNT}"\nhome = "eu-west-1"\n\n[credentials."{ACCOUNT}"]\n'
        f'profile = "büro"\nrole_arn = "arn:aws:iam::{ACCOUNT}:role/deployer"\n',
        encoding="utf-8",
    )

    settings = load(path, Settings)

    assert "büro" == settings.credentials[ACCOUNT].profile
    assert f"arn:aws:iam::{ACCOUNT}:role/deployer" == settings.credentials[ACCOUNT].role_arn
    assert settings.credentials[ACCOUNT].external_id is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff\xfe", "cannot be read: is not UTF-8"),
        (b"home = eu-west-1", "is not TOML: "),
        (b'home = "a"\nhome = "b"', "is not TOML: "),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, content: bytes | None, fault: str
) -> None:
    """It is named with its path, and is a fault like any other: exit code 2."""
    path = tmp_path / "prod.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load(path, Settings)

    assert str(caught.value).startswith(f"{path}: {fault}")
    assert 2 == caught.value.exit_code


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    """The system's own words are passed on."""
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, Settings)
