"""Nothing of a text that was read, or given up, is held by the library's thread when the reading has ended."""

import gc
import io
import weakref
from collections.abc import Callable, Iterator

import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.reading import delimited
from necrozma_core.feeds.reading.delimited import read_blocks
from necrozma_core.feeds.reading.loans import Loans, without_frames

GOOD = b"a,b\n" + b"1,2\n" * 3_000_000


@pytest.fixture
def lent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], object]]]:
    """References to what the library got; the collector of circles must not be what clears them."""
    found: list[Callable[[], object]] = []

    class Remembering(Loans):
        def lend(self, thing: object) -> object:
            found.append(weakref.ref(thing))
            return super().lend(thing)

    monkeypatch.setattr(delimited, "Loans", Remembering)
    gc.disable()
    yield found
    gc.enable()


def read(content: bytes) -> None:
    for _ in read_blocks(io.BufferedReader(io.BytesIO(content)), "a.csv", 2):
        pass


def read_one_block(content: bytes) -> None:
    blocks = read_blocks(io.BufferedReader(io.BytesIO(content)), "a.csv", 2)
    next(blocks)
    blocks.close()


@pytest.mark.parametrize("content", [GOOD, b"a,b\n1,2\n", b"a,b\n"])
@pytest.mark.parametrize("reading", [read, read_one_block])
def test_reading_that_ended_or_was_given_up_holds_nothing(
    lent: list[Callable[[], object]], content: bytes, reading: Callable[[bytes], None]
) -> None:
    if content == b"a,b\n" and reading is read_one_block:
        pytest.skip("there is no block")

    reading(content)

    assert len(lent) == 2
    assert [thing() for thing in lent] == [None, None]


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,\xe9\n",
        GOOD + b"1,\xe9\n",
        b'a,b\n"1\n2",3\n',
        b'a,b\n1,"2"3\n',
        b"a,b\n" + b"1\n" * 20_000,
        b"a,b\n" + b"x" * 3_000_000 + b",1\n",
    ],
    ids=["encoding", "encoding late", "line break", "quote", "torn", "long line"],
)
def test_reading_that_failed_holds_nothing_as_long_as_its_error_lives(
    lent: list[Callable[[], object]], content: bytes
) -> None:
    with pytest.raises(DataError) as caught:
        read(content)

    assert [thing() for thing in lent] == [None, None]
    assert caught.value.args


def test_error_without_frames_keeps_what_it_says() -> None:
    def fail() -> None:
        try:
            int("x")
        except ValueError as error:
            raise DataError("a.csv: row 2") from error

    with pytest.raises(DataError) as caught:
        fail()
    error = without_frames(caught.value)

    assert str(error) == "a.csv: row 2"
    assert isinstance(error.__cause__, ValueError)
    assert error.__traceback__ is None
    assert error.__cause__.__traceback__ is None
