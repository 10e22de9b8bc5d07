"""docs/file.md tells every key of the file, as the JSON Schema has it; its examples are files that load.

TIDEGATE_WRITE=1 writes the table anew.
"""

import os
import pathlib
import re
from collections.abc import Iterator

import pytest

from tidegate.core.spec import file, reference

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "file.md"
TABLE = re.compile(r"(?<=<!-- written from the schema -->\n).*(?=<!-- end -->)", re.DOTALL)


def keys(schema: dict[str, object]) -> Iterator[str]:
    properties = schema.get("properties", {})
    assert isinstance(properties, dict)
    yield from properties
    definitions = schema.get("$defs", {})
    assert isinstance(definitions, dict)
    for definition in definitions.values():
        yield from keys(definition)


def test_the_table_of_keys_is_current():
    if os.environ.get("TIDEGATE_WRITE"):
        PAGE.write_text(TABLE.sub(lambda _: f"\n{reference.table()}\n", PAGE.read_text()))
    found = TABLE.search(PAGE.read_text())
    assert found is not None
    assert found.group().strip() == reference.table().strip()


def test_every_key_of_the_schema_is_on_the_page():
    page = PAGE.read_text()
    missing = [key for key in keys(file.json_schema()) if not re.search(rf"`([a-z_.\[\]]+\.)?{key}`", page)]
    assert missing == []


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_an_example_on_the_page_is_a_file_that_loads(example: str):
    assert file.resolve(file.load(example)).endpoint == "flight-delay"
