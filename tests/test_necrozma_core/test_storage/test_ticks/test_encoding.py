"""A year's file as bytes: read in any layout, and harmless whatever is in it."""

import io
from random import Random

import numpy as np
import pyarrow.parquet as pq
import pytest
from tick_samples import make, same

from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks import encoding as tick_files
from necrozma_core.storage.ticks.encoding import decode_groups, decode_ticks, encode_ticks


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"row_group_size": 70},
        {"compression": "zstd"},
        {"column_encoding": {"bid": "PLAIN"}},
        {"column_encoding": None, "use_dictionary": True},
        {"data_page_version": "2.0"},
    ],
    ids=["ours", "short groups", "compressed", "plain", "dictionary", "version 2"],
)
def test_file_in_another_layout_reads_the_same(changed: dict[str, object]) -> None:
    ticks = make("2024-05-01", 500)
    sink = io.BytesIO()
    written = pq.ParquetFile(io.BytesIO(encode_ticks(ticks))).read()
    pq.write_table(written, sink, **tick_files._WRITING | changed)
    into = Ticks(ticks.pair, 5, *(np.zeros_like(array) for array in (ticks.time_ms, ticks.bid, ticks.ask)))

    decode_ticks(sink.getvalue(), into)

    assert same(into, ticks)
    asks = [part.ask.copy() for part in decode_groups(sink.getvalue(), ticks.pair, 5, len(ticks))]
    assert np.array_equal(np.concatenate(asks), ticks.ask)


@pytest.mark.faults
def test_file_that_nobody_verified_is_refused_or_read_whatever_its_bytes() -> None:
    good = encode_ticks(make("2024-05-01", 300))
    into = make("2024-05-01", 300)
    chance, refused = Random(5), 0
    for _ in range(1_000):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        try:
            decode_ticks(bytes(bad), into)
        except ValueError:
            refused += 1
    assert refused > 50
