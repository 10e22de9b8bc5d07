"""`python -m tidegate.control.loop.keeper HOME [--http A] [--api A] [--grpc A] [--gateways N] ...`: the keeper by itself."""

import argparse
import json
import os
import pathlib
import sys

from tidegate.control.loop.keeper import process, renewal
from tidegate.core.vocabulary import errors, home


def main(argv: list[str]) -> int:
    """Run it; the exit code is 1 when it could not start."""
    asked = argparse.ArgumentParser(prog="tidegate.control.loop.keeper", description=__doc__)
    asked.add_argument("home", type=pathlib.Path)
    asked.add_argument("--http", default=process.Up.http)
    asked.add_argument("--api", default=process.Up.api)
    asked.add_argument("--gateways", type=int, default=process.Up.gateways)
    asked.add_argument("--controls", type=int, default=process.Up.controls)
    asked.add_argument("--grpc", default=process.Up.grpc)
    asked.add_argument("--tls-cert", default=process.Up.chain)
    asked.add_argument("--tls-key", default=process.Up.key)
    asked.add_argument("--report", type=int, default=-1, help="descriptor to write the addresses, or the error, to")
    given = asked.parse_args(argv)

    def report(told: dict[str, str]) -> None:
        if given.report >= 0:
            with os.fdopen(given.report, "w") as to:
                json.dump(told, to)
            given.report = -1  # once: what goes wrong after coming up is for the log

    if renewal.under_way():
        given.report = -1  # whoever started the keeper has had its report long ago, and the number is another's by now
    try:
        up = process.Up(given.http, given.api, given.gateways, given.grpc, given.tls_cert, given.tls_key, given.controls)
        process.run(home.Home(given.home.absolute()), up, report)
    except errors.TidegateError as failed:
        report({"code": failed.code, "message": failed.message, "cure": failed.cure, "where": failed.where})
        print(failed, file=sys.stderr)  # noqa: T201 -- whoever started it by hand reads this
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
