"""Each page that leads somebody by the hand is walked through, command by command, as written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.local_cloud import Aws
from tests.pages import DOCS, ROOT
from tests.walks import Reader, surroundings

pytestmark = pytest.mark.drill

PROGRAMS = Path(sys.executable).parent
GUIDES = DOCS / "how-to"
ACCOUNT = "111122223333"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody in an empty folder, who has installed tapcfn."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    someone = Reader(work, surroundings(home, PROGRAMS))
    yield someone
    stop = [str(PROGRAMS / "tapcfn"), "local", "stop"]
    subprocess.run(stop, cwd=work, env=dict(someone.environment), check=True, timeout=60)


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Aws]:
    """An account of AWS, played by a local cloud elsewhere that nobody is told of."""
    (tmp_path / "aws").mkdir()
    cloud = server.start(tmp_path / "aws", speed=0)
    yield Aws(cloud.url, ACCOUNT)
    server.stop(tmp_path / "aws", settle=0)


@pytest.fixture
def customer(reader: Reader, aws: Aws) -> Reader:
    """Somebody who has credentials for that account, and an AWS configuration that leads there."""
    file = Path(reader.environment["HOME"]) / "config"
    file.write_text(f"[default]\nendpoint_url = {aws.url}\ns3 =\n  addressing_style = path\n")
    keys = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "secret"}
    files = {"AWS_CONFIG_FILE": str(file), "AWS_SHARED_CREDENTIALS_FILE": str(file) + ".none"}
    reader.environment = {**reader.environment, **keys, **files}
    return reader


def check_out(folder: Path) -> None:
    """Copy what git has of this tree."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)


def test_the_tutorial(reader: Reader):
    """Deploy, change, fail, recover, destroy: in an empty folder, with nothing but the command."""
    assert reader.follow(DOCS / "tutorial.md") > 10


def test_recovering(reader: Reader):
    """Each state that a stack can be left in, made by a fault, and the way out of it."""
    assert reader.follow(GUIDES / "recover.md") > 30


def test_a_blueprint_of_ones_own(reader: Reader):
    """In an empty folder; what the page has is what is deployed."""
    assert reader.follow(GUIDES / "own-blueprint.md") > 5


def test_templates_of_ones_own(customer: Reader, aws: Aws):
    """In an empty folder; what is kept at the end is what the page says: the buckets."""
    assert customer.follow(GUIDES / "own-templates.md") > 5
    assert 2 == len(aws.client("s3").list_buckets()["Buckets"])


def test_a_first_deployment(customer: Reader):
    """From a fresh checkout to the last stack."""
    check_out(customer.folder)
    assert customer.follow(GUIDES / "first-deployment.md") > 8


def test_an_organization(customer: Reader, aws: Aws):
    """Three accounts in a unit, and StackSets let in; the unit's id is the reader's own."""
    org = aws.client("organizations")
    org.create_organization()
    root = org.list_roots()["Roots"][0]["Id"]
    unit = org.create_organizational_unit(ParentId=root, Name="apps")["OrganizationalUnit"]["Id"]
    for name in ("a", "b", "c"):
        made = org.create_account(Email=f"{name}@example.com", AccountName=name)
        account = made["CreateAccountStatus"]["AccountId"]
        org.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
    aws.client("cloudformation").activate_organizations_access()
    customer.instead = {"ou-ab12-c3d4e5f6": unit}

    assert customer.follow(GUIDES / "organization.md") > 8


def test_a_migration(reader: Reader):
    """From a fresh checkout, over the point of no return."""
    check_out(reader.folder)
    assert reader.follow(GUIDES / "migrate.md") > 10


def test_no_guide_is_left_out():
    """A guide that nobody walks through is a guide that nobody has tried."""
    text = Path(__file__).read_text(encoding="utf-8")

    assert [] == [page.name for page in sorted(GUIDES.glob("*.md")) if f'"{page.name}"' not in text]
