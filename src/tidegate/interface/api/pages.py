"""/docs: the paths in plain HTML. No scripts, since the usual explorers load theirs from somewhere else."""

import html
from typing import Any

_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tidegate control API</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}code{font-size:15px}
dt{margin-top:1rem}dd{margin:0 0 0 1rem;color:#444}</style></head><body><h1>Tidegate control API</h1>
<p>Send <code>Authorization: Bearer TOKEN</code> with the token in the home's <code>token</code> file; bodies are JSON.
Errors are <code>{"error", "code", "cure"}</code>. The schemas are in <a href="/openapi.json">openapi.json</a>.</p><dl>
"""


def paths(openapi: dict[str, Any]) -> str:
    """Every path with its method and its words."""
    listed = []
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            words = html.escape(operation.get("description", ""))
            listed.append(f"<dt><code>{method.upper()} {html.escape(path)}</code></dt><dd>{words}</dd>")
    return f"{_HEAD}{''.join(listed)}</dl></body></html>"
