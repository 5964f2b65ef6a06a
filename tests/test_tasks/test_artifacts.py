"""What is shown of a run in Prefect's UI, and that a run does not depend on it."""

import base64
import logging
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from storage_samples import KEY, METADATA, random_ranking, random_table

from necrozma_core.backtest.request import Receipt
from necrozma_core.reporting import curves
from necrozma_core.storage.results.schemas import GOVERNOR_SCHEMA, METRICS_SCHEMA, RANKING_SCHEMA, TRADES_SCHEMA
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder
from tasks import artifacts, best_effort, progress
from tasks.artifacts import governor_artifact, pair_artifact, ranking_artifact
from tasks.figures import readable
from tasks.markdown import code, plain
from tasks.progress import Progress

RECEIPT = Receipt("EURUSD", KEY, True, 10, 40, 1_000, (("bad|name", "Error: <b>no</b>"),))


@pytest.fixture(autouse=True)
def reachable(monkeypatch):
    """One test's lost server is not the next one's."""
    monkeypatch.setattr(best_effort._Line, "quiet_until", -math.inf)


@pytest.fixture
def shown(monkeypatch):
    """What Prefect was told, by kind and key."""
    told = {}

    def keep(kind):
        def create(content, key, **_):
            told[kind, key] = content
            return "artifact"

        return create

    for kind in ("markdown", "table", "link", "progress"):
        monkeypatch.setattr(progress if kind == "progress" else artifacts, f"create_{kind}_artifact", keep(kind))
    return told


@pytest.fixture
def store(tmp_path):
    """One pair, whose strategies are those of its trades."""
    store = ResultsFolder(tmp_path).store
    trades = random_table(TRADES_SCHEMA, 200)
    metrics = random_table(METRICS_SCHEMA, 3)
    names = pa.array(["alpha", "beta", "gamma(fast=3)"])
    metrics = metrics.set_column(
        METRICS_SCHEMA.get_field_index("strategy"), METRICS_SCHEMA.field("strategy"), names
    )  # fmt: skip
    with store.open_writer("EURUSD", KEY, METADATA) as writer:
        writer.write_trades(trades)
        writer.write_metrics(metrics)
    return store


def image_of(markdown: str) -> ET.Element:
    (encoded,) = re.findall(r"!\[[^]]*\]\(data:image/svg\+xml;base64,([^)]*)\)", markdown)
    return ET.fromstring(base64.b64decode(encoded))


def test_pair_is_shown_with_its_best_strategy_as_a_picture(store, shown):
    pair_artifact(store, RECEIPT, 10_000.0)
    markdown = shown["markdown", "pair-eurusd"]
    best = re.search(r"^\| 1 \| (\S+) \|", markdown, re.MULTILINE)[1]
    picture = image_of(markdown)
    assert picture.find("{http://www.w3.org/2000/svg}title").text == f"EURUSD {best}: balance after its closed trades"
    assert "currentColor" not in ET.tostring(picture, "unicode")


def test_tables_mark_and_explain_what_a_sharpe_ratio_lacks(shown, tmp_path):
    ranking = random_ranking(3)
    marks = {"few_trades": [False, True, False], "few_days": [False, True, True]}
    marks |= {"constant_returns": [False, False, True], "sharpe": [1.0, 2.0, 3.0]}
    for name, values in marks.items():
        field = ranking.schema.field(name)
        ranking = ranking.set_column(ranking.schema.get_field_index(name), field, pa.array(values, field.type))
    ranking_artifact(ranking, tmp_path)
    assert [row["Sharpe"] for row in shown["table", "ranking"]] == ["1.00", "2.00‡", "3.00‡≈"]
    assert [row["Trades"].endswith("†") for row in shown["table", "ranking"]] == [False, True, False]


def test_picture_ends_at_the_balance_after_all_trades(store, shown):
    pair_artifact(store, RECEIPT, 10_000.0)
    markdown = shown["markdown", "pair-eurusd"]
    best = re.search(r"^\| 1 \| (\S+) \|", markdown, re.MULTILINE)[1]
    rows = [row for row in store.read_trades("EURUSD", KEY).to_pylist() if row["strategy"] == best]
    balances = 10_000 + np.cumsum([row["profit"] - row["commission"] + row["swap"] for row in rows])
    picture = image_of(markdown)
    points = picture.find("{http://www.w3.org/2000/svg}polyline").get("points").split()
    heights = [float(point.partition(",")[2]) for point in points]
    low, high = (
        float(text.text.replace(",", "")) for text in picture.findall("{http://www.w3.org/2000/svg}text")[1::-1]
    )
    # Heights run down from the highest balance at 16 to the lowest at 124.
    ending = high - (heights[-1] - 16) / 108 * (high - low)
    assert ending == pytest.approx(balances[-1], abs=0.01 * (high - low) + 1)


def test_pair_with_very_many_trades_is_shown_without_a_picture(store, shown, monkeypatch):
    monkeypatch.setattr(curves, "MOST_TRADES", 199)
    pair_artifact(store, RECEIPT, 10_000.0)
    assert "data:image" not in shown["markdown", "pair-eurusd"]
    assert "Balance not drawn: 200 trades" in shown["markdown", "pair-eurusd"]


def test_failed_strategies_cannot_change_the_page(store, shown):
    pair_artifact(store, RECEIPT, 10_000.0)
    assert r"- **bad\|name** failed: Error: &lt;b&gt;no&lt;/b&gt;" in shown["markdown", "pair-eurusd"]


def test_ranking_shows_verdicts_and_says_how_much_is_luck(shown, tmp_path):
    verdicts = ["strong", "likely luck", "likely luck", "too little data"]
    table = random_ranking(4)
    index = RANKING_SCHEMA.get_field_index("verdict")
    table = table.set_column(index, RANKING_SCHEMA.field("verdict"), pa.array(verdicts))
    ranking_artifact(table, tmp_path / "ranking.parquet", {}, {"pbo": 0.25, "spa_p_value": 0.01})
    assert [row["Verdict"] for row in shown["table", "ranking"]] == verdicts

    earlier = table.set_column(index, RANKING_SCHEMA.field("verdict"), pa.nulls(4, pa.string()))
    ranking_artifact(earlier, tmp_path / "ranking.parquet")
    assert not any("Verdict" in row for row in shown["table", "ranking"])


@pytest.fixture
def run(tmp_path):
    settings = {"cpu_limit": 80.0, "workers": 4}
    return RunFolder.create(tmp_path / "results", settings=settings, inputs={}, keys={"EURUSD": KEY})


def governor(rows: int, **columns) -> pa.Table:
    table = random_table(GOVERNOR_SCHEMA, rows)
    for name, values in columns.items():
        field = GOVERNOR_SCHEMA.field(name)
        table = table.set_column(GOVERNOR_SCHEMA.get_field_index(name), field, pa.array(values, field.type))
    return table


def test_texts_from_outside_steer_nothing_in_an_artifact():
    text = "a\x1b]0;t\x07\u202e`|b"
    assert plain(text) == "a\\\\x1b\\]0;t\\\\x07\\\\u202e\\`\\|b"
    assert readable({"strategy": text}) == {"Strategy": "a\\x1b]0;t\\x07\\u202e`|b"}
    assert readable({"strategy": "a" * 100 + "z" * 100}) == {"Strategy": "a" * 30 + "…" + "z" * 29}
    assert code(Path("/data/\x1b`x")) == "`/data/\\x1b'x`"


def test_governor_is_summed_up(run, shown):
    looks = governor(
        4,
        capacity=[2.0] * 4,
        total=[1.0, 1.2, 2.0, None],
        allowance=[4.0, 3.0, 1.6, 2.0],
        resting=[False, False, False, True],
        message=[None, None, "CPU 100.0% > 80% - reducing to 1.6 workers", None],
    )
    run.publish_governor(looks)
    governor_artifact(run.path, run.manifest)
    markdown = shown["markdown", "governor"]
    assert "CPU: 60 % in the middle, 100 % at most; the limit was 80 %, exceeded at 33% of 4 looks" in markdown
    assert "allowance: 0 to 4 of 4 workers" in markdown
    assert "CPU 100.0% &gt; 80% - reducing to 1.6 workers" in markdown


def test_governor_without_a_sensor_says_so(run, shown):
    run.publish_governor(governor(2, total=[None, None]))
    governor_artifact(run.path, run.manifest)
    assert "CPU: unavailable" in shown["markdown", "governor"]


def test_governor_of_a_run_that_computed_nothing_is_not_shown(run, shown):
    governor_artifact(run.path, run.manifest)
    assert shown == {}


def test_governor_that_said_much_is_cut(run, shown):
    run.publish_governor(governor(80, message=[f"message {number}" for number in range(80)]))
    governor_artifact(run.path, run.manifest)
    assert shown["markdown", "governor"].count("message ") == 50
    assert "30 more" in shown["markdown", "governor"]


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now.seconds)
    return now


def test_progress_is_told_each_second_and_at_the_end(shown, clock, monkeypatch):
    told = []
    monkeypatch.setattr(progress, "update_progress_artifact", lambda artifact, percent: told.append(percent))
    shown_to = Progress(200)
    for settled in range(1, 201):
        clock.seconds += 0.1
        shown_to.show(settled)
    assert told[-1] == 100.0
    assert told == sorted(told)
    assert 20 <= len(told) <= 22


def test_progress_never_goes_back(shown, clock, monkeypatch):
    told = []
    monkeypatch.setattr(progress, "update_progress_artifact", lambda artifact, percent: told.append(percent))
    shown_to = Progress(4)
    for settled in (2, 1, 4, 3):
        clock.seconds += 10
        shown_to.show(settled)
    assert told == [50.0, 100.0]


def test_progress_without_a_server_is_one_warning(monkeypatch, caplog):
    def lost(*_, **__):
        raise ConnectionError("no server")

    monkeypatch.setattr(progress, "create_progress_artifact", lost)
    with caplog.at_level(logging.WARNING, logger="tasks.best_effort"):
        shown_to = Progress(2)
        shown_to.show(1)
        shown_to.show(2)
    assert len(caplog.records) == 1
