"""The report: one file that asks nothing of anybody, says what is known, escapes what others said, and has no empty part."""

import html.parser
import math
import re

import msgspec
import pytest
from report_fixtures import ACCOUNT, HOUR, SINCE, incident, released

from tidegate.observability.report import account, charts, document, following

EMPTY = account.Account("delay", "production", SINCE, SINCE + 4 * HOUR, HOUR)


class Page(html.parser.HTMLParser):
    """What is in a document: its tags, its headings, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.headings, self.words, self._open = [], [], [], "", []
        self.feed(text)
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in {"meta", "br", "link", "img"}:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "h2":
            self.headings.append(data)
        if "style" not in self._open:
            self.words += data


@pytest.fixture(scope="module")
def whole():
    return document.draw(ACCOUNT, SINCE + 5 * HOUR)


def test_it_asks_nothing_of_anybody_and_runs_nothing(whole):
    page = Page(whole)
    assert {"script", "link", "img", "iframe"}.isdisjoint(page.tags)
    assert not any(name in {"src", "href", "style"} and "url(" in (value or "") for name, value in page.attributes)
    assert not any(name in {"src", "href"} or name.startswith("on") for name, _ in page.attributes)
    assert "@import" not in whole
    assert "url(" not in whole


def test_every_part_is_there_once_there_is_something_to_tell(whole):
    assert Page(whole).headings == [
        "What to look at next",
        "Traffic by version",
        "Errors and time",
        "Releases",
        "Alarms, and what was done",
        "How good predictions were",
        "Drift",
        "Data quality",
        "Seen from outside",
        "The prediction log",
    ]


def test_where_nothing_is_known_there_is_no_heading_of_it():
    page = Page(document.draw(EMPTY, SINCE))
    assert page.headings == ["What to look at next"]
    assert "No request came in this time" in page.words


def test_what_could_not_be_read_is_said():
    told = msgspec.structs.replace(EMPTY, missing=("drift (the catalogue cannot be opened)",))
    assert "Not in this report: drift (the catalogue cannot be opened)." in Page(document.draw(told, SINCE)).words


def test_a_model_file_is_shown_by_its_name_and_an_interval_under_its_value():
    path = "file:///srv/projects/2026/wine/models/wine.joblib"
    page = document.draw(msgspec.structs.replace(ACCOUNT, names={2: path}), SINCE)
    assert f'<code title="{path}">.../wine.joblib</code>' in page
    assert '<td class="n">0.91 <p class="soft">[0.88, 0.93]</p></td>' in page


def test_what_others_said_stays_text():
    evil = incident(kind="drift", words='<script>alert("x")</script> & co', moved=("<b>a</b>",))
    told = msgspec.structs.replace(ACCOUNT, alarms=(evil,), names={2: "<i>m</i>"})
    page = Page(document.draw(told, SINCE))
    assert {"script", "b", "i"} & set(page.tags) == {"b", "i"}  # our own
    assert '<script>alert("x")</script> & co' in page.words
    assert "<i>m</i>" in page.words


def test_every_chart_says_what_it_shows(whole):
    said = re.findall(r'<svg class="chart" role="img" viewBox="[^"]+" aria-label="([^"]+)">\n<title>([^<]+)</title>', whole)
    assert len(said) == whole.count("<svg")
    assert all(label == title for label, title in said)
    labels = [label for label, _ in said]
    assert labels[0] == "Requests by version over time. In all: v2 300, v1 100."
    assert "Share of requests not served well over time; 10 % at the most, 2026-03-01 02:00." in labels


def test_numbers_are_those_of_the_account(whole):
    words = " ".join(Page(whole).words.split())
    for said in (
        "400 requests",
        "2.5 % not served well",
        "10 by an error; 4 of them were answered by stable in the candidate's place.",
        "lena had it: a fare sale",
        "v2 over v1, canary it is better",
        "12 (4 rescued) 9 beyond stable's",
        "accuracy",
        "0.91 [0.88, 0.93]",
        "1,000 rows held against 2,000",
        "1 of 2 columns moved",
        "58 of 60 probes had the right answer",
        "7 lost",
    ):
        assert said in words, said


def test_what_is_next_is_what_matters_most_first():
    steps = following.steps(ACCOUNT)
    assert steps[0] == "Alarm down is open: no answer. Nobody has it. `tidegate uptime delay`"
    assert any(
        "was rolled back" in one for one in following.steps(msgspec.structs.replace(ACCOUNT, released=(released("rolled_back"),)))
    )
    assert steps[-1] == "7 records of the prediction log are lost. `tidegate logs recorder` says where."
    quiet = msgspec.structs.replace(EMPTY, cells=ACCOUNT.cells[:1])
    assert following.steps(quiet) == ["Nothing stands out. `tidegate status delay` has how it stands now."]


def test_a_line_breaks_where_nothing_is_known():
    axis = charts.Axis(0.0, 4.0)
    drawn = charts.lines(axis, 1.0, [charts.Series("a", "t0", (1.0, 2.0, math.nan, 1.0))], "words")
    assert drawn.count('class="t0 curve"') == 1
    assert drawn.count("<circle") == 1


@pytest.mark.parametrize("values", [(), (0.0,), (math.nan,)])
def test_nothing_at_all_can_be_drawn(values):
    charts.lines(charts.Axis(0.0, 1.0), 1.0, [charts.Series("a", "t0", values)], "words")
    charts.stack(charts.Axis(0.0, 1.0), 1.0, [charts.Series("a", "v0", tuple(0.0 for _ in values))], "words")
    charts.twin((), ((), ()), "words")
