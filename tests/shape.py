"""The budgets of the tree, checked: `python -m tests.shape` (part of `make check`).

Files of at most 500 lines (median at most 170), functions of at most 100, no back doors around the import contracts, no
drawer-like names, no local name that hides a module, no document named that is not there, words at the top of every room that
name all it holds, no change told twice, no decision's number given twice, no traces of a machine.
"""

import ast
import pathlib
import re
import statistics
import sys

ROOT = pathlib.Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tidegate"
FILE_LINES, MEDIAN_LINES, FUNCTION_LINES, ROOM_WORDS = 500, 170, 100, 25
DRAWERS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError|TYPE_CHECKING)\b")
DOCUMENT = re.compile(r"[\w-]+\.md\b")
TRACES = re.compile(r"/(?:work|root|home/[a-z]+)/|pypi\.org|pythonhosted|registry\.npmjs|deb\.debian")


def faults() -> list[str]:
    """Everything in the tree that is out of shape, a line each."""
    found: list[str] = []
    lengths = []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text()
        name = path.relative_to(ROOT)
        lengths.append(text.count("\n"))
        found += _of_file(path, text, str(name))
        found += _of_functions(text, str(name))
        found += _hidden(text, str(name))
    if statistics.median(lengths) > MEDIAN_LINES:
        found.append(f"the median file has {statistics.median(lengths):.0f} lines; at most {MEDIAN_LINES}")
    return found + _traces() + _repeated()


def _of_file(path: pathlib.Path, text: str, name: str) -> list[str]:
    found = []
    if text.count("\n") > FILE_LINES:
        found.append(f"{name}: {text.count(chr(10))} lines; at most {FILE_LINES}")
    if DRAWERS & set(path.relative_to(SOURCE).with_suffix("").parts):
        found.append(f"{name}: name it after what it holds")
    found += [f"{name}: {match.group()}" for match in LEFTOVERS.finditer(text)]
    if path.name == "__init__.py":
        tree = ast.parse(text)
        words = (ast.get_docstring(tree) or "").split()
        # The package's own holds one name that is found when it is asked for (docs/decisions/008).
        if len(tree.body) != 1 and path.parent != SOURCE:
            found.append(f"{name}: holds words and imports nothing")
        if len(path.relative_to(SOURCE).parts) == 3 and len(words) < ROOM_WORDS:
            found.append(f"{name}: a room opens with a page of words")
        if len(path.relative_to(SOURCE).parts) == 3:
            modules = {one.stem for one in path.parent.glob("*.py")} - {"__init__", "__main__"}
            unnamed = sorted(one for one in modules if not re.search(rf"\b{one}\b", " ".join(words)))
            found += [f"{name}: says nothing of `{one}`" for one in unnamed]
    return found


def _of_functions(text: str, name: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"{name}:{node.lineno}: {node.name} has {length} lines; at most {FUNCTION_LINES}")
    return found


def _hidden(text: str, name: str) -> list[str]:
    """Parameters and variables that are called as a module which the file imports: one word would mean two things."""
    tree = ast.parse(text)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {alias.asname or alias.name.partition(".")[0] for node in imports for alias in node.names}
    found = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                called = node.arg if isinstance(node, ast.arg) else ""
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    called = node.id
                if called in modules:
                    found.add(f"{name}:{node.lineno}: {called} is a module here")
    return sorted(found)


def _traces() -> list[str]:
    found = []
    known = {
        path.name
        for place in (ROOT, ROOT / "docs", ROOT / "docs" / "decisions", ROOT / "docs" / "rooms")
        for path in place.glob("*.md")
    }
    for folder, ending in (("src", "*.py"), ("docs", "*.md"), ("bench", "*.py"), ("tests", "*.py")):
        for path in sorted((ROOT / folder).rglob(ending)):
            if path == pathlib.Path(__file__).resolve():
                continue
            text, name = path.read_text(), path.relative_to(ROOT)
            found += [f"{name}: names {match.group()}" for match in TRACES.finditer(text)]
            found += [f"{name}: names {one}, which is not there" for one in sorted({*DOCUMENT.findall(text)} - known)]
    return found


def _repeated() -> list[str]:
    """A change is told once, a decision has its number alone: two alike are what is left of a conflict."""
    told = [line[:60] for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("- ")]
    numbers = [path.name[:3] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    return [
        *(f"CHANGELOG.md: twice: {line}" for line in sorted({one for one in told if told.count(one) > 1})),
        *(f"docs/decisions: two of number {one}" for one in sorted({one for one in numbers if numbers.count(one) > 1})),
    ]


if __name__ == "__main__":
    out = faults()
    sys.stdout.write("".join(f"{line}\n" for line in out))
    sys.exit(bool(out))
