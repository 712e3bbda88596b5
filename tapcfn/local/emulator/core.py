"""What belongs to no service: whose call it is, stores, answers, and what is kept on disk."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from ministack import app as _app
from ministack.core import persistence as _persistence
from ministack.core import responses as _responses
from ministack.core import router as _router
from ministack.services import cloudformation as _cloudformation
from ministack.services.cloudformation import helpers as _helpers

Params = Mapping[str, Any]
Answer = tuple[int, Mapping[str, str], bytes]
Action = Callable[[Params], Answer]
Change = Callable[[Mapping[str, Any]], Answer]  # an action of a service with JSON requests

_OK = 200

asgi_app = _app.app
account_id: Callable[[], str] = _responses.get_account_id
region: Callable[[], str] = _responses.get_region
request_scope = _responses.request_scope
new_id: Callable[[], str] = _responses.new_uuid
json_error: Callable[[str, str, int], Answer] = _responses.error_response_json


def succeeded(answer: Answer) -> bool:
    """Tell whether an action was carried out."""
    return answer[0] == _OK


def place() -> str:
    """Return the account and Region that the current work belongs to."""
    return f"{account_id()}/{region()}"


def parameter(params: Params, name: str) -> str:
    """Return one parameter of a request in the query protocol, or an empty string."""
    return str(_helpers._p(params, name))


def add_service(name: str, prefix: str, handle: Callable[..., Any]) -> None:
    """Let the emulator know a service that it lacks, by the beginning of its action headers."""
    _router.SERVICE_PATTERNS[name] = {"target_prefixes": [prefix], "credential_scope": name}
    _app.SERVICE_HANDLERS[name] = handle


def add_store(name: str) -> MutableMapping[str, Any]:
    """Return a new store of CloudFormation's, for each account and Region its own.

    It is saved, loaded and reset with the stacks.
    """
    store = _responses.AccountRegionScopedDict()
    forget = _cloudformation.reset

    def reset() -> None:
        forget()
        store.clear()

    _cloudformation.reset = reset
    _cloudformation._PERSISTED_STORES += ((lambda: store, name),)
    return store  # type: ignore[no-any-return]


def everything_in(store: MutableMapping[str, Any]) -> list[Any]:
    """Return what a store holds in every account and Region."""
    return list(store._data.values())  # type: ignore[attr-defined]


def accounts() -> frozenset[str]:
    """Return the accounts in which any service holds anything."""
    return frozenset(key[0] for store in _stores() for key in list(store._data))


def _stores() -> Iterator[Any]:
    """Yield every store of every service that has been loaded."""
    kinds = (_responses.AccountScopedDict, _responses.AccountRegionScopedDict)
    modules = [m for name, m in list(sys.modules.items()) if name.startswith("ministack.services")]
    for module in modules:
        yield from (value for value in list(vars(module).values()) if isinstance(value, kinds))


def save() -> None:
    """Write the state of every service to disk."""
    _persistence.save_all(_app._build_persistence_save_dict())


def save_no_more() -> None:
    """Write nothing to disk from now on, not even at the end."""
    _persistence.PERSIST_STATE = False


def clear() -> None:
    """Forget everything, in memory and on disk."""
    _app._reset_all_state()


def wrap_service(name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the front door of a service that speaks JSON by what `wrap` makes of it."""
    service = importlib.import_module(f"ministack.services.{name}")
    service.handle_request = wrap(service.handle_request)  # type: ignore[attr-defined]
