"""Read all pages of a list, or fail: nothing is decided on a part of it. (DC-5)"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from tapcfn.aws.calls import code_of
from tapcfn.errors import CloudError

Answer = Mapping[str, Any]
T = TypeVar("T")

# What services say to a page token that they no longer know; how often a list is begun.
_TOKEN_IS_OVER = frozenset({"InvalidInput", "InvalidNextToken", "ValidationError"})
_ROUNDS = 3


class TokenOverError(ClientError):  # type: ignore[misc]
    """A later page was refused, and the first one was not."""


def rows(ask: Callable[..., Answer], key: str, *, most: int) -> list[Answer]:
    """Return the rows of all pages, `most` on each; begin again where a page token ran out. (X-21)

    botocore has no paginator for some lists, and none that begins again.
    """
    return whole(lambda: list(_drained(ask, key, most)))


def whole(read: Callable[[], T]) -> T:
    """Return what is made of all pages; begin again, from nothing, where a token ran out. (X-21)"""
    for _ in range(_ROUNDS - 1):
        with suppress(TokenOverError):
            return read()
    return read()


def pages(client: Any, operation: str, **request: Any) -> Iterator[Answer]:
    """Yield the pages of a list that botocore knows; to be read inside `whole`."""
    begun = False
    try:
        for page in client.get_paginator(operation).paginate(**request):
            begun = True
            yield page
    except ClientError as error:
        if begun and code_of(error) in _TOKEN_IS_OVER:
            raise TokenOverError(error.response, error.operation_name) from error
        raise


def _drained(ask: Callable[..., Answer], key: str, most: int) -> Iterator[Answer]:
    token: dict[str, str] = {}
    while True:
        page = _page(ask, most, token)
        yield from page.get(key, ())
        following = page.get("NextToken")
        if not following:
            return
        if {"NextToken": following} == token:
            raise CloudError(f"{key}: a page leads to itself (the same next token twice)")
        token = {"NextToken": following}


def _page(ask: Callable[..., Answer], most: int, token: Mapping[str, str]) -> Answer:
    try:
        return ask(MaxResults=most, **token)
    except ClientError as error:
        if token and code_of(error) in _TOKEN_IS_OVER:
            raise TokenOverError(error.response, error.operation_name) from error
        raise
