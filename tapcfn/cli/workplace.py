"""What a command works on: a blueprint, a stage, its settings, its rollout and its cloud."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tapcfn.cli.options import Where
from tapcfn.errors import BlockedError, TapcfnError, TemplateError, UsageError
from tapcfn.nearest import hint

if TYPE_CHECKING:
    from tapcfn.aws.cloud import AwsCloud
    from tapcfn.aws.session import Clients
    from tapcfn.config import Common
    from tapcfn.model import Rollout, Target
    from tapcfn.waits import Patience

STATE = Path(".tapcfn")

# What the settings ask of every stack, and so a bundle's too, and who is told of its runs.
_ASKED = (
    "rollback_alarms",
    "rollback_minutes",
    "notification_arns",
    "service_role",
    "on_failure",
    "stack_policy",
    "notifications",
)

# How a stack's name may start; CloudFormation takes 128 characters in all.
STAGE = r"[A-Za-z][A-Za-z0-9-]{0,31}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The blueprints that there are, and where their settings lie."""

    modules: Mapping[str, str]
    settings: Path

    @classmethod
    def load(cls, package: str) -> Catalogue:
        """Import the package with the `BLUEPRINTS` mapping, and nothing that it names.

        Raises `UsageError` where there is none.
        """
        if importlib.util.find_spec(package.partition(".")[0]) is None:
            raise UsageError(
                f"there is no package {package} here; run this where your templates are, or name a "
                f"folder that has a tapcfn.toml{_folders()}"
            )
        module = _imported(package)
        folder = Path(str(module.__file__)).parent.parent / "settings"
        return cls(module.BLUEPRINTS, _relative(folder))

    def module(self, blueprint: str) -> ModuleType:
        """Import one blueprint; raise `UsageError` naming the nearest if there is none such."""
        self.check(blueprint)
        return importlib.import_module(self.modules[blueprint])

    def check(self, blueprint: str) -> None:
        """Raise `UsageError` naming the nearest blueprint if there is none such."""
        if blueprint not in self.modules:
            raise UsageError(
                f'blueprint "{blueprint}" does not exist{hint(blueprint, self.modules)} '
                f"(there are: {', '.join(sorted(self.modules))})"
            )

    def stages(self, blueprint: str) -> tuple[str, ...]:
        """Return the stages that have a settings file."""
        files = self.settings.glob(f"{blueprint}.*.toml")
        return tuple(sorted(path.name.split(".")[1] for path in files))

    def file(self, blueprint: str, stage: str) -> Path:
        """Return a stage's settings file; raise `UsageError` naming the stages if it has none."""
        stages = self.stages(blueprint)
        if stage not in stages:
            raise UsageError(
                f'stage "{stage}" has no settings: {self.settings}/{blueprint}.{stage}.toml does '
                f"not exist{hint(stage, stages)} (there are: {', '.join(stages) or 'none'}; a copy "
                "of one is a beginning)"
            )
        return self.settings / f"{blueprint}.{stage}.toml"


def _folders() -> str:
    """Name the folders of templates that lie here."""
    names = sorted(path.parent.name for path in Path().glob("*/tapcfn.toml"))
    return f": {', '.join(names)}" if names else ""


def _imported(package: str) -> ModuleType:
    """Import the package; raise `UsageError` where it, or what it should say, is not there."""
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if not f"{package}.".startswith(f"{error.name}."):
            raise
        raise UsageError(f"there is no package {package} here, but {_parent(package)}") from error
    if not isinstance(getattr(module, "BLUEPRINTS", None), Mapping):
        raise UsageError(
            f'{package} has no BLUEPRINTS: a mapping such as {{"mine": "{package}.mine"}}, from '
            "each blueprint's name to its module"
        )
    return module


def _parent(package: str) -> str:
    return package.rpartition(".")[0] or "other packages"


@dataclass(frozen=True, slots=True)
class Workplace:
    """One blueprint at one stage; `called` is how it is meant where its rollout is another."""

    blueprint: str
    stage: str
    settings: Common
    rollout: Rollout
    file: Path | None = None
    bundle: Path | None = None
    plain: str = ""
    called: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is deployed to the local cloud."""
        return self.settings.backend == "local"

    @property
    def home(self) -> Target:
        """The rollout's first account and Region: where a secret is that no ARN names."""
        return self.rollout.home(self.settings.account_id)

    @property
    def source(self) -> str:
        """The file that says what is wanted, as it is seen from here; empty for a stage's own."""
        if self.plain:
            from tapcfn.plain import file_of

            return str(_relative(file_of(Path(self.plain)).resolve()))
        return str(_relative(self.file.resolve())) if self.file else ""

    @property
    def command(self) -> str:
        """What stands behind a command's name to mean this blueprint and stage."""
        if self.called:
            return self.called
        if self.plain:
            return self.plain
        file = f" --settings {self.file}" if self.file else ""
        if self.bundle:
            return f"--from-bundle {self.bundle}{file}"
        return f"{self.blueprint} --stage {self.stage}{file}"


def workplace(package: str, where: Where) -> Workplace:
    """Return what a command works on: a blueprint's rollout, a bundle's, or plain templates."""
    if where.bundle is not None:
        return unpack(where.bundle, where)
    if where.is_plain:
        return _plain(where)
    return enter(Catalogue.load(package), where)


def _plain(where: Where) -> Workplace:
    """Read a folder of templates, or the TOML file that stands for it."""
    from tapcfn import plain

    if where.stage or where.file:
        option = f"--settings {where.file}" if where.file else f"--stage {where.stage}"
        raise UsageError(
            f"{option}: {where.blueprint} has templates of its own; each stage is a TOML file "
            "there, to be named in place of the folder"
        )
    name = str(where.blueprint)
    found = plain.read(Path(name))
    rollout = _equipped(found.rollout, found.settings, name)
    return Workplace(rollout.blueprint, rollout.stage, found.settings, rollout, plain=name)


def _equipped(rollout: Rollout, settings: Common, where: str) -> Rollout:
    """Return the rollout with what the settings ask of every stack; its moves make sense."""
    from tapcfn.equipment import equipped
    from tapcfn.variants import check

    check(rollout)
    return equipped(rollout, settings, where)


def unpack(folder: Path, where: Where) -> Workplace:
    """Read a bundle, verified; a settings file says anew where it is deployed.

    Raises `StaleError` where a file is not what the manifest says, and `UsageError` where the
    bundle is another blueprint's or stage's than asked for.
    """
    from tapcfn import config
    from tapcfn.bundle import read

    found = read(folder)
    rollout = found.rollout
    if where.blueprint not in {None, rollout.blueprint}:
        raise UsageError(f"{folder} is a bundle of {rollout.blueprint}, not {where.blueprint}")
    if where.stage not in {"", rollout.stage}:
        raise UsageError(f"{folder} is a bundle for stage {rollout.stage}, not {where.stage}")
    if where.file is not None:
        settings = config.load_common(where.file)
    elif found.deployment:
        settings = config.check(str(folder), found.deployment, config.Common)
    else:
        raise UsageError(
            f"{folder} was only rendered and does not say where it is deployed; "
            "use `bundle build`, or give --settings"
        )
    rollout = _equipped(rollout, settings, str(where.file or folder))
    return Workplace(rollout.blueprint, rollout.stage, settings, rollout, where.file, folder)


def deployment_of(settings: Common) -> dict[str, Any]:
    """Return what a bundle says of its deployment: where, and never by whose credentials."""
    said: dict[str, Any] = {"backend": settings.backend, "account": settings.account_id}
    if settings.accounts:
        said["accounts"] = list(settings.accounts)
    if settings.artifact_bucket:
        said["artifact_bucket"] = settings.artifact_bucket
    asked = settings.model_dump(mode="json", include=set(_ASKED), exclude_defaults=True)
    return said | {key: asked[key] for key in _ASKED if key in asked}


def enter(catalogue: Catalogue, where: Where) -> Workplace:
    """Load the settings and make the rollout; raise `ConfigError` naming every fault."""
    from tapcfn import config

    if where.blueprint is None:
        raise UsageError(f"which blueprint? (there are: {', '.join(sorted(catalogue.modules))})")
    if not re.fullmatch(STAGE, where.stage):
        raise UsageError(
            f'stage "{where.stage}": names of stacks start with it; allowed: letters, digits and '
            "hyphens, starting with a letter, at most 32"
        )
    module = catalogue.module(where.blueprint)
    path = where.file or catalogue.file(where.blueprint, where.stage)
    settings = config.load(path, module.Settings)
    rollout = _equipped(_build(module, settings, where.stage), settings, str(path))
    return Workplace(where.blueprint, where.stage, settings, rollout, where.file)


def _build(module: ModuleType, settings: Common, stage: str) -> Rollout:
    """Make the rollout; raise `TemplateError` naming the line where a template could not be built.

    A blueprint is somebody's own code, and troposphere refuses wrong properties with all kinds of
    errors.
    """
    try:
        rollout: Rollout = module.rollout(settings, stage)
    except TapcfnError:
        raise
    except Exception as error:
        where = _line_of(error, module.__name__.partition(".")[0])
        raise TemplateError(f"{type(error).__name__}: {error}{where}") from error
    return rollout


def _line_of(error: BaseException, package: str) -> str:
    """Return the last line of this package that an error passed through."""
    line, trace = "", error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] == package:
            line = f" — {name.replace('.', '/')}.py:{trace.tb_lineno}"
        trace = trace.tb_next
    return line


def connect(
    place: Workplace, patience: Patience, rehearsed_at: str | None = None
) -> tuple[AwsCloud, Clients]:
    """Return the cloud that the stage is deployed to, starting the local one if need be.

    A rehearsal says at which local cloud it is, whatever the settings say. Only calls that leave
    this machine are counted against a budget. Raises `BlockedError`
    where the settings name an account that they do not allow.
    """
    from tapcfn.aws.cloud import AwsCloud
    from tapcfn.waits import AT_HAND

    settings, clock = place.settings, patience.clock
    if rehearsed_at or place.is_local:
        clients = clients_of(settings, patience, rehearsed_at)
        bucket = settings.artifact_bucket or "artifacts-{account}-{region}"
        return AwsCloud(clients, clock, bucket, pace=AT_HAND, patience=patience), clients
    _check_accounts(place)
    clients = clients_of(settings, patience)
    return AwsCloud(clients, clock, settings.artifact_bucket, patience=patience), clients


def clients_of(settings: Common, patience: Patience, rehearsed_at: str | None = None) -> Clients:
    """Return clients of what the settings deploy to, starting the local cloud if need be."""
    from tapcfn.aws.budget import Budget
    from tapcfn.aws.session import Clients, on_aws, on_local_cloud

    if rehearsed_at or settings.backend == "local":
        url = rehearsed_at or local_url()
        return Clients(on_local_cloud(url, longest=patience.left), patience=patience)
    reconnect = partial(on_aws, settings.credentials, longest=patience.left)
    budget = Budget(patience.clock)
    return Clients(reconnect(), budget=budget, patience=patience, reconnect=reconnect)


def local_url() -> str:
    """Return the endpoint of this folder's local cloud, which runs when this returns."""
    from tapcfn.local import server

    return server.start(Path.cwd()).url


def local_speed(root: Path) -> float:
    """Return how many seconds of AWS pass in one on a folder's local cloud; 0 is at once."""
    from tapcfn.local import server

    return server.status(root).speed or 0.0


def _check_accounts(place: Workplace) -> None:
    wanted = {target.account for target in place.rollout.targets}
    wanted |= {pair.account for each in place.rollout.stack_sets for pair in each.pairs}
    if outside := sorted(wanted - set(place.settings.accounts)):
        allowed = ", ".join(place.settings.accounts) or "none"
        raise BlockedError(
            f"stage {place.stage}: account {', '.join(outside)} is not in the settings' accounts "
            f"({allowed}); add it there if it is meant"
        )


def _relative(folder: Path) -> Path:
    """Return a path as people would type it from here."""
    return Path(os.path.relpath(folder))


def schema_of(module: ModuleType) -> dict[str, Any]:
    """Return the JSON Schema of a blueprint's settings."""
    schema: dict[str, Any] = module.Settings.model_json_schema()
    return schema
