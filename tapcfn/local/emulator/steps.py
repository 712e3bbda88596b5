"""How stacks are brought about: what the engine asks for, does and writes, step by step."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import changesets as _changesets
from ministack.services.cloudformation import custom_resource as _custom
from ministack.services.cloudformation import engine as _engine
from ministack.services.cloudformation import handlers as _handlers
from ministack.services.cloudformation import helpers as _helpers
from ministack.services.cloudformation import provisioners as _provisioners
from ministack.services.cloudformation import stacks as _stacks

from tapcfn.local.emulator.core import Params, parameter
from tapcfn.local.emulator.engine import change_sets, stacks

create_stack_task: Callable[..., None] = _stacks._create_stack_task_in_region


def propagate_stack_tags(resource_type: str) -> None:
    """Let the tags that a stack adds to such a group go on to what the group launches."""
    tagged = _stacks._with_stack_tags

    def with_tags(kind: str, properties: Any, *more: Any) -> Any:
        made = tagged(kind, properties, *more)
        if kind != resource_type:
            return made
        own = properties.get("Tags") or []
        added = [{**tag, "PropagateAtLaunch": True} for tag in made["Tags"] if tag not in own]
        return {**made, "Tags": [*own, *added]}

    _stacks._with_stack_tags = with_tags


def wrap_deployments(begin: Callable[[str, list[str]], None]) -> None:
    """Have `begin` told of each creation and update: the stack, and the order of its resources."""
    deploy = _stacks._deploy_stack_async

    async def deployed(
        name: str, stack_id: str, template: Any, values: Any, *more: Any, **by: Any
    ) -> None:
        begin(name, _order(template, values))
        await deploy(name, stack_id, template, values, *more, **by)

    for module in (_changesets, _handlers, _stacks):
        module._deploy_stack_async = deployed


def _order(template: dict[str, Any], values: Any) -> list[str]:
    holds = _engine._evaluate_conditions(template, values)
    try:
        return list(_engine._topological_sort(template.get("Resources", {}), holds))
    except ValueError:  # the deployment will say so
        return []


def wrap_events(wrap: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Replace the stack engine's writing of events by what `wrap` makes of it."""
    _stacks._add_event = wrap(_stacks._add_event)


def let_imports_exist() -> None:
    """Let pre-deployment validation accept the names of resources that the change set imports."""
    validate = _stacks._validation_errors

    def errors(resources: Any, ordered: Any, *more: Any) -> list[Any]:
        found = validate(resources, ordered, *more)
        if not found:
            return []
        stack_id = more[4]
        running = [each for each in change_sets().values() if each["StackId"] == stack_id]
        imported = {
            name
            for each in running
            if each["ExecutionStatus"] == "EXECUTE_IN_PROGRESS"
            for name in each.get("_import_existing", ())
        }
        return [each for each in found if each[0] not in imported]

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


def send_back_failed_updates(types: frozenset[str]) -> None:
    """Let a rollback undo what an update of these types did before it failed."""
    sends_back = _stacks._sends_back_failed_update
    _stacks._sends_back_failed_update = lambda kind: kind in types or sends_back(kind)


def snapshot_replaced() -> None:
    """Let UpdateReplacePolicy Snapshot leave a snapshot, as DeletionPolicy Snapshot does.

    The engine asks for the policy right before it deletes what was replaced.
    """
    policy_of, delete = _stacks._resource_policy, _stacks._delete_resource
    asked = ContextVar("asked", default="")

    def policy(res_def: Any, attribute: str, *more: Any) -> Any:
        found = policy_of(res_def, attribute, *more)
        asked.set(f"{attribute} {found}")
        return found

    def delete_replaced(kind: str, name: str, properties: Any, stack: str, *more: Any) -> Any:
        status = str(stacks().get(stack, {}).get("StackStatus"))
        if asked.get() == "UpdateReplacePolicy Snapshot" and "ROLLBACK" not in status:
            _provisioners._snapshot_resource(kind, name, properties)
        return delete(kind, name, properties, stack, *more)

    _stacks._resource_policy, _stacks._delete_resource = policy, delete_replaced


def hurry_custom_resources(wait: Callable[[float], float], refused: str) -> None:
    """Let a custom resource wait `wait` of its timeout once its function has ended, and say so.

    The emulator runs the function to its end before it begins to wait for the answer.
    """
    register, invoke = _custom.register_token, _custom.invoke_custom_resource

    def registered(token: str) -> Any:
        event = register(token)
        until_set = event.wait
        event.wait = lambda timeout: until_set(wait(timeout))
        return event

    def invoked(*given: Any, **named: Any) -> Any:
        try:
            return invoke(*given, **named)
        except TimeoutError as error:
            raise TimeoutError(refused) from error

    _custom.register_token, _custom.invoke_custom_resource = registered, invoked


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
