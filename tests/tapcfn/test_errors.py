"""Each error class owns one exit code, and carries its facts."""

from __future__ import annotations

import pytest

from tapcfn import errors
from tapcfn.errors import CloudError, ConfigError, TapcfnError

CODES = {
    "TapcfnError": 1,
    "ConfigError": 2,
    "TemplateError": 2,
    "UsageError": 2,
    "BlockedError": 4,
    "StaleError": 6,
    "StillRunningError": 7,
    "NotBegunError": 7,
    "StackError": 1,
    "CloudError": 1,
    "BusyError": 1,
    "UnknownStatusError": 1,
    "LocalCloudError": 1,
}


def test_every_class_owns_the_code_of_the_frozen_table() -> None:
    """The codes are a contract, and a new class must be entered here."""
    classes = {
        name: each.exit_code
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, TapcfnError)
    }

    assert CODES == classes


@pytest.mark.parametrize("name", CODES)
def test_the_tree_at_the_top_of_the_module_is_whole(name: str) -> None:
    """The drawing names every class, with its code."""
    line = next(each for each in str(errors.__doc__).splitlines() if name in each)

    assert f" {CODES[name]} " in line


def test_a_config_error_lists_every_fault() -> None:
    """The file comes first, then all that is wrong with it."""
    error = ConfigError("prod.toml", ("account: missing", "stage: unknown key"))

    assert "prod.toml: account: missing; stage: unknown key" == str(error)
    assert ("account: missing", "stage: unknown key") == error.faults
    assert "prod.toml" == error.where


def test_a_cloud_error_carries_its_facts() -> None:
    """Code and request id are attributes, so that nobody has to read the message for them."""
    error = CloudError("network: refused", code="Throttling", request_id="r-1")

    assert ("network: refused", "Throttling", "r-1") == (str(error), error.code, error.request_id)
