"""What the site does to pages: pictures of rollouts are drawn as boxes, and nothing is fetched.

The pictures in docs/ are Mermaid, which code hosts draw by themselves. On the site that would take
a script from somebody else's host, so they become plain HTML here.
"""

from __future__ import annotations

import re
from html import escape, unescape
from pathlib import Path
from typing import Any

PICTURE = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
GROUP = re.compile(r'subgraph p\d+(?:r\d+)?\["(.*)"\]')
BOX = re.compile(r'(s\d+)\["<b>(.*?)</b>(?:<br/>)?(.*)"\]')
ARROW = re.compile(r"(s\d+) --> (s\d+)")

# What a browser loads by itself: scripts, styles, pictures, frames; not what a reader clicks on.
LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^\"'>\s]+"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preload|preconnect|icon|modulepreload))[^>]*"
    r"\bhref=[\"']?(?:https?:)?//[^\"'>\s]+"
    r"|class=[\"']?mermaid\b"
)
IMPORTED = re.compile(r"@import[^;]*//|url\([\"']?(?:https?:)?//[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Draw the pictures of a page."""
    return PICTURE.sub(lambda found: drawn(found[1]), markdown)


def drawn(text: str) -> str:
    """Return a picture of ours as nested boxes; each says what it needs, in place of arrows."""
    names = {name: title for name, title, _ in BOX.findall(text)}
    needs: dict[str, list[str]] = {}
    for tail, head in ARROW.findall(text):
        needs.setdefault(head, []).append(unescape(names[tail]))
    lines, depth = ['<div class="rollout">'], 0
    for line in text.splitlines():
        if group := GROUP.search(line):
            depth += 1
            kind = "phase" if depth == 1 else "place"
            lines.append(f'<div class="{kind}"><p>{escape(unescape(group[1]))}</p>')
        elif box := BOX.search(line):
            lines.append(_box(box[2], box[3], needs.get(box[1], [])))
        elif line.strip() == "end":
            depth -= 1
            lines.append("</div>")
    return "\n".join([*lines, "</div>"])


def _box(title: str, contents: str, needs: list[str]) -> str:
    rows = "".join(f"<li>{escape(unescape(each))}</li>" for each in contents.split("<br/>") if each)
    needed = f"<p>needs {escape(', '.join(needs))}</p>" if needs else ""
    return f'<div class="unit"><strong>{title}</strong><ul>{rows}</ul>{needed}</div>'


def on_post_build(config: Any, **_: Any) -> None:
    """Fail if a page of the site would load anything from another host."""
    site = Path(config["site_dir"])
    found = [
        f"{path.relative_to(site)}: {each[:100]}"
        for pattern, kind in ((LOADED, "html"), (IMPORTED, "css"))
        for path in sorted(site.rglob(f"*.{kind}"))
        for each in pattern.findall(path.read_text(encoding="utf-8"))
    ]
    if found:
        raise SystemExit("the site would ask other hosts:\n" + "\n".join(found))
