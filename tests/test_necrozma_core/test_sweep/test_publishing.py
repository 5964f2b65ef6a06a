"""A real small run, published: its report draws the best of each pair whose trades are stored, and nothing else.

Its JSON copies say what is stored, number by number, in JSON that every reader takes.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest
from storage_samples import FailingFiles

from necrozma_core.backtest.key import result_key
from necrozma_core.backtest.request import PairRequest, Receipt
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.errors import StorageError
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.reporting import curves
from necrozma_core.storage.results import json_copy
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.manifest import read_manifest
from necrozma_core.storage.runs.verify import verify_results
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep.publishing import publish_json, publish_page, publish_ranking

INITIAL_BALANCE = 2_500.0
SVG = "{http://www.w3.org/2000/svg}"

STRATEGIES = """
import numpy as np

class Every:
    params, stop_loss_pips, take_profit_pips = {}, 5.0, 10.0
    def __init__(self, name, side):
        self.name, self.side = name, side
    def signals(self, bars):
        signals = np.zeros(len(bars), np.int8)
        signals[::7], signals[3::7] = self.side, -self.side
        return signals

def strategies():
    return [Every("long <first>", 1), Every("short first", -1)]
"""


def ignore(stage: str, done: int, total: int, label: str, ticks: int) -> None:
    """Hold nothing."""


@pytest.fixture
def published(tmp_path: Path) -> tuple[RunFolder, pa.Table]:
    """A ranked run of three pairs, the last of which kept no trades."""
    data, results = tmp_path / "data", tmp_path / "results"
    write_samples(data, ["EURUSD", "GBPUSD", "AUDUSD"], 4_000, 7)
    (tmp_path / "mine.py").write_text(STRATEGIES)
    source = StrategySource.from_file(tmp_path / "mine.py")
    receipts = []
    for pair, keep_trades in (("EURUSD", None), ("GBPUSD", 1), ("AUDUSD", 0)):
        bare = PairRequest(pair, 300_000, source, data, results, keep_trades=keep_trades)
        request = PairRequest(pair, 300_000, source, data, results, keep_trades=keep_trades, key=result_key(bare))
        receipts.append(evaluate_pair(request, ignore))
    settings = {"initial_balance": INITIAL_BALANCE, "account_currency": "USD"}
    keys = {receipt.pair: receipt.key for receipt in receipts}
    run = RunFolder.create(results, settings=settings, inputs={}, keys=keys)
    _, ranking = publish_ranking(run, receipts)
    return run, ranking


def pictures_of(report: Path) -> dict[str, ET.Element]:
    """The report's pictures by their titles."""
    elements = [
        ET.fromstring(f"<svg{rest.partition('</svg>')[0]}</svg>") for rest in report.read_text().split("<svg")[1:]
    ]
    return {element.findtext(f"{SVG}title", ""): element for element in elements}


def test_published_report_draws_the_best_of_each_pair_with_stored_trades(published: tuple[RunFolder, pa.Table]) -> None:
    run, ranking = published
    best: dict[str, dict[str, object]] = {}
    for row in ranking.to_pylist():
        best.setdefault(row["pair"], row)
    drawn = pictures_of(publish_page(run))
    assert list(drawn) == [
        f"{pair} {best[pair]['strategy']}: balance after its closed trades" for pair in ("EURUSD", "GBPUSD")
    ]


def test_published_curve_ends_at_the_net_profit_of_the_ranking(published: tuple[RunFolder, pa.Table]) -> None:
    run, ranking = published
    [title, *_], [picture, *_] = zip(*pictures_of(publish_page(run)).items(), strict=True)
    row = next(row for row in ranking.to_pylist() if row["pair"] == "EURUSD")
    assert title.startswith("EURUSD ")
    line = picture.find(f"{SVG}polyline")
    assert line is not None
    last = float(line.attrib["points"].split()[-1].partition(",")[2])
    high, low = (float((text.text or "").replace(",", "")) for text in picture.findall(f"{SVG}text")[:2])
    # Heights run down from the highest balance at 16 to the lowest at 124.
    ending = high - (last - 16) / 108 * (high - low)
    assert ending == pytest.approx(INITIAL_BALANCE + row["net_profit"], abs=0.01 * (high - low) + 1)


def test_published_report_says_which_pair_has_too_many_trades(
    published: tuple[RunFolder, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = published
    monkeypatch.setattr(curves, "MOST_TRADES", 1)
    report = publish_page(run)
    assert pictures_of(report) == {}
    assert report.read_text().count("too many to read for a picture") == 2


def test_published_report_survives_trades_that_are_damaged(published: tuple[RunFolder, pa.Table]) -> None:
    run, _ = published
    [trades] = run.path.parents[1].glob("store/EURUSD/*/trades.parquet")
    trades.write_bytes(trades.read_bytes()[:-1])
    report = publish_page(run)
    assert [title.split()[0] for title in pictures_of(report)] == ["GBPUSD"]
    assert "trades.parquet: expected" in report.read_text()


def test_published_ranking_says_how_much_is_luck_in_the_manifest_and_in_the_report(
    published: tuple[RunFolder, pa.Table],
) -> None:
    run, ranking = published
    # Days of 4,000 quotes are few.
    assert ranking["verdict"].to_pylist() == ["too little data"] * 6
    assert set(run.manifest.findings) == {"pbo", "spa_p_value", "effective_trials"}
    assert read_manifest(run.path).findings == run.manifest.findings
    page = publish_page(run).read_text()
    assert "Of 6 settings: 0 strong, 0 plausible, 0 likely luck, 6 with too little data." in page
    assert page.count(">too little data</td>") == 6


def receipt_of(run: RunFolder, pair: str) -> Receipt:
    return Receipt(pair, run.manifest.keys[pair], False, 3, 0, 0, failures=(("third", "why"),))


def strict(path: Path) -> dict[str, Any]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return dict(json.loads(path.read_text(encoding="ascii"), parse_constant=refuse))


@pytest.mark.parametrize("batch", [4_096, 1, 7])
@pytest.mark.parametrize("pair", ["EURUSD", "GBPUSD", "AUDUSD"])
def test_json_copy_says_what_is_stored(
    published: tuple[RunFolder, pa.Table], pair: str, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = published
    monkeypatch.setattr(json_copy, "_BATCH_ROWS", batch)
    store, key = run.results.store, run.manifest.keys[pair]

    path = publish_json(run, receipt_of(run, pair))

    assert path == run.path / f"{pair}_backtest.json"
    copy = strict(path)
    assert copy["universe_metadata"] == {"pair": pair, "timeframe": "5min", "interval": 5}
    assert copy["statistics"] == {"total_strategies": 3, "successful": 2, "failed": 1}
    assert copy["backtest_timestamp"] == run.manifest.started_at
    stored, trades = store.read_metrics(pair, key).to_pylist(), store.read_trades(pair, key).to_pylist()
    assert [row["strategy_name"] for row in copy["results"]] == [row["strategy"] for row in stored]
    for found, wanted in zip(copy["results"], stored, strict=True):
        assert (found["sharpe_ratio"], found["n_trades"], found["avg_win"], found["note"]) == (
            *(wanted["sharpe"], wanted["trades"], wanted["average_win"], wanted["note"]),
        )
        assert found["max_drawdown"] == -wanted["max_drawdown"] >= 0
        assert found["ulcer_index"] == wanted["ulcer_index"] * 100
        assert {found[name] == wanted[name] for name in ("win_rate", "profit_factor", "expectancy", "lots")} == {True}
        own = [trade for trade in trades if trade["strategy"] == wanted["strategy"]]
        assert [
            (trade["direction"], trade["entry_time"], trade["entry_price"], trade["pnl_pips"], trade["profit"])
            for trade in found["trades_detailed"]
        ] == [(each["side"], str(each["entry_time"].isoformat(" ", "milliseconds")), *by_price(each)) for each in own]
    assert verify_results(run.path.parents[1]) == []


def by_price(trade: dict[str, Any]) -> tuple[float, float, float]:
    return trade["entry_price"], trade["pips"], trade["profit"]


def test_json_copy_is_the_same_for_the_same_run_and_seen_when_damaged(published: tuple[RunFolder, pa.Table]) -> None:
    run, _ = published
    path = publish_json(run, receipt_of(run, "EURUSD"))
    before = path.read_bytes()
    run.forget(path.name)
    assert publish_json(run, receipt_of(run, "EURUSD")).read_bytes() == before
    path.write_bytes(before.replace(b"long", b"lone", 1))
    assert [damage.path for damage in verify_results(run.path.parents[1])] == [path]


@pytest.mark.parametrize("call", ["create", "write", "sync", "rename"])
def test_json_copy_that_finds_no_space_leaves_nothing(published: tuple[RunFolder, pa.Table], call: str) -> None:
    run, _ = published
    full = RunFolder(replace(run.results, files=FailingFiles(OSError(28, "full"), call)), run.path.name, run.manifest)
    before = sorted(path.name for path in run.path.iterdir())
    with pytest.raises(StorageError, match="No space left on device"):
        publish_json(full, receipt_of(run, "EURUSD"))
    assert sorted(path.name for path in run.path.iterdir()) == before
