"""Errors by their stable code: what one process raised, said to another, is the same class again."""

from tidegate.core.vocabulary import errors


def tree(root: type[errors.TidegateError] = errors.TidegateError) -> list[type[errors.TidegateError]]:
    """Every class of the tree, parents first, in the order written."""
    found = [root]
    for child in root.__subclasses__():
        found += tree(child)
    return found


def by_code(code: str) -> type[errors.TidegateError]:
    """The class of a stable code; `errors.TidegateError` itself for one that is not known here (a newer peer's)."""
    return next((one for one in tree() if one.code == code), errors.TidegateError)
