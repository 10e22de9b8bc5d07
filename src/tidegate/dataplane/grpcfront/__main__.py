"""`python -m tidegate.dataplane.grpcfront HOME NAME`, as the keeper starts it."""

import sys

from tidegate.core.vocabulary import logs
from tidegate.dataplane.grpcfront import process

if __name__ == "__main__":
    logs.start(sys.argv[2])
    sys.exit(process.run(sys.argv[1], sys.argv[2]))
