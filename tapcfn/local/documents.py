"""Where a TemplateURL points: every form of the address of an S3 object is one the emulator reads.

It reads path-style addresses of its own buckets. Here a bucket in the name of the host, with or
without Region, and encoded characters in the key lead to the same object. The version that an
address may ask for is not looked at: the object is the one of now.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from tapcfn.local import emulator

_S3 = r"s3[.-](?:dualstack\.)?(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?"
_HOST = re.compile(rf"(?P<bucket>[a-z0-9][a-z0-9.-]*)\.{_S3}")


def install() -> None:
    """Let templates and stack policies be found by any address of theirs."""
    emulator.steps.rewrite_urls(path_style)


def path_style(url: str) -> str:
    """Return the address with the bucket in its path."""
    parts = urlsplit(url)
    found = _HOST.fullmatch(parts.hostname or "")
    bucket = f"/{found.group('bucket')}" if found else ""
    return f"{parts.scheme}://{parts.netloc}{bucket}{unquote(parts.path)}"
