"""A real small run, published: its report draws the best of each pair whose trades are stored, and nothing else."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from necrozma_core.backtest.key import result_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.reporting import curves
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep.publishing import publish_page, publish_ranking

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
