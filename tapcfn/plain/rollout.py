"""From a folder of templates to a rollout: every fault of the wiring is named at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tapcfn import config
from tapcfn.errors import ConfigError, UsageError
from tapcfn.model import (
    STATEFUL,
    OutputOf,
    ParameterValue,
    Phase,
    Rollout,
    Snapshot,
    Stack,
    StackSet,
    Target,
    TemplateBody,
)
from tapcfn.nearest import hint
from tapcfn.plain.settings import FILE, PlainSet, Settings, StackSettings, Wire
from tapcfn.plain.templates import TemplateFault, keeping, load
from tapcfn.plan import plan

# What a folder without the file is told to put into it.
EXAMPLE = """
  [stacks.network]
  template = "network.yaml"
  region = "us-east-1\""""


@dataclass(frozen=True, slots=True)
class Plain:
    """A folder of templates: its TOML, the settings in it, and the rollout that they make."""

    file: Path
    settings: Settings
    rollout: Rollout


def read(place: Path) -> Plain:
    """Read a folder with a `tapcfn.toml`, or a TOML file beside templates.

    Raises `ConfigError` with every fault, `TemplateError` where stacks need each other in a
    circle, and `UsageError` where there is no such file.
    """
    file = file_of(place)
    if not file.is_file():
        there = hint(place.name, _beside(place)) if not place.exists() else ""
        what = "it names" if file.suffix == ".toml" else f"a {FILE} there names"
        raise UsageError(
            f"{file}: does not exist{there}; {what} the stacks of a folder of templates, "
            f"such as{EXAMPLE}"
        )
    settings = config.load(file, Settings)
    rollout = _Wiring(file, settings).rollout()
    plan(rollout, Snapshot())
    return Plain(file, settings, rollout)


def _beside(place: Path) -> list[str]:
    """Return the folders of templates that lie where one was looked for."""
    return [path.parent.name for path in place.parent.glob(f"*/{FILE}")]


def file_of(place: Path) -> Path:
    """Return the TOML file that a folder, or the file itself, stands for."""
    return place / FILE if place.is_dir() else place


def name_of(file: Path) -> str:
    """Return what a file's rollout is called: as its folder, or as the file if that has a name."""
    return file.resolve().parent.name if file.name == FILE else file.stem


class _Wiring:
    """The stacks of one file, by their keys and Regions, and what is wrong with them."""

    def __init__(self, file: Path, settings: Settings) -> None:
        self._file, self._settings = file, settings
        self._faults: list[str] = []
        self._bodies = self._templates()
        self._places = {
            (key, region): self._name(key, stack, region)
            for key, stack in settings.stacks.items()
            for region in self._regions(key, stack)
        }

    def rollout(self) -> Rollout:
        """Return the rollout; raise `ConfigError` if anything contradicts anything."""
        phases: dict[str, list[Stack]] = {}
        for (key, region), name in self._places.items():
            wanted = self._settings.stacks[key]
            if key in self._bodies:
                phases.setdefault(wanted.phase, []).append(self._stack(key, region, name))
        sets: dict[str, list[StackSet]] = {}
        for key, asked in self._settings.stack_sets.items():
            if made := self._stack_set(key, asked):
                phases.setdefault(asked.phase, [])
                sets.setdefault(asked.phase, []).append(made)
        outputs = self._outputs()
        if self._faults:
            raise ConfigError(str(self._file), tuple(dict.fromkeys(self._faults)))
        return Rollout(
            self._called,
            self._settings.stage,
            tuple(
                Phase(name, tuple(stacks), tuple(sets.get(name, ())))
                for name, stacks in phases.items()
            ),
            outputs,
        )

    @property
    def _called(self) -> str:
        """What stands in a blueprint's place: the name of the folder, or of another file."""
        return name_of(self._file)

    def _marks(self) -> Mapping[str, str]:
        """Return the tags by which stacks are known again from any machine, where wanted."""
        if not self._settings.mark:
            return {}
        return {"tapcfn:blueprint": self._called, "tapcfn:stage": self._settings.stage}

    # Templates and places ------------------------------------------------------------------------

    def _templates(self) -> Mapping[str, TemplateBody]:
        """Return the template of each stack that has one, each file read once."""
        bodies: dict[str, TemplateBody] = {}
        found: dict[str, TemplateBody] = {}
        units: dict[str, StackSettings | PlainSet] = {
            **self._settings.stacks,
            **self._settings.stack_sets,
        }
        for key, stack in units.items():
            path = self._file.parent / stack.template
            if not path.is_file():
                self._complain(key, f'template = "{stack.template}"', self._no_file())
                continue
            try:
                body = bodies.get(stack.template) or load(path, _layer(stack.template))
            except TemplateFault as fault:
                self._faults.append(str(fault))
                continue
            bodies[stack.template] = body
            found[key] = keeping(body) if self._settings.keep_data else body
        return found

    def _no_file(self) -> str:
        endings = {".yaml", ".yml", ".json", ".template"}
        there = sorted(path.name for path in self._file.parent.iterdir() if path.suffix in endings)
        return f"no such file; there are: {', '.join(there) or 'none'}"

    def _regions(self, key: str, stack: StackSettings) -> tuple[str, ...]:
        if stack.regions:
            return stack.regions
        region = stack.region or self._settings.region
        if region is None:
            self._complain(key, "region", "missing, and there is no region for all stacks")
        return (region,) if region else ()

    def _name(self, key: str, stack: StackSettings, region: str) -> str:
        several = f"{key}-{region}" if stack.regions else key
        return (stack.name or several).replace("{region}", region)

    # Stacks --------------------------------------------------------------------------------------

    def _stack(self, key: str, region: str, name: str) -> Stack:
        wanted, body = self._settings.stacks[key], self._bodies[key]
        protect = wanted.protect
        if protect is None:
            holds_data = bool(STATEFUL & set(body.resources.values()))
            protect = self._settings.termination_protection and holds_data
        return Stack(
            name,
            Target(wanted.account or self._settings.account_id, region),
            body,
            self._parameters(key, wanted, region),
            {**self._settings.tags, **wanted.tags, **self._marks()},
            protect,
            self._settings.keep_data,
        )

    def _stack_set(self, key: str, wanted: PlainSet) -> StackSet | None:
        """Return a stack set; None, and faults, where it contradicts itself."""
        region = wanted.region or self._settings.region
        if region is None:
            self._complain(key, "region", "missing, and there is no region for all stacks")
        if region is None or key not in self._bodies:
            return None
        told = self._parameters(key, wanted, region)
        home = Target(wanted.account or self._settings.account_id, region)
        tags = {**self._settings.tags, **wanted.tags, **self._marks()}
        try:
            return wanted.stack_set(
                wanted.name or key, home, self._bodies[key], told, tags, self._file.parent
            )
        except ConfigError as error:
            self._faults += [f"stack_sets.{key}: {each}" for each in error.faults]
            return None

    def _parameters(
        self, key: str, wanted: StackSettings | PlainSet, region: str
    ) -> Mapping[str, ParameterValue]:
        declared = self._bodies[key].parameters
        values: dict[str, ParameterValue] = {}
        for parameter, value in wanted.parameters.items():
            where = f"parameters.{parameter}"
            if parameter not in declared:
                self._complain(key, where, f"no such parameter{_nearest(parameter, declared)}")
            elif isinstance(value, Wire):
                if found := self._wired(f"stacks.{key}.{where}", value, region):
                    values[parameter] = found
            else:
                values[parameter] = value
        for parameter, declaration in declared.items():
            if "Default" in declaration or parameter in wanted.parameters:
                continue
            if isinstance(wanted, StackSettings):  # a set may tell each pair its own
                self._complain(
                    key,
                    f"parameters.{parameter}",
                    f"missing: {wanted.template} wants a {declaration['Type']} without a default",
                )
        return values

    # Wires ---------------------------------------------------------------------------------------

    def _outputs(self) -> Mapping[str, OutputOf]:
        """Return the outputs that people ask for: the named ones, or all."""
        if not self._settings.outputs:
            return {
                f"{name}.{output}": OutputOf(name, output)
                for (key, _), name in self._places.items()
                if key in self._bodies
                for output in sorted(self._bodies[key].outputs)
            }
        return {
            name: found
            for name, wire in self._settings.outputs.items()
            if (found := self._wired(f"outputs.{name}", wire, None))
        }

    def _wired(self, where: str, wire: Wire, asking: str | None) -> OutputOf | None:
        """Return which stack puts a value out; None, and a fault, if none or several do."""
        if wire.of not in self._settings.stacks:
            near = _nearest(wire.of, self._settings.stacks)
            self._faults.append(f'{where}: of = "{wire.of}": no such stack{near}')
            return None
        region = self._region_of(where, wire, asking)
        body = self._bodies.get(wire.of)
        if body is not None and wire.output not in body.outputs:
            template = self._settings.stacks[wire.of].template
            near = _nearest(wire.output, body.outputs)
            self._faults.append(
                f'{where}: output = "{wire.output}": {template} has no such output{near}'
            )
            return None
        return OutputOf(self._places[wire.of, region], wire.output) if region else None

    def _region_of(self, where: str, wire: Wire, asking: str | None) -> str | None:
        regions = [region for key, region in self._places if key == wire.of]
        there = ", ".join(regions)
        if wire.region is not None:
            if wire.region in regions:
                return wire.region
            self._faults.append(
                f'{where}: region = "{wire.region}": {wire.of} is not there; allowed: {there}'
            )
            return None
        if asking in regions:
            return asking
        if len(regions) == 1:
            return regions[0]
        if regions:
            self._faults.append(f"{where}: region: missing; {wire.of} is in {there}")
        return None

    def _complain(self, key: str, what: str, why: str) -> None:
        table = "stacks" if key in self._settings.stacks else "stack_sets"
        self._faults.append(f"{table}.{key}.{what}: {why}")


def _layer(template: str) -> str:
    """Return a template's name: its path without the ending, in one word."""
    parts = Path(template).with_suffix("").parts
    return "-".join(part for part in parts if part not in {"..", "/"})


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the name that was meant, or at those that there are."""
    names = sorted(known)
    if near := difflib.get_close_matches(name, names, n=1):
        return f'; did you mean "{near[0]}"?'
    return f"; there are: {', '.join(names) or 'none'}"
