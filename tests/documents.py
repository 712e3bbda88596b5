"""What of docs/systems is written by the code: pictures, settings, outputs and actions.

A page has pairs of marks, `<!-- picture -->` and `<!-- end -->`, and between them stands what this
module writes. Run it to write them anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tapcfn.actions import forever, says
from tapcfn.config import Common, Credentials, load
from tapcfn.model import Rollout
from tapcfn.notice_settings import Notifications
from tapcfn.report.graph import draw, mermaid
from templates.blueprints import BLUEPRINTS

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs/systems"
COMMON = ROOT / "docs/settings.md"
NOTIFICATIONS = ROOT / "docs/notifications.md"
SETTINGS = ROOT / "templates/settings"

PART = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(name: str) -> Path:
    """Return the page of a system."""
    return PAGES / f"{name}.md"


def example(name: str) -> Rollout:
    """Return a system's rollout with the example settings."""
    module = import_module(BLUEPRINTS[name])
    settings = load(SETTINGS / f"{name}.example.toml", module.Settings)
    rollout: Rollout = module.rollout(settings, "example")
    return rollout


def output_names(name: str) -> list[str]:
    """Return the names of a system's outputs, each once."""
    return list(dict.fromkeys(each.partition(".")[0] for each in example(name).outputs))


def written(name: str) -> str:
    """Return a page's text with its parts written anew."""
    module, rollout = import_module(BLUEPRINTS[name]), example(name)
    parts: Mapping[str, Callable[[], str]] = {
        "picture": lambda: _picture(rollout),
        "settings": lambda: _settings(module.Settings),
        "outputs": lambda: _outputs(rollout),
        "actions": lambda: _actions(rollout),
    }
    text = page(name).read_text(encoding="utf-8")
    return PART.sub(lambda found: f"{found[1]}{parts[found[2]]()}{found[3]}", text)


def settings_page() -> str:
    """Return the text of the page of settings, with its tables written anew."""
    parts = {"common": table(Common), "credentials": table(Credentials)}
    return _page_of(COMMON, parts)


def notifications_page() -> str:
    """Return the text of the page of notifications, with its table written anew."""
    return _page_of(NOTIFICATIONS, {"notifications": table(Notifications)})


def _page_of(path: Path, parts: Mapping[str, str]) -> str:
    text = path.read_text(encoding="utf-8")
    return PART.sub(lambda found: f"{found[1]}{parts[found[2]]}{found[3]}", text)


def _picture(rollout: Rollout) -> str:
    return f"```mermaid\n{mermaid(draw(rollout))}```\n"


def _settings(model: type[Common]) -> str:
    """Return a table of the system's own keys; those of every system have a page of their own."""
    return table(model, frozenset(Common.model_fields))


def table(model: type[BaseModel], but: frozenset[str] = frozenset()) -> str:
    """Return the keys of settings as a table, but for some."""
    lines = ["| key | default | meaning |", "|-|-|-|"]
    for key, field in model.model_fields.items():
        if key not in but:
            default = (
                "required"
                if field.is_required()
                else _shown(field.get_default(call_default_factory=True, validated_data={}))
            )
            lines.append(f"| `{key}` | {default} | {_cell(str(field.description))} |")
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if value in (None, {}, ()):
        return "none"
    if isinstance(value, BaseModel):
        return "its own"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    """Return text for a cell; what stands in angle brackets is no HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def _outputs(rollout: Rollout) -> str:
    names = dict.fromkeys(name.partition(".")[0] for name in rollout.outputs)
    regional = {name.partition(".")[0] for name in rollout.outputs if "." in name}
    lines = [f"- `{name}`{', for each Region' if name in regional else ''}" for name in names]
    return "\n".join(lines) + "\n"


def _actions(rollout: Rollout) -> str:
    """Return what `act` does with the example settings; outputs stand as STACK.KEY."""
    lines = ["| action | where | what it does | cannot be taken back |", "|-|-|-|-|"]
    lines += [
        f"| `{each.name}` | {each.target.region} | {_cell(says(each))} | {forever(each)} |"
        for each in rollout.actions
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    COMMON.write_text(settings_page(), encoding="utf-8")
    NOTIFICATIONS.write_text(notifications_page(), encoding="utf-8")
    for each in BLUEPRINTS:
        page(each).write_text(written(each), encoding="utf-8")
