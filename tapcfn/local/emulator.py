"""The one module that knows the emulator's inside; everything else asks this one.

Each private name of ministack that the local cloud uses is imported here and nowhere else, and
`tests/local/test_emulator_contract.py` states what each must look like, so that raising the pin
fails there and not in a rollout.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextvars import Context
from typing import Any

from ministack import app as _app
from ministack.core import lambda_runtime as _lambda_runtime
from ministack.core import persistence as _persistence
from ministack.core import responses as _responses
from ministack.services import cloudformation as _cloudformation
from ministack.services import cloudwatch_logs as _logs
from ministack.services import ec2 as _ec2
from ministack.services import s3 as _s3
from ministack.services.cloudformation import changesets as _changesets
from ministack.services.cloudformation import engine as _engine
from ministack.services.cloudformation import handlers as _handlers
from ministack.services.cloudformation import helpers as _helpers
from ministack.services.cloudformation import provisioners as _provisioners
from ministack.services.cloudformation import stacks as _stacks

Params = Mapping[str, Any]
Answer = tuple[int, Mapping[str, str], bytes]
Action = Callable[[Params], Answer]

# The tables that the emulator reads at every call: what is put in is used from then on.
RESOURCE_HANDLERS: MutableMapping[str, dict[str, Any]] = _provisioners._RESOURCE_HANDLERS
REPLACING_PROPERTIES: MutableMapping[str, tuple[str, ...]] = _provisioners._REPLACING_PROPERTIES
CONDITIONALLY_REPLACING: MutableMapping[str, tuple[str, ...]] = (
    _provisioners._CONDITIONALLY_REPLACING_PROPERTIES
)
STACK_TAG_PROPERTY: MutableMapping[str, tuple[str, str]] = _provisioners._STACK_TAG_PROPERTY
ACTIONS: MutableMapping[str, Action] = _handlers._ACTION_HANDLERS
EC2_ACTIONS: MutableMapping[str, Action] = _ec2._ACTION_MAP

_OK = 200
_WRITE_EVENT: Callable[..., None] = _stacks._add_event
_FIND_STACK = _handlers._resolve_stack
_NATIVE = {resource_type: dict(handler) for resource_type, handler in RESOURCE_HANDLERS.items()}

asgi_app = _app.app
account_id: Callable[[], str] = _responses.get_account_id
region: Callable[[], str] = _responses.get_region
request_scope = _responses.request_scope
new_id: Callable[[], str] = _responses.new_uuid
physical_name: Callable[..., str] = _provisioners._physical_name
parse_template: Callable[[str], dict[str, Any]] = _engine._parse_template
apply_transforms: Callable[..., dict[str, Any]] = _engine._apply_transforms
extract_members: Callable[[Params, str], list[dict[str, str]]] = _helpers._extract_members
extract_strings: Callable[[Params, str], list[str]] = _helpers._extract_string_members
resolve_template: Callable[[Params], tuple[str, Answer | None]] = _helpers._resolve_template
error: Callable[..., Answer] = _helpers._error
json_error: Callable[[str, str, int], Answer] = _responses.error_response_json
ec2_error: Callable[[str, str, int], Answer] = _ec2._error
find_change_set: Callable[..., tuple[str | None, dict[str, Any] | None]] = (
    _changesets._find_change_set
)
create_stack_task: Callable[..., None] = _stacks._create_stack_task_in_region


def conditions(params: Params, template: dict[str, Any], previous: Any) -> dict[str, bool]:
    """Return which of a template's conditions hold for the request's parameters."""
    given = _engine._resolve_parameters(template, extract_members(params, "Parameters"), previous)
    return dict(_engine._evaluate_conditions(template, given))


def resolve_stack(name: str) -> dict[str, Any] | None:
    """Return the stack of a name or an id, or None; the id of the present one is found at once."""
    current = stacks().get(name.split("/")[1]) if name.startswith("arn:") and "/" in name else None
    if current is not None and current["StackId"] == name:
        return current
    found: dict[str, Any] | None = _FIND_STACK(name)
    return found


def find_stacks_faster() -> None:
    """Let the emulator find stacks by their ids as quickly as by their names."""
    _handlers._resolve_stack = resolve_stack


def holding(template: dict[str, Any], resolved: Any) -> dict[str, bool]:
    """Return which of a template's conditions hold for resolved parameters."""
    return dict(_engine._evaluate_conditions(template, resolved))


def resolved(value: Any, template: Mapping[str, Any], stack: Mapping[str, Any]) -> Any:
    """Return a part of a template with its functions replaced by what they come to.

    `stack` holds the resources, parameters and conditions that count, under the engine's names.
    """
    found = _engine._resolve_refs(
        copy.deepcopy(value),
        *(stack["_resources"], stack["_resolved_params"], stack["_conditions"]),
        *(template.get("Mappings", {}), stack["StackName"], stack["StackId"]),
    )
    return None if found is _engine._NO_VALUE else found


def is_replaced(resource_type: str, before: Any, after: Any) -> bool:
    """Tell whether such a change makes a new resource."""
    return bool(_provisioners._replacing_change(resource_type, before, after))


def succeeded(answer: Answer) -> bool:
    """Tell whether an action was carried out."""
    return answer[0] == _OK


def place() -> str:
    """Return the account and Region that the current work belongs to."""
    return f"{account_id()}/{region()}"


def native(resource_type: str) -> dict[str, Any]:
    """Return the emulator's own handler of a type, empty if it has none."""
    return dict(_NATIVE.get(resource_type, {}))


def fresh_name(stack: str, logical_id: str, **shape: Any) -> str:
    """Return a made-up name, a new one for each resource, as CloudFormation does.

    The engine keeps the seed with the resource, so that a later call draws the same name.
    """
    if not _provisioners._NAME_SEED.get():
        _provisioners._NAME_SEED.set(new_id()[:8])
    return physical_name(stack, logical_id, **shape)


def keep_name_seed(context: Context) -> None:
    """Take over the name seed that a handler drew in another context."""
    if _provisioners._NAME_SEED in context:
        _provisioners._NAME_SEED.set(context[_provisioners._NAME_SEED])


def bucket_is_taken(name: str) -> bool:
    """Tell whether any account has a bucket of that name."""
    return _s3._bucket_owner_account(name) is not None


def put_bucket_notifications(name: str, wanted: Any) -> None:
    """Set or, with None, clear a bucket's notifications."""
    _provisioners._s3_apply_notification(name, wanted or {})


def ec2_store(name: str) -> MutableMapping[str, dict[str, Any]]:
    """Return one of EC2's stores, as the current account and Region see it."""
    return getattr(_ec2, name)  # type: ignore[no-any-return]


def log_groups() -> MutableMapping[str, dict[str, Any]]:
    """Return the log groups of the current account and Region."""
    return _logs._log_groups  # type: ignore[no-any-return]


def wrap_logs(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the front door of CloudWatch Logs by what `wrap` makes of it."""
    _logs.handle_request = wrap(_logs.handle_request)


def parameter(params: Params, name: str) -> str:
    """Return one parameter of a request in the query protocol, or an empty string."""
    return str(_helpers._p(params, name))


def stacks() -> MutableMapping[str, dict[str, Any]]:
    """Return the stacks of the account and Region of the current request, by name."""
    return _cloudformation._stacks  # type: ignore[no-any-return]


def stack_events() -> MutableMapping[str, list[dict[str, Any]]]:
    """Return the events of the account and Region of the current request, by stack id."""
    return _cloudformation._stack_events  # type: ignore[no-any-return]


def change_sets() -> MutableMapping[str, dict[str, Any]]:
    """Return the change sets of the account and Region of the current request, by id."""
    return _cloudformation._change_sets  # type: ignore[no-any-return]


def exports() -> MutableMapping[str, dict[str, Any]]:
    """Return the exports of the account and Region of the current request, by name."""
    return _cloudformation._exports  # type: ignore[no-any-return]


def imported_names(stack: Mapping[str, Any]) -> set[str]:
    """Return the names of the exports that a stack's template imports."""
    return set(_handlers._imported_export_names(stack, stack["StackName"]))


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


def every_stack() -> list[tuple[str, str, dict[str, Any]]]:
    """Return (account, Region, stack) of every stack there is."""
    return [(key[0], key[1], stack) for key, stack in list(_cloudformation._stacks._data.items())]


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


def clear() -> None:
    """Forget everything, in memory and on disk."""
    _app._reset_all_state()


def add_event(stack: Mapping[str, Any], status: str, reason: str) -> None:
    """Record an event of the stack itself."""
    name, identifier = stack["StackName"], stack["StackId"]
    _stacks._add_event(
        identifier, name, name, "AWS::CloudFormation::Stack", status, reason, identifier
    )


def write_event(
    stack: Mapping[str, Any],
    logical_id: str,
    resource_type: str,
    status: str,
    physical_id: str,
    reason: str = "",
) -> None:
    """Record an event of one of the stack's resources, as it is."""
    _WRITE_EVENT(
        *(stack["StackId"], stack["StackName"], logical_id, resource_type, status, reason),
        physical_id=physical_id,
    )


def wrap_events(wrap: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Replace the stack engine's writing of events by what `wrap` makes of it."""
    _stacks._add_event = wrap(_stacks._add_event)


def let_imports_exist() -> None:
    """Let pre-deployment validation accept the names of resources that the change set imports."""
    validate = _stacks._validation_errors

    def errors(resources: Any, ordered: Any, *more: Any) -> list[Any]:
        stack_id = more[4]
        running = [each for each in change_sets().values() if each["StackId"] == stack_id]
        imported = {
            name
            for each in running
            if each["ExecutionStatus"] == "EXECUTE_IN_PROGRESS"
            for name in each.get("_import_existing", ())
        }
        return [found for found in validate(resources, ordered, *more) if found[0] not in imported]

    _stacks._validation_errors = errors


def validate_also(find: Callable[..., list[tuple[str, str, str, str, str]]]) -> None:
    """Let pre-deployment validation find more.

    `find` takes the resources, the names of those to deploy and the conditions, and returns
    (logical id, type, name of the check, path, reason) of each fault.
    """
    validate = _stacks._validation_errors

    def errors(resources: Any, ordered: Any, params: Any, holds: Any, *more: Any) -> list[Any]:
        found = find(resources, ordered, holds)
        return [*validate(resources, ordered, params, holds, *more), *found]

    _stacks._validation_errors = errors


def name_operations(current: Callable[[str], str]) -> None:
    """Let the findings of validation carry the operation that the stack is in, by its id."""
    make = _stacks._operation_event

    def event(stack_id: str, operation_id: str, *more: Any, **fields: Any) -> Any:
        return make(stack_id, current(stack_id) or operation_id, *more, **fields)

    _stacks._operation_event = event


def wrap_outputs(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the making of outputs, the last step before anything is deleted, by `wrap` of it."""
    _stacks._resolve_stack_outputs = wrap(_stacks._resolve_stack_outputs)


def word_values(word: Callable[[ValueError], ValueError]) -> None:
    """Let `word` say otherwise why a property of a resource has no value."""
    resolve = _stacks._resolve_refs

    def resolve_refs(*given: Any) -> Any:
        try:
            return resolve(*given)
        except ValueError as error:
            raise word(error) from error

    _stacks._resolve_refs = resolve_refs


def rewrite_urls(rewrite: Callable[[str], str]) -> None:
    """Let `rewrite` say where the documents that requests name by URL really are."""
    fetch = _helpers._resolve_document

    def resolve(params: Params, body: str, url: str, label: str) -> Any:
        wanted = parameter(params, url)
        found = {**params, url: [rewrite(wanted)]} if wanted else params
        return fetch(found, body, url, label)

    _helpers._resolve_document = resolve


def let_functions_import(folder: str) -> None:
    """Let Python functions find modules in a folder, after their own code."""
    path = f"import sys; sys.path.append({folder!r})\n"
    _lambda_runtime._PYTHON_WORKER_SCRIPT = path + _lambda_runtime._PYTHON_WORKER_SCRIPT


def send_back_failed_updates(types: frozenset[str]) -> None:
    """Let a rollback undo what an update of these types did before it failed."""
    sends_back = _stacks._sends_back_failed_update
    _stacks._sends_back_failed_update = lambda kind: kind in types or sends_back(kind)


def run_on_threads() -> Callable[[str], bool]:
    """Let every resource operation run on a thread of its own, where it may wait and call.

    Returns the emulator's own opinion of which types need a thread.
    """
    needs_thread: Callable[[str], bool] = _stacks._runs_on_worker_thread
    _stacks._runs_on_worker_thread = lambda _: True
    return needs_thread


def wrap_operations(wrap: Callable[[str, Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the stack engine's create, update and delete by what `wrap` makes of them."""
    _stacks._provision_resource = wrap("create", _stacks._provision_resource)
    _stacks._update_resource = wrap("update", _stacks._update_resource)
    _stacks._delete_resource = wrap("delete", _stacks._delete_resource)
