"""Accounts of organizational units from a file, and which of them a set means. (D-11)"""

from __future__ import annotations

from pathlib import Path

import pytest

from tapcfn.errors import ConfigError
from tapcfn.model import Member, Organization
from tapcfn.stack_sets.members import Listed, members_of, read_accounts, units_without_accounts

ONE, TWO, THREE = "000000000001", "222222222222", "333333333333"
APPS, INNER, OTHER = "ou-ab12-aaaaaaaa", "ou-ab12-bbbbbbbb", "ou-ab12-cccccccc"

CSV = f"""account,ou,name,status
{TWO},{APPS}/{INNER},payments,SUSPENDED
{ONE},{APPS},,
{THREE},{OTHER},,ACTIVE
"""
LISTED = (
    Listed(ONE, (APPS,)),
    Listed(TWO, (APPS, INNER), suspended=True, name="payments"),
    Listed(THREE, (OTHER,)),
)


def read(folder: Path, text: str, ending: str = "csv") -> tuple[Listed, ...]:
    path = folder / f"accounts.{ending}"
    path.write_text(text)
    return read_accounts(path)


def test_accounts_are_read_with_their_units(tmp_path: Path) -> None:
    """Each format says the same; leading zeros stay."""
    json_text = f'[{{"account": "{ONE}", "ou": "{APPS}"}}]'
    toml_text = f'[[accounts]]\naccount = "{ONE}"\nou = "{APPS}"\n'

    assert read(tmp_path, CSV) == LISTED
    assert read(tmp_path, json_text, "json") == LISTED[:1]
    assert read(tmp_path, toml_text, "toml") == LISTED[:1]


@pytest.mark.parametrize(
    ("units", "accounts"),
    [
        ((APPS,), [ONE, TWO]),
        ((INNER,), [TWO]),
        ((INNER, OTHER), [TWO, THREE]),
        (("r-ab12",), [ONE, TWO, THREE]),
    ],
)
def test_a_unit_has_the_accounts_of_the_units_in_it(
    units: tuple[str, ...], accounts: list[str]
) -> None:
    """As far as the file says which those are; a root has all of them."""
    found = members_of(Organization(units, ("us-east-1",)), LISTED)

    assert accounts == [each.account for each in found]


def test_a_member_stands_in_the_innermost_unit() -> None:
    """And keeps its name, and that it is suspended."""
    (found,) = members_of(Organization((INNER,), ("us-east-1",)), LISTED)

    assert found == Member(TWO, INNER, suspended=True, name="payments")


def test_accounts_of_another_root_are_not_those_of_this_one() -> None:
    """Where the file says from which root an account's way begins."""
    listed = (Listed(ONE, ("r-ab12", APPS)), Listed(TWO, ("r-cd34", OTHER)))

    (found,) = members_of(Organization(("r-ab12",), ("us-east-1",)), listed)

    assert found.account == ONE


def test_a_unit_without_accounts_is_named() -> None:
    """A file that says nothing of a unit may be the wrong file."""
    wanted = Organization((APPS, "ou-ab12-dddddddd"), ("us-east-1",))

    assert units_without_accounts(wanted, LISTED) == ("ou-ab12-dddddddd",)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (f"account,ou\n{ONE},{APPS}\n{ONE},{OTHER}\n", ["line 3: account 000000000001", "twice"]),
        (f"account,ou\n1,{APPS}\n", ["line 2", "account"]),
        (f"account,ou\n{ONE},apps\n", ['line 2: ou = "apps"', "ou-ab12-c3d4e5f6"]),
        (f"account,ou,status\n{ONE},{APPS},GONE\n", ['status = "GONE"', "PENDING_CLOSURE"]),
        (f"account,ou,mail\n{ONE},{APPS},x\n", ["mail: unknown key", "name, status"]),
        ("account,unit\n", ["line 1", "account,ou"]),
        ("account,ou\n", ["at least 1"]),
    ],
)
def test_faults_say_where_and_what_would_be_right(
    tmp_path: Path, text: str, faults: list[str]
) -> None:
    """The line, the key, the value, and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)

    assert [] == [each for each in faults if each not in str(caught.value)]
