"""A recipe as the files of a folder: a README for people, the lock, the data to check by, all of it as JSON."""

import msgspec

from tidegate.control.batch import recipe as recipes
from tidegate.control.batch import remaking

LOCK, ALL, EXAMPLE, ANSWERS = "requirements.lock", "recipe.json", "example.json", "answers.json"


def files(recipe: recipes.Recipe, named: str) -> dict[str, str]:
    """Their contents by name. `named`: the version as people type it."""
    told = {"README.md": "\n".join(readme(recipe, named)) + "\n", ALL: _json(recipe)}
    if recipe.packages.lock:
        told[LOCK] = recipe.packages.lock
    if recipe.expected is not None:
        told |= {EXAMPLE: recipe.expected.request, ANSWERS: _json(recipe.expected.answers)}
    return told


def readme(recipe: recipes.Recipe, named: str) -> list[str]:
    """Step by step, with what is not known where it is missed."""
    lines = [
        f"# How {named} was made",
        "",
        f"Model {recipe.model}, {f'run {recipe.run_id}' if recipe.run_id else 'of no run'}, bundle {recipe.digest}.",
        *_code(recipe),
        *_packages(recipe),
        *_data(recipe),
        *_training(recipe),
        *_check(recipe, named),
    ]
    if recipe.unknown:
        lines += ["", "## Not known", *(f"- {what}" for what in recipe.unknown)]
    return lines


def _code(recipe: recipes.Recipe) -> list[str]:
    lines = ["", "## 1. The code"]
    if recipe.training.repository and recipe.code_revision:
        return [*lines, f"    git clone {recipe.training.repository} code", f"    git -C code checkout {recipe.code_revision}"]
    if recipe.code_revision:
        return [*lines, "In the repository that it came from:", "", f"    git checkout {recipe.code_revision}"]
    return [*lines, "Its revision was not noted."]


def _packages(recipe: recipes.Recipe) -> list[str]:
    packages = recipe.packages
    lines = ["", "## 2. The environment", f"Python {packages.python or '(which one was not noted)'}."]
    if not packages.lock:
        return [*lines, "Its packages were not noted."]
    hashes = "--require-hashes " if packages.hashed else ""
    note = [] if packages.hashed else ["Versions without hashes: whoever serves these names and versions is trusted."]
    version = f" --python {packages.python}" if packages.python else ""
    return [*lines, *note, "", f"    uv venv{version}", f"    uv pip install {hashes}-r {LOCK}"]


def _data(recipe: recipes.Recipe) -> list[str]:
    lines = ["", "## 3. The data"]
    if not recipe.data:
        return [*lines, "What it was trained on was not noted."]
    lines += ["| role | name | sha256 | from |", "|---|---|---|---|"]
    lines += [
        f"| {one.role or 'data'} | {one.name} | {one.sha256 or 'unknown'} | {one.source or 'unknown'} |" for one in recipe.data
    ]
    if recipe.baseline.said:
        lines += ["", f"Its baseline profile is of {recipe.baseline.said}."]
    lines += ["", *(["Tidegate has read that data: its sha256 is of the file (`sha256sum`)."] if recipe.baseline.data else [])]
    if recipe.run_id or not recipe.baseline.data:
        which = "Any other" if recipe.baseline.data else "A sha256"
        lines += [
            f"{which} is as whoever trained noted it: of a file (`sha256sum`), or of a table in memory, which the code tells."
        ]
    return lines


def _training(recipe: recipes.Recipe) -> list[str]:
    lines = ["", "## 4. The training"]
    if recipe.training.command:
        lines += [f"    {recipe.training.command}"]
    elif recipe.training.entry:
        lines += [f"It was started as `{recipe.training.entry}`; its arguments were not noted."]
    else:
        lines += ["How it was started was not noted."]
    if recipe.parameters:
        lines += [
            "",
            "| parameter | value |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in sorted(recipe.parameters.items())),
        ]
    return lines


def _check(recipe: recipes.Recipe, named: str) -> list[str]:
    lines = ["", "## 5. Is it the same?"]
    lines += [f"    tidegate reproduce {named} --check MODEL", ""]
    lines += [
        "MODEL is what came of it: mlflow://NAME/VERSION or a path. Same bytes need the same libraries and no chance in training;"
    ]
    lines += ["else the answers to the example have to agree within 1e-4, relatively."]
    if recipe.expected is not None:
        lines += [f"By hand: send {EXAMPLE}, and compare with {ANSWERS}."]
    if recipe.metrics:
        lines += [
            "",
            "| metric | value then |",
            "|---|---|",
            *(f"| {name} | {value:.6g} |" for name, value in sorted(recipe.metrics.items())),
        ]
    if recipe.compiled_from:
        lines += ["", f"The bundle has the model compiled to ONNX, from {recipe.compiled_from}."]
    return [*lines, "", f"model digest {recipe.model_digest}"]


def compared(found: remaking.Compared, named: str) -> list[str]:
    """How what was made again stands to what it was to be."""
    if found.same_model:
        lines = [f"the very same model as {named}: artifact, packages and options are equal to the last byte"]
    elif found.trouble:
        lines = [f"other bytes than {named}, and its answers were not compared: {found.trouble}"]
    else:
        told = f"{found.equal} of {found.rows} answers to its example equal, {found.within} within 1e-4"
        lines = [f"other bytes than {named}; {told}, the largest difference {found.worst:.2g}"]
        lines += ["it predicts the same" if found.good else "IT DOES NOT PREDICT THE SAME"]
    return [*lines, *(f"data: {what}" for what in found.data)]


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
