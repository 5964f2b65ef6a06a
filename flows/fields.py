"""What a field of ``config.py`` says of its setting: its kind, how it is typed, explained, bounded and kept.

All of it is plain: the command line reads it, and pydantic takes longer to import than all of ``--help``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, NamedTuple, get_type_hints

_LONGEST_LABEL: Final = 60
_LONGEST_PATH: Final = 4_000  # Linux takes 4,095 bytes; some are left for the names of what lies in a folder
_LONGEST_NAME: Final = 255


class Group(StrEnum):
    """The headings of the flags in the help of ``necrozma backtest``."""

    WHAT = "What is backtested"
    MONEY = "Money"
    MACHINE = "The machine"
    OUTPUT = "Output"


class Flag(NamedTuple):
    """How a command takes a setting.

    Attributes
    ----------
    name, short : str
        As typed; ``short`` may be empty.
    help, metavar : str
        What ``--help`` says, and what stands there for the value; a switch has no value.
    group : Group or None
        Where ``necrozma backtest`` lists the flag; None where only other commands have it.
    """

    name: str
    help: str
    group: Group | None = None
    metavar: str | None = None
    short: str = ""

    @property
    def negated(self) -> str:
        """What turns a switch off."""
        return self.name.replace("--", "--no-", 1)


class Form(NamedTuple):
    """How the form in Prefect's UI explains a setting.

    Attributes
    ----------
    description : str
    examples : list or None
    pattern : str or None
        A regular expression for a text.
    le : float or None
        The most that the form takes, where the setting has no such bound or a wider one.
    """

    description: str
    examples: list[Any] | None = None
    pattern: str | None = None
    le: float | None = None


class Key(NamedTuple):
    """The key of a setting in the dictionaries of ``config.py``, where it is not the setting's name."""

    name: str


class Range:
    """The bounds of a number, which pydantic checks: to it this is a group by the protocol of annotated_types."""

    __is_annotated_types_grouped_metadata__ = True

    def __init__(self, *, ge: float | None = None, gt: float | None = None, le: float | None = None) -> None:
        self.ge = ge
        self.gt = gt
        self.le = le

    def __iter__(self) -> Iterator[object]:
        from annotated_types import Interval  # noqa: PLC0415 -- its import is a tenth of --help

        return iter(Interval(ge=self.ge, gt=self.gt, le=self.le))


class Before:
    """A check ahead of pydantic's own, as its ``BeforeValidator`` is."""

    def __init__(self, check: Callable[[object], object]) -> None:
        self._check = check

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415 -- as above

        return core_schema.no_info_before_validator_function(self._check, handler(source))


def _refuse_boolean(value: object) -> object:
    """Refuse True and False, which pydantic would take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


def _refuse_impossible(value: object) -> object:
    """Refuse a path that no system can have, of which Python would complain wherever it is first used."""
    text = str(value).encode(errors="surrogateescape")
    if not text:
        raise ValueError("should be a path")
    if b"\0" in text or len(text) > _LONGEST_PATH or max(map(len, text.split(b"/"))) > _LONGEST_NAME:
        raise ValueError(f"should be a path of at most {_LONGEST_PATH:,} bytes, {_LONGEST_NAME} a name, none of them 0")
    return value


def _check_label(value: object) -> object:
    """Take a label without the spaces around it, if it fits on a line of a list and is no other name of a run."""
    if not isinstance(value, str):
        return value
    label = value.strip()
    if not (0 < len(label) <= _LONGEST_LABEL and label.isprintable()) or label == "latest":
        raise ValueError(f"should be a name of up to {_LONGEST_LABEL} printable characters, other than latest")
    return label


Number = Annotated[float, Before(_refuse_boolean)]
Count = Annotated[int, Before(_refuse_boolean)]
# The range comes first: beyond another check, pydantic does not tell the form of it.
KeptTrades = Annotated[int, Range(ge=0), Before(_refuse_boolean)]
RunLabel = Annotated[str, Before(_check_label)]
SomePath = Annotated[Path, Before(_refuse_impossible)]


@dataclass(frozen=True)
class SwapRates:
    """What a night costs or earns on one pair, in pips; positive where the account is credited."""

    __pydantic_config__: ClassVar = {"extra": "forbid", "allow_inf_nan": False}

    long: Number = 0.0
    short: Number = 0.0


@dataclass(frozen=True)
class Commission:
    """What a broker takes for a pair; what is left out is as for all pairs."""

    __pydantic_config__: ClassVar = {"extra": "forbid", "allow_inf_nan": False}

    per_lot: Number | None = None
    per_million: Number | None = None
    percent: Number | None = None
    minimum: Number | None = None


@dataclass(frozen=True)
class Instrument:
    """A pair as a broker's contract has it; what is left out is as in docs/money.md."""

    __pydantic_config__: ClassVar = {"extra": "forbid", "allow_inf_nan": False}

    pip: Number | None = None
    contract_size: Count | None = None
    lot_step: Number | None = None
    min_lots: Number | None = None
    max_lots: Number | None = None
    leverage: Number | None = None


class Setting(NamedTuple):
    """What a field says, taken apart.

    Attributes
    ----------
    name : str
    kind : type
        As annotated, without what stands beside the types.
    key : str
        In the dictionaries of ``config.py``.
    range : Range or None
    flag : Flag or None
        None where no command takes the setting.
    form : Form or None
        None where the setting is no parameter of the flow.
    """

    name: str
    kind: Any
    key: str
    range: Range | None
    flag: Flag | None
    form: Form | None


def take_apart(*fields: type) -> dict[str, Setting]:
    """Return the fields of classes as settings, by name and in their order."""
    settings: dict[str, Setting] = {}
    for each in fields:
        annotations = get_type_hints(each, include_extras=True)
        for name, kind in get_type_hints(each).items():
            said = {type(one): one for one in getattr(annotations[name], "__metadata__", ())}
            key = said.get(Key, Key(name)).name
            settings[name] = Setting(name, kind, key, said.get(Range), said.get(Flag), said.get(Form))
    return settings
