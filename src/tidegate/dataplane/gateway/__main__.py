"""`python -m tidegate.dataplane.gateway HOME NAME`, as the keeper starts it."""

import sys

import uvloop

from tidegate.core.vocabulary import logs
from tidegate.dataplane.gateway import process

if __name__ == "__main__":
    logs.start(sys.argv[2])
    sys.exit(process.run(sys.argv[1], sys.argv[2], uvloop.new_event_loop))
