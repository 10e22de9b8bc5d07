"""Keys about what lies outside the bundle: what a version needs, what was changed for it, where secrets are."""

from typing import Annotated, Literal

from tidegate.core.spec import values
from tidegate.core.vocabulary import alarms, errors, recipients


class Secret(values.Block):
    """Where a secret is: looked up when it is used, never stored."""

    env: str | None = values.key("An environment variable of the process that uses it.", None, pattern=r"^[A-Za-z_]\w*$")
    file: str | None = values.key("A file beside this one.", None, min_length=1)


def located(given: Secret) -> str:
    """env:NAME or file:PATH. Raises SpecInvalid unless it is one of the two."""
    if (given.env is None) == (given.file is None):
        raise errors.SpecInvalid("a secret is in one place.", cure="Write {env: NAME} or {file: PATH}.")
    return f"env:{given.env}" if given.env else f"file:{given.file}"


def _about(given: object) -> str:
    known = (recipients.RELEASE, *alarms.Kind)
    if given not in known:
        raise errors.SpecInvalid(f"nothing told is about {given!r}.", cure=f"Write some of {', '.join(known)}.")
    return str(given)


About = Annotated[str, values.reads(_about)]


class Recipient(Secret):
    """Whom to tell, and what."""

    floor: Literal["info", "warning", "critical"] = values.key("Nothing below it is told there.", "info", alias="from")
    about: tuple[About, ...] = values.key(
        "Kinds of [alarms](alarms.md), and `release` for what releases have to tell; else everything.", (), [], strict=False
    )


class Requirement(values.Block):
    """Something that has to be there, and how one sees that it is."""

    service: values.Service | None = values.key("A URL that answers while the service is well.", None)
    table: values.Table | None = values.key("A table, with the version that is needed of it: customers@v3.", None)
    url: Annotated[Secret | None, values.SECRET] = values.key("`table`: where its SQLAlchemy address is.", None)
    query: str | None = values.key("`table`: gives its version in the first column of its first row.", None, min_length=1)


class Migration(values.Block):
    """A change of something shared."""

    name: str = values.key("What it is called, here and in `tidegate migrated`.", min_length=1, max_length=100)
    kind: Literal["expand", "contract"] = values.key(
        "`expand`: the version before goes on working. `contract`: it does not, so there is no way back once it is done."
    )
