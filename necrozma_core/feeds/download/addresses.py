"""Where each source is asked, and whose terms its data are under. No address stands anywhere else."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from necrozma_core.errors import UsageError, shown


@dataclass(frozen=True, slots=True)
class Provider:
    """A source as its users know it.

    Attributes
    ----------
    title : str
    address : str
        What the paths of its files are joined to.
    terms : str
        Whose terms its data are under, and where to look for them.
    """

    title: str
    address: str
    terms: str


DUKASCOPY: Final = Provider(
    "Dukascopy",
    "https://jetta.dukascopy.com/v1",
    "Dukascopy Bank's data, under its terms of use: https://www.dukascopy.com/swiss/english/marketwatch/historical/",
)
EXNESS: Final = Provider(
    "Exness", "https://ticks.ex2archive.com", "Exness's data, under its terms of use: https://www.exness.com"
)
HISTDATA: Final = Provider(
    "HistData",
    "https://www.histdata.com",
    "HistData's data, under its terms of use: https://www.histdata.com; its downloads by FTP pay for its traffic",
)


def check_address(address: str) -> str:
    """Return an address that was given for a source, without a slash at its end.

    Raises
    ------
    UsageError
        It is none of http or https, or has more than a host, a port and a path.
    """
    try:
        parts = urlsplit(address)
        plain = bool(parts.hostname) and not (parts.query or parts.fragment or parts.username or parts.password)
        known = parts.scheme in {"http", "https"} and plain and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or not address.isprintable() or " " in address or not address.isascii():
        raise UsageError(f"--address {shown(address)}: expected the address of a mirror, such as https://host/path")
    return address.rstrip("/")
