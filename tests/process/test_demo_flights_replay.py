"""The replay against a stand-in gateway: outcomes follow landings, and everything is counted from the client's side."""

import asyncio
import json
import pathlib
import uuid
from collections.abc import Callable

import pandas as pd
import pytest

from tests.unit import demo_fixtures
from tidegate.core.vocabulary import ids
from tidegate.interface.demo import client
from tidegate.interface.demo.flights import data, replay


class StandIn:
    """Answers predictions with an id of its own and outcomes with their count; remembers both."""

    def __init__(self, answer: Callable[[int], tuple[int, str, float]] = lambda _: (200, "v1", 0.9)) -> None:
        self.predicted: list[tuple[str, dict[str, object]]] = []
        self.told: list[dict[str, object]] = []
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                writer.write(self.outcomes(body) if "/outcomes" in head else self.predict(head, body))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def predict(self, head: str, body: dict[str, object]) -> bytes:
        status, version, chance = self._answer(len(self.predicted))
        identifier = ids.text(ids.uuid7(1_000, len(self.predicted) + 1))
        self.predicted.append((head.split("x-request-id: ")[1].partition("\r\n")[0], body))
        raw = json.dumps({"predictions": [chance], "prediction_id": identifier, "version": version}).encode()
        lines = f"HTTP/1.1 {status} X\r\ntidegate-prediction-id: {identifier}\r\ntidegate-version: {version}\r\n"
        return f"{lines}content-length: {len(raw)}\r\n\r\n".encode() + raw

    def outcomes(self, body: dict[str, list[dict[str, object]]]) -> bytes:
        self.told += body["outcomes"]
        raw = json.dumps({"accepted": len(body["outcomes"])}).encode()
        return f"HTTP/1.1 200 OK\r\ncontent-length: {len(raw)}\r\n\r\n".encode() + raw


def play(gateway: StandIn, rows: pd.DataFrame, rate: float = 1_000) -> replay.Replay:
    async def run() -> replay.Replay:
        server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with client.Client(f"http://127.0.0.1:{port}", connections=4) as sender:
            traffic = replay.Replay("flight-delay", replay.flights(rows), sender, rate)
            await traffic.run()
        server.close()
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)
        return traffic

    return asyncio.run(run())


@pytest.fixture
def rows(tmp_path: pathlib.Path) -> pd.DataFrame:
    return data.load(demo_fixtures.write(tmp_path))


def test_flights_go_out_in_the_order_in_which_they_left_from_february_on(rows: pd.DataFrame) -> None:
    gateway = StandIn()
    traffic = play(gateway, rows)
    assert [name for name, _ in gateway.predicted] == ["UA1-20130201", "DL4-20130201", "B62-20130201"]
    assert traffic.requests == 3
    assert f"{traffic.date:%Y-%m-%d %H:%M}" == "2013-02-01 23:55"


def test_a_request_has_what_is_known_at_departure_and_nothing_else_and_null_where_weather_is_missing(rows: pd.DataFrame) -> None:
    gateway = StandIn()
    play(gateway, rows)
    _, body = gateway.predicted[0]
    assert set(body) == {*data.FEATURES}
    assert (body["carrier"], body["sched_dep_hour"], body["pressure"], body["wind_gust"]) == ("UA", 8, 1012.1, None)


def test_each_outcome_goes_by_the_id_its_request_was_answered_with_and_a_diverted_flight_has_none(rows: pd.DataFrame) -> None:
    gateway = StandIn()
    traffic = play(gateway, rows)
    labels = {str(one["id"]): one["label"] for one in gateway.told}
    assert labels == {ids.text(ids.uuid7(1_000, 1)): 0, ids.text(ids.uuid7(1_000, 3)): 1}
    assert (traffic.posted, traffic.accepted, traffic.in_the_air) == (2, 2, 0)
    assert traffic.ids == [ids.uuid7(1_000, number) for number in (1, 2, 3)]


def test_an_outcome_is_not_posted_before_its_flight_has_landed_on_the_replays_clock(rows: pd.DataFrame) -> None:
    flights = list(replay.flights(rows))
    assert [flight.lands > flight.departs for flight in flights] == [True, False, True]
    assert flights[1].lands == 0
    gateway = StandIn()

    async def run() -> tuple[list[object], int]:
        server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with client.Client(f"http://127.0.0.1:{port}", connections=1) as sender:
            traffic = replay.Replay("flight-delay", iter(flights), sender, 1_000)
            traffic._send()
            traffic._send()
            while sender.counts.pending:
                await asyncio.sleep(0)
            traffic._land(traffic.clock)
            before = list(gateway.told), traffic.in_the_air
            traffic.stop()
            await traffic.run()
        server.close()
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)
        return before

    assert asyncio.run(run()) == ([], 1)
    assert len(gateway.told) == 1


def test_a_failed_request_is_counted_has_no_outcome_and_its_id_is_kept_for_the_audit(rows: pd.DataFrame) -> None:
    gateway = StandIn(lambda number: (500 if number == 0 else 200, "v3", 0.2))
    traffic = play(gateway, rows)
    assert (traffic.failed, traffic.tallies["v3"].failed, traffic.tallies["v3"].answered) == (1, 1, 2)
    assert len(traffic.ids) == 3
    assert len(gateway.told) == 1


def test_the_most_confident_wrong_answer_of_a_version_is_kept(rows: pd.DataFrame) -> None:
    gateway = StandIn(lambda number: (200, "v4", (0.8, 0.5, 0.05)[number]))
    tally = play(gateway, rows).tallies["v4"]
    assert (tally.labelled, tally.wrong) == (2, 2)
    assert tally.worst == (0.95, ids.text(ids.uuid7(1_000, 3)), "B62-20130201")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"predictions": [0.25], "prediction_id": "x", "version": "v1"}', 0.25),
        (b'{"predictions": [[0.75, 0.25]]}', 0.25),
        (b'{"predictions": [{"no": 0.75, "yes": 0.25}]}', 0.25),
        (b'{"predictions": [null]}', None),
        (b'{"predictions": []}', None),
        (b"not json", None),
    ],
)
def test_the_chance_is_read_from_any_form_of_answer(body: bytes, found: float | None) -> None:
    assert replay.chance(body) == found


def test_ids_of_other_makes_are_not_taken_for_prediction_ids() -> None:
    assert ids.parse(str(uuid.UUID(int=1))) is None
