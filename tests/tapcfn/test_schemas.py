"""The provider schemas, as the package that brings them reads them itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tapcfn import schemas

KINDS = ["AWS::EC2::VPC", "AWS::KMS::Key", "AWS::RDS::DBInstance", "AWS::S3::Bucket"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_the_one_that_the_linter_uses(kind: str) -> None:
    """Read past the package, it must say the same of what is created, changed and replaced."""
    theirs = PROVIDER_SCHEMA_MANAGER.get_resource_schema(schemas.REGION, kind).schema

    for key in ("createOnlyProperties", "conditionalCreateOnlyProperties", "primaryIdentifier"):
        assert schemas.schema(kind).get(key) == theirs.get(key)


def test_custom_resources_share_a_schema_and_strangers_have_none() -> None:
    assert schemas.schema("Custom::Thing") == schemas.schema(schemas.CUSTOM) != {}
    assert schemas.schema("Somebody::Elses::Type") == {}


def test_a_region_has_its_types_or_is_unknown() -> None:
    """A Region without a list is no Region without types."""
    assert "AWS::S3::Bucket" in (schemas.types("eu-north-1") or ())
    assert schemas.types("xx-nowhere-1") is None


def test_the_linter_itself_is_not_imported() -> None:
    """It would cost a second at every plan."""
    code = (
        "import sys; from tapcfn.replacement import effect; "
        "effect('AWS::EC2::VPC', ('CidrBlock',)); assert 'cfnlint' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
