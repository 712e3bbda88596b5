"""The tags that a system puts on everything that takes tags."""

from __future__ import annotations

from collections.abc import Mapping

from troposphere import Tags

from templates.layers._values import Value


def tagged(tags: Mapping[str, str], name: Value = "") -> Tags:
    """Return new `Tags`, with a Name where there is one.

    New each time: troposphere changes the right-hand side of a `+`.
    """
    return Tags(dict(tags) | ({"Name": name} if name else {}))
