"""What more than one system asks of its settings: names that fit, and Regions that differ. (C-2)

Each returns the value that it was asked about, as a validator does, and raises `ValueError` for one
that will not do.
"""

from __future__ import annotations

import re

from pydantic import ValidationInfo

MAX_BUCKET_NAME = 63
ACCOUNT_DIGITS = 12

# Beginnings that S3 keeps for itself.
OF_S3 = ("sthree-", "amzn-s3-demo-")


def start_of_names(
    name: str, *, of: str = "buckets", reserved: tuple[str, ...] = OF_S3, prefix: str = ""
) -> str:
    """Refuse what can't start the names `of` something, or begins as AWS's own do.

    `prefix` is how the names really begin, where that is not the whole of `name`.
    """
    if not re.fullmatch(r"[a-z](-?[a-z0-9])*", name):
        raise ValueError(f"cannot start the names of {of}")
    for start in reserved:
        if f"{prefix or name}-".startswith(start):
            raise ValueError(f'AWS reserves names that start with "{start}"')
    return name


def fits_bucket_names(name: str, longest: int) -> str:
    """Refuse a name whose longest bucket name has too many characters: `longest`."""
    if (excess := longest - MAX_BUCKET_NAME) > 0:
        raise ValueError(
            f"makes a bucket name of {longest} characters, and S3 takes {MAX_BUCKET_NAME}; "
            f"name may have at most {len(name) - excess} characters here"
        )
    return name


def other_region(region: str, info: ValidationInfo, key: str, why: str) -> str:
    """Refuse the Region that another key names already."""
    if region == info.data.get(key):
        raise ValueError(why)
    return region
