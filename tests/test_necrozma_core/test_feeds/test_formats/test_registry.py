"""Files told apart by their bytes; zips within bounds."""

import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.registry import ReadOptions, open_source
from necrozma_core.feeds.intake import import_files
from necrozma_core.market.instruments import get_pair
from necrozma_core.storage.ticks.store import TickStore

CSV = "timestamp,bid,ask\n2024-01-15T00:00:00Z,1.08512,1.08519\n2024-01-15T00:00:01Z,1.08513,1.08519\n"


def write_zip(path: Path, members: dict[str, str | bytes]) -> Path:
    path.parent.mkdir(exist_ok=True)
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
        ({"a.csv": CSV, "b.csv": CSV}, r"found 2 files \(a.csv, b.csv\)"),
        ({"a.csv": CSV, "a.exe": "x"}, r"found 2 files \(a.csv, a.exe\)"),
        ({"a.txt": CSV}, r"found 1 files \(a.txt\)"),
    ],
)
def test_zip_of_anything_but_one_csv_is_refused(tmp_path: Path, members: dict[str, str], found: str) -> None:
    refuse(write_zip(tmp_path / "a.zip", members), f"expected a zip that holds one CSV, {found}")


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


def tar_of(content: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content.encode()))
    return packed.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gz", "xz"])
@pytest.mark.parametrize(
    ("inside", "found"),
    [
        (gzip.compress(CSV.encode(), mtime=0), "a packed file"),
        (b"PK\x03\x04....", "a zip"),
        (b"PAR1....PAR1", "a Parquet file"),
        (tar_of(CSV), "a tar archive"),
        (b"BZh9....", "bzip2"),
    ],
    ids=["gz", "zip", "parquet", "tar", "bz2"],
)
def test_archive_in_an_archive_is_named_and_refused(
    tmp_path: Path, pack: Callable[[bytes], bytes], inside: bytes, found: str
) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(pack(inside))

    refuse(path, f"expected text in the archive, found {found}; unpack it and import what is inside")


def test_excel_workbook_is_named_and_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.xlsx", {"[Content_Types].xml": "x", "xl/workbook.xml": "y"})

    refuse(path, "found an Excel workbook; save it as CSV")


@pytest.mark.parametrize("name", ["../../../etc/a.csv", "/etc/a.csv", "..\\a.csv", "C:\\a.csv", "data/../../a.csv"])
def test_zip_whose_csv_would_lie_elsewhere_writes_nothing_there(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "in" / "a.zip", {name: CSV + "x\n"})

    report = import_files([path], "EURUSD", tmp_path / "data", quarantine_share=0.5)

    assert report.kept == 2
    assert [file.name for file in report.quarantine_files] == ["a.csv"]
    assert {found.relative_to(tmp_path).parts[0] for found in tmp_path.rglob("*")} == {"in", "data"}


def test_zip_with_the_publishers_report_beside_the_csv_is_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"DAT_ASCII_EURUSD_T_202001.csv": CSV, "DAT_ASCII_EURUSD_T_202001.txt": "ok"})

    assert import_files([path], "EURUSD", tmp_path / "data").kept == 2


PACKERS = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("members", [1, 3])
def test_packed_csv_of_one_member_or_several_is_the_plain_one(tmp_path: Path, kind: str, members: int) -> None:
    pieces = [CSV.encode()[place::1] for place in (0,)] if members == 1 else [CSV[:20], CSV[20:70], CSV[70:]]
    packed = b"".join(PACKERS[kind](piece.encode() if isinstance(piece, str) else piece) for piece in pieces)
    (tmp_path / f"a.csv.{kind}").write_bytes(packed)
    (tmp_path / "plain.csv").write_text(CSV, encoding="utf-8")

    import_files([tmp_path / f"a.csv.{kind}"], "EURUSD", tmp_path / "packed")
    import_files([tmp_path / "plain.csv"], "EURUSD", tmp_path / "plain")

    assert TickStore(tmp_path / "packed").fingerprint("EURUSD") == TickStore(tmp_path / "plain").fingerprint("EURUSD")


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_csv_that_ends_too_early_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.csv.{kind}"
    path.write_bytes(PACKERS[kind](CSV.encode() * 50)[:-9])

    refuse(path, "the (gzip|xz|zstd) file is damaged .*; get it again")


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_csv_that_expands_without_end_is_refused_as_it_streams(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"bomb.csv.{kind}"
    path.write_bytes(PACKERS[kind](CSV.encode() + b"2024-01-15T00:00:02Z,1.1,1.2\n" * 1_500_000))

    refuse(path, r"unpacks to more than [\d,]+ bytes, 100 times its size")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_whose_unpacking_knows_no_bound_is_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.csv", CSV)

    refuse(path, "a zip packed with (bzip2|LZMA) is not read here; unpack it and import the CSV")


@pytest.mark.parametrize(("start", "name"), [(b"BZh9", "bzip2"), (b"7z\xbc\xaf", "7-Zip"), (b"Rar!", "RAR")])
def test_other_archives_are_named_and_refused(tmp_path: Path, start: bytes, name: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(start + b"1234567890")

    refuse(path, f"{name} is not read here; unpack it, or pack the CSV as gz, zip, xz or zst")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_text_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes((CSV * 1).encode(encoding))

    assert import_files([path], "EURUSD", tmp_path / "data").kept == 2


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\x00" * 100, b"%PDF-1.7\n", CSV.encode("utf-16")[:-1], b"PK\x03\x04"]
)
def test_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    refuse(path, "expected|damaged")


def test_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(CSV, encoding="utf-8")

    def read_while_it_grows() -> None:
        with open_source(path, get_pair("EURUSD"), ReadOptions()) as opened:
            assert sum(len(batch.row) for batch in opened.rows.batches) == 2
            with path.open("a", encoding="utf-8") as file:
                file.write("2024-01-15T00:00:02Z,1.08513,1.08519\n")

    with pytest.raises(DataError, match="the file changed while it was read; import it once it is complete"):
        read_while_it_grows()
