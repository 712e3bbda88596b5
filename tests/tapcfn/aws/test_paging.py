"""Lists are read to their end, or not at all."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tapcfn.aws.paging import rows
from tapcfn.errors import CloudError


class Pages:
    """A list that answers page by page; a page may be a refusal's code."""

    def __init__(self, *pages):
        self.pages = list(pages)
        self.asked = []

    def __call__(self, **request):
        self.asked.append(request)
        page = self.pages.pop(0)
        if isinstance(page, str):
            raise ClientError({"Error": {"Code": page, "Message": "no"}}, "ListThings")
        return page


def test_every_page_is_asked_for():
    """An empty one too, and one without the key."""
    pages = Pages({"Rows": [1], "NextToken": "b"}, {"NextToken": "c"}, {"Rows": [2]})

    assert [1, 2] == rows(pages, "Rows", most=9)
    assert [
        {"MaxResults": 9},
        {"MaxResults": 9, "NextToken": "b"},
        {"MaxResults": 9, "NextToken": "c"},
    ] == pages.asked


@pytest.mark.parametrize("code", ["ValidationError", "InvalidInputException"])
def test_a_token_that_ran_out_begins_the_list_again(code):
    """What was read before does not count twice. (X-21)"""
    first = {"Rows": [1], "NextToken": "b"}
    pages = Pages(first, code, first, {"Rows": [2]})

    assert [1, 2] == rows(pages, "Rows", most=9)


def test_a_token_that_always_runs_out_ends_it():
    """The third time it is told."""
    pages = Pages(*[{"Rows": [1], "NextToken": "b"}, "ValidationError"] * 4)

    with pytest.raises(ClientError, match="ValidationError"):
        rows(pages, "Rows", most=9)

    assert 6 == len(pages.asked)


@pytest.mark.parametrize(
    "pages", [["ValidationError"], [{"Rows": [1], "NextToken": "b"}, "AccessDenied"]]
)
def test_another_refusal_is_told_at_once(pages):
    """Of the first page, or of what is no token's fault."""
    asked = Pages(*pages)

    with pytest.raises(ClientError):
        rows(asked, "Rows", most=9)

    assert len(pages) == len(asked.asked)


def test_a_page_that_leads_to_itself_is_told():
    """It would never end."""
    page = {"Rows": [1], "NextToken": "b"}

    with pytest.raises(CloudError, match="same next token"):
        rows(Pages(page, page, page), "Rows", most=9)
