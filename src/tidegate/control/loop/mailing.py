"""Sending one letter to one address, through apprise: Slack, mail, a webhook, and a hundred more.

An address is where a secret is, `env:NAME` or `file:PATH`, looked up when something is sent: what it says is never stored and
never logged, and apprise, which would log it, is kept quiet.
"""

import importlib
import logging
from typing import Any

from tidegate.core.vocabulary import errors
from tidegate.delivery.gates import secrets

_TYPES = {"info": "INFO", "warning": "WARNING", "critical": "FAILURE"}


def deliver(reference: str, title: str, body: str, severity: str) -> None:
    """Send it, and return once it was taken. It may take as long as whoever takes it lets it.

    Raises ExtraMissing without apprise, NotifyAddressInvalid for an address that cannot be read or means nothing, NotifyFailed
    when it was not taken.
    """
    address = resolve(reference)
    apprise = _library()
    # One thread, nothing kept on disk, no pictures from elsewhere in what is sent.
    asset = apprise.AppriseAsset(async_mode=False, app_id="Tidegate", app_desc="Tidegate", image_url_mask="", image_url_logo="")
    post = apprise.Apprise(asset=asset)
    if not post.add(address):
        raise errors.NotifyAddressInvalid(
            "what it holds is no address that apprise understands.", cure="See apprise's list of services.", where=reference
        )
    done = post.notify(
        body=body, title=title, notify_type=apprise.NotifyType[_TYPES[severity]], body_format=apprise.NotifyFormat.TEXT
    )
    if not done:  # a result object; true when every service has taken it
        raise errors.NotifyFailed(
            "the message was not taken.", cure="`tidegate logs control` has when it is tried again.", where=reference
        )


def resolve(reference: str) -> str:
    """What a reference stands for. Raises NotifyAddressInvalid."""
    try:
        found = secrets.look_up(reference)
    except ValueError:
        words = "this is no reference to an address."
        raise errors.NotifyAddressInvalid(words, cure="Write env:NAME or file:PATH.", where=reference) from None
    if found:
        return found
    kind, _, name = reference.partition(":")
    why, cure = "the file cannot be read or is empty.", "Write the address into it."
    if kind == "env":
        why, cure = f"control was started without the environment variable {name}.", "Set it, then `tidegate up` again."
    raise errors.NotifyAddressInvalid(why, cure=cure, where=reference)


def _library() -> Any:
    try:
        found = importlib.import_module("apprise")
    except ImportError:
        raise errors.ExtraMissing(
            "notifications need apprise, which is not installed here.", cure="pip install 'tidegate[notify]'"
        ) from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it names whom it could not reach, secrets included
    return found
