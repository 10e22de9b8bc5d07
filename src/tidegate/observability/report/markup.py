"""Templates of pages: what is put into one is escaped, and what a template names has to be there.

Called by the report and by the release page (`interface.api`), each with templates and filters of its own.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
import markupsafe


def coded(words: str) -> markupsafe.Markup:
    """Escaped, with what stands in backticks as code."""
    return markupsafe.Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(markupsafe.escape(words))))  # noqa: S704


def environment(package: str, filters: Mapping[str, Callable[..., Any]]) -> jinja2.Environment:
    """For the templates in a package's folder `templates`; `filters` beside `coded`."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update({"coded": coded, **filters})
    return made
