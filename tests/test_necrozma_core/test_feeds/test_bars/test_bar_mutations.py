"""Files of bars with bytes and cells changed at random are read, or refused in one line: nothing else happens."""

import gzip
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from necrozma_core.errors import NecrozmaError
from necrozma_core.feeds.bars.intake import import_bars
from necrozma_core.feeds.bars.sides import Spread
from necrozma_core.feeds.bars.sources import holds_bars
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.storage.bars.joining import check_bars
from necrozma_core.storage.bars.store import BarStore

MUTATIONS = 60
CELLS = [
    "", "nan", "inf", "-1", "0", "1e400", "1e-400", "999999999999", "9" * 40, "1.1.1", '"', "\0", "é", "1,1", ";", "\t",
    "2154-01-01", "1677-01-01 00:00:00", "20240230 000000", "9223372036854775807", "0.0000000001", " ",
]  # fmt: skip
TEXTS = {
    "iso": "time,open,high,low,close\n"
    + "".join(f"2024-01-02T{hour:02}:00:00Z,1.1000,1.1010,1.0990,1.1005\n" for hour in range(9)),
    "mt5": "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    + "".join(f"2023.01.02\t{hour:02}:00:00\t1.0697\t1.0701\t1.0695\t1.0696\t12\t0\t{hour}\n" for hour in range(9)),
    "mt4": "".join(f"2012.02.01,{hour:02}:00,1.3066,1.3067,1.3065,1.3066,57\n" for hour in range(9)),
    "histdata": "".join(f"20120201 000{minute}00;1.3066;1.3067;1.3065;1.3066;0\n" for minute in range(9)),
    "dukascopy": "Gmt time,Open,High,Low,Close,Volume\n"
    + "".join(f"26.03.2025 00:0{minute}:00.000,1.07894,1.07899,1.07888,1.0789,9.9\n" for minute in range(9)),
    "points": "Date,open,high,low,close,tick_volume\n"
    + "".join(f"2012-11-16 {hour:02}:00:00,103428.0,103430.00000000001,103176,103258,491\n" for hour in range(9)),
}


def samples(folder: Path) -> dict[str, bytes]:
    frame = pd.DataFrame({"open": [1.1] * 9, "high": [1.2] * 9, "low": [1.0] * 9, "close": [1.1] * 9, "ticks": [3] * 9})
    frame.insert(0, "time", pd.date_range("2024-01-02", periods=9, freq="1h", tz="UTC"))
    frame.to_parquet(folder / "parquet")
    frame.to_feather(folder / "feather")
    packed = {"gz": gzip.compress(TEXTS["iso"].encode(), mtime=0), "utf16": TEXTS["mt5"].encode("utf-16")}
    tables = {name: (folder / name).read_bytes() for name in ("parquet", "feather")}
    return {name: text.encode() for name, text in TEXTS.items()} | packed | tables


def mutate(content: bytes, chance: Random) -> bytes:
    changed = bytearray(content)
    position = chance.randrange(len(changed))
    match chance.randrange(5):
        case 0:
            changed[position] = chance.randrange(256)
        case 1:
            del changed[position : position + chance.randint(1, 20)]
        case 2:
            changed[position:position] = chance.randbytes(chance.randint(1, 3))
        case 3:
            lines = content.split(b"\n")
            line = chance.randrange(len(lines))
            for delimiter in (b",", b";", b"\t"):
                if delimiter in lines[line]:
                    cells = lines[line].split(delimiter)
                    cells[chance.randrange(len(cells))] = chance.choice(CELLS).encode()
                    lines[line] = delimiter.join(cells)
            changed = bytearray(b"\n".join(lines))
        case _:
            lines = content.split(b"\n")
            lines.insert(chance.randrange(len(lines)), chance.choice(lines))
            changed = bytearray(b"\n".join(lines))
    return bytes(changed)


@pytest.mark.parametrize("name", [*TEXTS, "gz", "utf16", "parquet", "feather"])
def test_changed_file_is_read_or_refused_in_a_line(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    content, chance = samples(tmp_path)[name], Random(name)
    refusals: list[str] = []
    for number in range(MUTATIONS):
        path, data = tmp_path / "x.csv", tmp_path / str(number)
        path.write_bytes(mutate(content, chance))
        options = ReadOptions(zone=None if name in {"iso", "parquet"} else "UTC")
        spread = Spread.parse(chance.choice(["1", "file"]))
        try:
            holds_bars(path, options)
            (made,) = import_bars([path], "EURUSD", data, spread=spread, options=options).imports
        except NecrozmaError as error:
            refusals.append(str(error))
            continue
        bars = BarStore(data).read("EURUSD", made.timeframe_ms)
        check_bars(bars, "x.csv")
    assert not [message for message in refusals if "\n" in message]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", [*TEXTS, "gz", "utf16", "parquet", "feather"])
def test_unchanged_file_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(samples(tmp_path)[name])

    report = import_bars([path], "EURUSD", tmp_path / "d", spread=Spread.parse("1"), options=ReadOptions(zone="UTC"))

    assert report.imports[0].bars == 9
