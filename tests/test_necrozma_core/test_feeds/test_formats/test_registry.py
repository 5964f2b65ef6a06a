"""Files told apart by their bytes; zips within bounds."""

import gzip
import zipfile
from pathlib import Path

import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.registry import open_source
from necrozma_core.feeds.intake import import_files
from necrozma_core.market.instruments import get_pair
from necrozma_core.storage.ticks.store import TickStore

CSV = "timestamp,bid,ask\n2024-01-15T00:00:00Z,1.08512,1.08519\n2024-01-15T00:00:01Z,1.08513,1.08519\n"


def write_zip(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refuse(path: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        import_files([path], "EURUSD", path.parent / "data")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not TickStore(path.parent / "data").pairs()


@pytest.mark.parametrize("name", ["a.zip", "a.csv", "a"])
def test_zip_of_one_csv_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    report = import_files([write_zip(tmp_path / name, {"any/where.CSV": CSV})], "EURUSD", tmp_path / "data")

    assert report.kept == 2


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, "found nothing"),
        ({"a.csv": CSV, "b.csv": CSV}, r"found 2 files \('a.csv, b.csv'\)"),
        ({"a.csv": CSV, "readme.txt": "x"}, r"found 2 files \('a.csv, readme.txt'\)"),
        ({"a.txt": CSV}, r"found 1 files \('a.txt'\)"),
    ],
)
def test_zip_of_anything_but_one_csv_is_refused(tmp_path: Path, members: dict[str, str], found: str) -> None:
    refuse(write_zip(tmp_path / "a.zip", members), f"expected a zip that holds one CSV and nothing else, {found}")


def test_zip_that_expands_without_end_is_refused_as_it_streams(tmp_path: Path) -> None:
    row = "2024-01-15T00:00:00Z,1.08512,1.08519\n"
    path = write_zip(tmp_path / "bomb.zip", {"a.csv": "timestamp,bid,ask\n" + row * 1_500_000})

    assert path.stat().st_size < 500_000
    refuse(path, r"the zip unpacks to more than [\d,]+ bytes, 100 times its size")


@pytest.mark.parametrize("spoil", ["truncate", "content", "size"])
def test_zip_that_is_damaged_is_refused(tmp_path: Path, spoil: str) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.csv": CSV * 1})
    content = bytearray(path.read_bytes())
    match spoil:
        case "truncate":
            content = content[:-30]
        case "content":
            content[60] ^= 0xFF
        case "size":
            content[content.rindex(b"PK\x01\x02") + 24] -= 20
    path.write_bytes(content)

    refuse(path, "damaged|could not be read|expected")


def test_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.csv": CSV})
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    path.write_bytes(content)

    refuse(path, "the zip cannot be unpacked here .*password")


def test_gzip_is_named_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(CSV.encode()))

    refuse(path, "gzip is not read here; unpack it, and import the CSV or a zip of it")


@pytest.mark.parametrize("content", [b"", b"\n", b"\x00" * 100, b"%PDF-1.7\n", CSV.encode("utf-16"), b"PK\x03\x04"])
def test_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    refuse(path, "expected|damaged")


def test_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(CSV, encoding="utf-8")

    def read_while_it_grows() -> None:
        with open_source(path, get_pair("EURUSD"), None) as stream:
            assert sum(len(batch.row) for batch in stream.batches) == 2
            with path.open("a", encoding="utf-8") as file:
                file.write("2024-01-15T00:00:02Z,1.08513,1.08519\n")

    with pytest.raises(DataError, match="the file changed while it was read; import it once it is complete"):
        read_while_it_grows()
