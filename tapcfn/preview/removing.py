"""Change sets that nobody will carry out are removed, those of earlier runs too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor

from tapcfn.errors import TapcfnError
from tapcfn.model import Target
from tapcfn.ports import Cloud, Ledger
from tapcfn.preview.answers import Preview, Previewed
from tapcfn.preview.pooled import each_of
from tapcfn.preview.staging import discard


def discard_all(
    previews: Iterable[Preview], cloud: Cloud, ledger: Ledger, pool: Executor
) -> tuple[TapcfnError, ...]:
    """Remove everything that previews staged; return what could not be removed."""

    def remove(each: Previewed) -> TapcfnError | None:
        try:
            discard(each.staged, each.step.stack.target, cloud, ledger)
        except TapcfnError as error:
            return error
        return None

    staged = [each for each in previews if isinstance(each, Previewed)]
    return tuple(error for error in each_of(pool, remove, staged) if error is not None)


def withdraw(
    staged: Mapping[str, tuple[Target, str]],
    previews: Iterable[Preview],
    cloud: Cloud,
    ledger: Ledger,
    pool: Executor,
) -> tuple[str, ...]:
    """Remove change sets that earlier runs left and nobody wants now; tell what was found. (X-5)

    `staged` has their stacks by token. What could not be removed is told, and is tried again.
    """
    wanted = {each.staged.token for each in previews if isinstance(each, Previewed)}

    def remove(left: tuple[str, tuple[Target, str]]) -> str:
        token, (target, stack) = left
        try:
            there = cloud.withdraw(stack, target, token)
        except TapcfnError as error:
            return f"left behind: {error}"
        ledger.ended(token)
        return f"{stack}: a change set that an earlier run left was removed" if there else ""

    left = sorted(each for each in staged.items() if each[0] not in wanted)
    return tuple(text for text in each_of(pool, remove, left) if text)
