"""Load: wrk where it is installed, pinned to one core with one thread, else an own generator, which is slower and says so.

Closed loop, keep-alive, the bodies in turn.
"""

import asyncio
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time
from typing import NamedTuple
from urllib import parse

_SCRIPT = """
local bodies, at = {}, 0
for line in io.lines(%s) do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  at = at %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nJSON{"requests":%%d,"us":%%d,"p50":%%f,"p99":%%f,"errors":%%d}\\n', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class Measured(NamedTuple):
    rps: float
    p50_ms: float
    p99_ms: float
    errors: int
    """Answers other than 2xx included."""
    requests: int


def name() -> str:
    return "wrk" if shutil.which("wrk") else "own generator in Python, slower than wrk: ratios are too low"


def load(url: str, bodies: list[bytes], connections: int, seconds: float) -> Measured:
    return (
        _wrk(url, bodies, connections, seconds) if shutil.which("wrk") else asyncio.run(_own(url, bodies, connections, seconds))
    )


def _wrk(url: str, bodies: list[bytes], connections: int, seconds: float) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        lines, script = pathlib.Path(folder, "bodies"), pathlib.Path(folder, "load.lua")
        lines.write_bytes(b"\n".join(bodies) + b"\n")
        script.write_text(_SCRIPT % json.dumps(str(lines)))
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", "-s", str(script), url]
        told = subprocess.run(argv, capture_output=True, text=True, check=True, preexec_fn=_pin).stdout
    found = json.loads(told.rpartition("JSON")[2])
    return Measured(
        found["requests"] / found["us"] * 1e6, found["p50"] / 1e3, found["p99"] / 1e3, found["errors"], found["requests"]
    )


def _pin() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


async def _own(url: str, bodies: list[bytes], connections: int, seconds: float) -> Measured:
    where = parse.urlsplit(url)
    end = time.monotonic() + seconds
    took: list[float] = []
    failed = 0

    async def ask(offset: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        for number in range(offset, 1 << 60, connections):
            began = time.monotonic()
            if began >= end:
                break
            body = bodies[number % len(bodies)]
            head = (
                f"POST {where.path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            failed += b" 200 " not in answer[:20]
            took.append(time.monotonic() - began)
        writer.close()

    await asyncio.gather(*(ask(offset) for offset in range(connections)))
    cuts = statistics.quantiles(took, n=100)
    return Measured(len(took) / seconds, cuts[49] * 1e3, cuts[98] * 1e3, failed, len(took))
