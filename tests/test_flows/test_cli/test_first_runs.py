"""The first-run pages: every command that they show prints what they say, where the real files are at hand."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
PAGE_PART = re.compile(
    r"^    (?P<command>(?:NECROZMA_\w+=\S+ )?necrozma [^\n]+)$|^```(?P<kind>\w*)\n(?P<block>.*?)^```$", re.M | re.S
)
RANKED = re.compile(r"^ # pair.*?^The best \d+ of \d+ settings", re.M | re.S)


def histdata(folder: Path) -> None:
    with zipfile.ZipFile(folder / "HISTDATA_COM_ASCII_EURUSD_T202001.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("DAT_ASCII_EURUSD_T_202001.txt", "Gap of 62s found between 20200101170010 and 20200101170112.")
        archive.write(DATA / "raw/histdata/histdata_ticks_2020-01-01.csv", "DAT_ASCII_EURUSD_T_202001.csv")


def dukascopy(folder: Path) -> None:
    shutil.copytree(DATA / "raw/dukascopy/GBPJPY", folder / "GBPJPY")
    shutil.copy(DATA / "raw/dukascopy/EURUSD_2015-01-01--22h_ticks.csv", folder)


def metatrader(folder: Path) -> None:
    """Write Oanda's quotes as MetaTrader 5 would: a side that has not changed is blank, times are the broker's."""
    quotes = pq.read_table(DATA / "ticks/EURUSD_oanda_2014-05.parquet").to_pandas()
    newyork = pd.to_datetime(quotes["timestamp"], utc=True).dt.tz_convert("America/New_York").dt.tz_localize(None)
    clock = newyork + pd.Timedelta(hours=7)
    sides = [quotes[side].map("{:.5f}".format) for side in ("bid", "ask")]
    changed = [side != side.shift() for side in sides]
    changed = [each | ~(changed[0] | changed[1]) for each in changed]
    table = pd.DataFrame(
        {
            "<DATE>": clock.dt.strftime("%Y.%m.%d"),
            "<TIME>": clock.dt.strftime("%H:%M:%S.%f").str[:-3],
            "<BID>": sides[0].where(changed[0], ""),
            "<ASK>": sides[1].where(changed[1], ""),
            "<LAST>": "",
            "<VOLUME>": "",
            "<FLAGS>": 2 * changed[0] + 4 * changed[1],
        }
    )
    table.to_csv(folder / "EURUSD_201405010000_201405152359.csv", sep="\t", index=False, lineterminator="\r\n")


def steps(page: str) -> list[tuple[str, str]]:
    """The commands and pieces of code of a page, each with the block that follows it."""
    found: list[tuple[str, str]] = []
    waiting = ""
    for part in PAGE_PART.finditer((ROOT / "docs" / page).read_text(encoding="utf-8")):
        if part["command"] or part["kind"]:
            waiting = part["command"] or part["block"]
        elif waiting:
            found.append((waiting, part["block"]))
            waiting = ""
    return found


def typed(command: str, executable: str) -> str:
    words = [executable, *shlex.split(command)[1:]]
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


def backtested(command: str, executable: str, caches: Path) -> str:
    """Run a backtest as a shell does, without Prefect and unthrottled, and return its ranking, or its error."""
    words = shlex.split(command)
    given = dict(words.pop(0).split("=", 1) for _ in range(words.index("necrozma")))
    done = subprocess.run(
        [executable, *words[1:], "--plain", "--no-history", "--cpu-limit", "100", "--cooldown", "0"],
        env=os.environ | given | {"XDG_CACHE_HOME": str(caches)},
        capture_output=True,
        text=True,
        check=False,
    )
    ranked = RANKED.search(done.stdout)
    return ranked.group() if ranked else done.stderr


def run_code(code: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(code, {})
    return said.getvalue()


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"real market data is not at {DATA}")
@pytest.mark.parametrize("prepare", [histdata, dukascopy, metatrader], ids=lambda prepare: prepare.__name__)
def test_first_run_prints_what_its_page_says(
    prepare: Callable[[Path], None], tmp_path: Path, executable: str, request: Any
) -> None:
    prepare(tmp_path)
    caches = Path(request.config.cache.mkdir("necrozma"))
    found = steps(f"first-run-{prepare.__name__}.md")
    assert len(found) >= 5
    for step, block in found:
        expected = block
        if " backtest " in step:
            said = backtested(step, executable, caches)
            ranked = RANKED.search(block)
            expected = ranked.group() if ranked else block
        elif step.startswith("necrozma"):
            said = typed(step, executable)
        else:
            said = run_code(step)
        # A table ends its lines with blanks, which a page need not.
        lines = [line.rstrip() for line in said.replace(str(tmp_path), "/home/me").split("\n")]
        assert lines == [line.rstrip() for line in expected.split("\n")], step
