"""A bucket for the moment: the way of a template that is too long to stand in a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tapcfn.local import calls, emulator

KEY = "template"


@asynccontextmanager
async def lent(template: str) -> AsyncIterator[str]:
    """Keep a template in a bucket of the current account as long as it is needed; give its URL."""
    bucket = f"stackset-template-{emulator.new_id()}"
    await asyncio.to_thread(_put, bucket, template)
    try:
        yield f"https://s3.amazonaws.com/{bucket}/{KEY}"
    finally:
        await asyncio.to_thread(_remove, bucket)


def _put(bucket: str, template: str) -> None:
    s3 = calls.client("s3", region="us-east-1")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=KEY, Body=template.encode())


def _remove(bucket: str) -> None:
    s3 = calls.client("s3", region="us-east-1")
    s3.delete_object(Bucket=bucket, Key=KEY)
    s3.delete_bucket(Bucket=bucket)
