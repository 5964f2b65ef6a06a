"""Years read back: as one set of arrays or piece by piece, and never from bytes other than the recorded ones."""

import hashlib
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from tick_samples import make, same

from necrozma_core.errors import DamagedError
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks import encoding
from necrozma_core.storage.ticks.encoding import ROW_GROUP_ROWS
from necrozma_core.storage.ticks.manifest import TickManifest
from necrozma_core.storage.ticks.reading import MissingFileError, check_size, read_pieces, read_years
from necrozma_core.storage.ticks.spooling import HeldSpan
from necrozma_core.storage.ticks.writing import write_years


def store_year(folder: Path, ticks: Ticks) -> TickManifest:
    return TickManifest(ticks.pair.name, write_years(folder, TickManifest(ticks.pair.name), [HeldSpan(ticks)]))


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def test_pieces_put_together_are_the_years_read_at_once(tmp_path: Path) -> None:
    coarse, fine = make("2021-03-01", ROW_GROUP_ROWS + 7, digits=4, step_ms=3), make("2022-03-01", 50)
    years = write_years(tmp_path, TickManifest("EURUSD"), [HeldSpan(coarse), HeldSpan(fine)])
    manifest, seen = TickManifest("EURUSD", years), list[int]()

    whole = read_years(tmp_path, manifest)
    pieces = [
        # A piece is gone with the next one.
        Ticks(piece.pair, piece.digits, piece.time_ms.copy(), piece.bid.copy(), piece.ask.copy())
        for piece in read_pieces(tmp_path, manifest, seen.append)
    ]

    joined = (np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("time_ms", "bid", "ask"))
    assert [len(piece) for piece in pieces] == [ROW_GROUP_ROWS, 7, 50]
    assert {piece.digits for piece in pieces} == {whole.digits} == {5}
    assert same(Ticks(whole.pair, 5, *joined), whole)
    assert seen[-1] == len(whole)


def test_bytes_whose_hash_is_wrong_are_not_parsed(tmp_path: Path) -> None:
    manifest = store_year(tmp_path, make("2024-05-01", 500))
    spoil(tmp_path / manifest.years[0].file)

    for read in (read_years, lambda *stored: list(read_pieces(*stored))):
        with (
            patch.object(encoding.pq, "ParquetFile", side_effect=AssertionError("parsed")),
            pytest.raises(DamagedError, match=r"expected sha256 [0-9a-f]{12}\.\.\., found .*; restore it, or remove"),
        ):
            read(tmp_path, manifest)


def test_bytes_that_are_no_ticks_are_damage_even_where_their_hash_is_the_recorded_one(tmp_path: Path) -> None:
    manifest = store_year(tmp_path, make("2024-05-01", 500))
    (year,) = manifest.years
    content = b"PAR1" + b"x" * (year.size - 8) + b"PAR1"
    (tmp_path / year.file).write_bytes(content)
    recorded = replace(manifest, years=(replace(year, sha256=hashlib.sha256(content).hexdigest()),))

    for read in (read_years, lambda *stored: list(read_pieces(*stored))):
        with pytest.raises(DamagedError, match="expected 500 ticks, found"):
            read(tmp_path, recorded)


def test_check_size_tells_a_missing_file_from_one_of_another_size(tmp_path: Path) -> None:
    (year,) = store_year(tmp_path, make("2024-05-01", 500)).years
    path = tmp_path / year.file
    assert check_size(tmp_path, year) == path

    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=f"expected {year.size} bytes, found {year.size - 1}"):
        check_size(tmp_path, year)
    path.unlink()
    with pytest.raises(MissingFileError, match="missing; restore it, or remove"):
        check_size(tmp_path, year)
