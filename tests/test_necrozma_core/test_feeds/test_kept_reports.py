"""Reports are made once, kept by the content of the ticks, and made again where they cannot be believed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from necrozma_core.errors import StorageError
from necrozma_core.feeds import kept_reports
from necrozma_core.feeds.data_report import report_data
from necrozma_core.feeds.intake import import_files
from necrozma_core.feeds.kept_reports import report_stored
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.quality import DAYS_FILE, QUALITY_FILE, read_quality
from necrozma_core.storage.ticks.spans import part_of
from necrozma_core.storage.ticks.store import TickStore


@pytest.fixture
def ticks() -> Ticks:
    """A tick every five minutes over the turn of a year and a holiday's hours."""
    start, end = (int(np.datetime64(text, "ms").astype(np.int64)) for text in ("2023-12-20", "2024-01-12"))
    time_ms = np.arange(start, end, 300_000)
    bid = (109_000 + np.arange(len(time_ms)) % 7).astype(np.int32)
    return Ticks(get_pair("EURUSD"), 5, time_ms, bid, bid + np.int32(8))


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The years that were looked at."""
    years: list[int] = []
    report_days = kept_reports.report_days

    def noted(pieces: Any) -> Any:
        held = list(pieces)
        years.append(int(held[0].time_ms[0].astype("datetime64[ms]").astype("datetime64[Y]").astype(int)) + 1970)
        return report_days(held)

    monkeypatch.setattr(kept_reports, "report_days", noted)
    return years


def short(store: TickStore) -> Any:
    return read_quality(store.data_dir / "EURUSD", store.fingerprint("EURUSD"))


def test_report_of_two_years_is_that_of_all_ticks(tmp_path: Path, ticks: Ticks) -> None:
    store = TickStore(tmp_path)
    store.write(ticks)

    kept, whole = report_stored(store, "EURUSD"), report_data(ticks)

    # But for the quantiles of the day that lies in both files, which are means.
    assert [day.ticks for day in kept.days] == [day.ticks for day in whole.days]
    assert [day.gaps for day in kept.days] == [day.gaps for day in whole.days]
    assert [day for day in kept.days if str(day.day) != "2024-01-01"] == [
        day for day in whole.days if str(day.day) != "2024-01-01"
    ]
    assert kept.findings == whole.findings
    assert short(store).digest == kept.digest()


def test_years_are_looked_at_once(tmp_path: Path, ticks: Ticks, looked: list[int]) -> None:
    store = TickStore(tmp_path)
    store.write(part_of(ticks, slice(0, 5_000), 5))
    first = report_stored(store, "EURUSD")
    assert looked == [2023, 2024]
    assert report_stored(store, "EURUSD") == first
    assert looked == [2023, 2024]

    store.write(part_of(ticks, slice(5_000, None), 5))
    assert short(store) is None
    report = report_stored(store, "EURUSD")

    assert looked == [2023, 2024, 2024]
    assert report.digest() == short(store).digest != first.digest()


@pytest.mark.parametrize("name", [QUALITY_FILE, DAYS_FILE])
@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff", b'{"schema": "ticks-quality/1", "sha256": "0"}'])
def test_report_that_is_damaged_is_made_again(tmp_path: Path, ticks: Ticks, name: str, content: bytes) -> None:
    store = TickStore(tmp_path)
    store.write(ticks)
    report = report_stored(store, "EURUSD")
    before = (tmp_path / "EURUSD" / name).read_bytes()
    (tmp_path / "EURUSD" / name).write_bytes(content)

    assert report_stored(store, "EURUSD") == report
    assert short(store).digest == report.digest()
    assert (tmp_path / "EURUSD" / QUALITY_FILE).exists()
    assert name == DAYS_FILE or (tmp_path / "EURUSD" / name).read_bytes() == before


def test_report_of_a_folder_that_is_only_read_is_not_kept(
    tmp_path: Path, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise StorageError("read-only file system")

    store = TickStore(tmp_path)
    store.write(ticks)
    monkeypatch.setattr(kept_reports, "publish_quality", refuse)

    assert report_stored(store, "EURUSD").ticks == len(ticks)
    assert short(store) is None


def test_import_keeps_the_report_and_says_what_all_ticks_together_show(tmp_path: Path) -> None:
    def lines(day: int) -> str:
        times = (f"2024-01-{day:02}T{hour:02}:{minute:02}:00Z" for hour in range(20) for minute in range(60))
        return "time,bid,ask\n" + "".join(f"{time},1.0900{at % 7},1.0901{at % 7}\n" for at, time in enumerate(times))

    paths = [tmp_path / f"{day}.csv" for day in (15, 16, 19)]
    for day, path in zip((15, 16, 19), paths, strict=True):
        path.write_text(lines(day))
    report = import_files(paths, "EURUSD", tmp_path / "data")

    assert report.findings == ("EURUSD, all that is stored: 2 trading days (2024-01-17, 2024-01-18) without a tick",)
    quality = read_quality(tmp_path / "data/EURUSD", TickStore(tmp_path / "data").fingerprint("EURUSD"))
    assert quality is not None
    assert quality.doubts == ("2 trading days (2024-01-17, 2024-01-18) without a tick",)


def test_findings_of_an_import_begin_with_the_worst_whatever_the_file(tmp_path: Path) -> None:
    def write(name: str, day: int, wild: list[int], wide: int) -> Path:
        rows = [[f"2024-01-{day}T{at // 60:02}:{at % 60:02}:00Z", 1.09 + at % 7 / 1e5, 1.091] for at in range(600)]
        for at in wild:
            rows[at][1:] = [10.9, 10.91]
        rows[wide][2] = 1.2
        (tmp_path / name).write_text("time,bid,ask\n" + "\n".join(",".join(map(str, row)) for row in rows))
        return tmp_path / name

    paths = [write("a.csv", 15, [100], 300), write("b.csv", 16, [100, 101], 300)]
    report = import_files(paths, "EURUSD", tmp_path / "data")

    assert [finding.split(" by")[0].split(" a spread")[0] for finding in report.findings] == [
        "b.csv: 3 ticks jump", "a.csv: 2 ticks jump", "a.csv: 1 tick has", "b.csv: 1 tick has",
    ]  # fmt: skip


def test_crossed_rows_that_were_set_aside_are_in_the_verdict(tmp_path: Path) -> None:
    rows = [f"2024-01-15T00:{at // 60:02}:{at % 60:02}Z,1.0900{at % 7},1.0901{at % 7}" for at in range(300)]
    rows[5] = "2024-01-15T00:00:05Z,1.09100,1.09000"
    (tmp_path / "a.csv").write_text("time,bid,ask\n" + "\n".join(rows))
    import_files([tmp_path / "a.csv"], "EURUSD", tmp_path / "data", quarantine_share=0.01)

    report = report_stored(TickStore(tmp_path / "data"), "EURUSD")

    assert report.set_aside == {"ask below bid": 1}
    assert "1 row was set aside when imported: ask below bid." in list(report.verdict())


def test_kept_report_is_a_record_that_says_what_it_is_of(tmp_path: Path, ticks: Ticks) -> None:
    store = TickStore(tmp_path)
    store.write(ticks)
    report_stored(store, "EURUSD")

    record = json.loads((tmp_path / "EURUSD" / QUALITY_FILE).read_text())

    assert record.keys() == {"schema", "ticks", "digest", "doubts", "sha256"}
    assert record["ticks"] == store.fingerprint("EURUSD")
