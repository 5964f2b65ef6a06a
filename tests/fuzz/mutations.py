"""Changes of a file: of its bytes, of its cells and rows before it is packed, and of its text as a whole."""

from collections.abc import Callable
from random import Random
from typing import Final

from .samples import Sample, Table

HOSTILE: Final = (
    "", " ", "0", "-1.1", "+1.1", "1e400", "-inf", "NaN", "nan", "null", "1,08512", "1.085.12", "1_1.0", "0x1", "1e0",
    "1.1e-5", "108512", "0.00001", "1.0850000000000003", "1.0851234567891", "999999999", "12345678901", "١.١",
    "1.1\u00a0", "true", "=1+1", "'1.1", "\ufeff1.1", "\x001.1", "1.1\x00", "<script>", "\u202e1.1", "a" * 300,
    "2154-01-15T00:00:00Z", "1677-09-21T00:12:44Z", "2024-01-15 12:00:00", "2024-01-15", "2024-13-01T00:00:00Z",
    "2024-02-30T00:00:00Z", "2024-01-15T24:00:00Z", "2024-01-15T23:59:60Z", "2024-01-15T12:00:00+25:00",
    "2024-01-15T12:00:00+0100", "2024-03-10 09:30:00", "2024.03.10 09:30:00", "2024-11-03 08:30:00",
    "20240310 023000000", "1705320000", "1705320000000", "1705320000000000000", "9223372036854775807", "-1",
    "01/15/2024", "15/01/2024",
)  # fmt: skip


def mutate(sample: Sample, random: Random) -> tuple[str, bytes]:
    """Return what was done to a sample, and the file that came of it."""
    kinds: list[tuple[str, Callable[[], bytes]]] = [("bytes", lambda: change_bytes(sample.clean, random))]
    if sample.table:
        kinds += 2 * [("cells", lambda: sample.build(_change_cells(sample, random)))]
        kinds += [("rows", lambda: sample.build(change_rows(sample, random)))]
    if sample.text is not None and sample.table:
        kinds += [("text", lambda: sample.pack(_change_text(sample, random)))]
    name, make = random.choice(kinds)
    return name, make()


def change_bytes(content: bytes, random: Random) -> bytes:
    """Change one to three places of a file, or its end."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        if not content:
            return b"\0"
        at, other = sorted((random.randrange(len(content)), random.randrange(len(content))))
        byte = bytes([random.choice([random.randrange(256), 0, 10, 13, 34, 44, 46, 48, 57, 255])])
        match random.randrange(8):
            case 0:
                content = content[:at] + bytes([content[at] ^ (1 << random.randrange(8))]) + content[at + 1 :]
            case 1:
                content = content[:at] + byte + content[at + 1 :]
            case 2:
                content = content[:at] + byte + content[at:]
            case 3:
                content = content[:at] + content[at + 1 :]
            case 4:
                content = content[:at]
            case 5:
                content = content[:other] + content[at:]
            case 6:
                content = content + random.choice([content, content[at:other], b"\0" * 9, b"PK\x05\x06", b"\n"])
            case _:
                width = random.choice([1, 2, 4, 8])
                content = content[:at] + random.randbytes(width) + content[at + width :]
    return content


def _change_cells(sample: Sample, random: Random) -> Table:
    table = [list(row) for row in sample.table]
    for _ in range(random.choice([1, 1, 2, 5])):
        row = table[random.randrange(len(table))]
        if not row:
            continue
        at, other = random.randrange(len(row)), random.randrange(len(row))
        match random.randrange(7):
            case 0 | 1:
                row[at] = random.choice(HOSTILE) if sample.text or sample.has_header else str(random.randrange(2**33))
            case 2:
                row[at], row[other] = row[other], row[at]
            case 3 if row[at]:
                place = random.randrange(len(row[at]))
                digit = random.choice("0123456789")
                row[at] = row[at][:place] + digit + row[at][place + random.randrange(2) :]
            case 4 if sample.text:
                row[at] = row[at][: random.randrange(len(row[at]) + 1)] or " "
            case 5 if sample.text:
                place = random.randrange(len(row[at]) + 1)
                row[at] = row[at][:place] + random.choice(" \"'\t,;.:-+Ze\n\r\0é\u2212") + row[at][place:]
            case _:
                row[at] = sample.table[random.randrange(len(sample.table))][at % len(sample.table[0])]
    return table


def change_rows(sample: Sample, random: Random) -> Table:
    """Leave out, double, exchange, cut or lengthen rows; the header among them where the format is a text."""
    table = [list(row) for row in sample.table]
    first = int(sample.has_header and (sample.text is None or random.random() < 0.8))
    at, other = sorted((random.randrange(first, len(table)), random.randrange(first, len(table))))
    match random.randrange(9):
        case 0:
            del table[at]
        case 1:
            table.insert(other, list(table[at]))
        case 2:
            table[at], table[other] = table[other], table[at]
        case 3:
            table = table[:first] + table[at:] + table[first:at]
        case 4:
            table = table[:at] + list(reversed(table[at:]))
        case 5:
            table = table + table[first:]
        case 6 if sample.text:
            table[at] = table[at][:-1] if random.random() < 0.5 else [*table[at], "1"]
        case 7 if sample.text:
            table.insert(at, list(sample.table[0]))
        case _:
            del table[at:other]
    return table if len(table) > first else [list(row) for row in sample.table]


def _change_text(sample: Sample, random: Random) -> bytes:
    assert sample.text is not None
    text = sample.text(sample.table)
    harmless = list(HARMLESS.values())
    match random.randrange(6):
        case 0 | 1:
            return random.choice(harmless)(text)
        case 2:
            old, new = random.choice(
                [(",", ";"), (";", ","), ("\t", ","), (".", ","), (",", "\t"), (":", "."), ("-", "/")]
            )
            return text.replace(old, new).encode()
        case 3:
            at = random.randrange(len(text) + 1)
            return (
                text[:at] + random.choice(["\n", "\r", "\0", '"', "\n\n\n", " ", "é", "\ufeff"]) + text[at:]
            ).encode()
        case 4:
            at = random.randrange(len(text) + 1)
            return (text[:at] + "é" + text[at:]).encode(random.choice(["latin-1", "utf-16-le", "utf-7"]))
        case _:
            header, _, rest = text.partition("\n")
            return random.choice(
                [
                    rest,
                    f"{header}\n",
                    header,
                    f"{header}\n{header}\n{rest}",
                    f"# made by a tool\n{text}",
                    f"{rest}{header}\n",
                ]
            ).encode()


HARMLESS: Final[dict[str, Callable[[str], bytes]]] = {
    "line ends of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "a byte-order mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 of another order": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "no line break at the end": lambda text: text.rstrip("\n").encode(),
    "empty lines at the end": lambda text: f"{text}\n\n".encode(),
}
"""Changes after which a text says the same."""
