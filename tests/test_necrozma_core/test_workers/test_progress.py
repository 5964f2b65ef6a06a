import struct
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.workers.progress import ProgressBoard, SlotProgress, SlotState, SlotWriter

_SECONDS = st.floats(0, 1e6).map(lambda seconds: round(seconds, 3))
_COUNT = st.integers(0, 2**62)
_ROWS = st.builds(
    SlotProgress,
    pid=_COUNT,
    state=st.sampled_from(SlotState),
    since=_SECONDS,
    started=_SECONDS,
    done=_COUNT,
    total=_COUNT,
    ticks=_COUNT,
    helper_pid=_COUNT,
    held_s=_SECONDS,
    pair=st.text("EURUSD", max_size=6),
    stage=st.sampled_from(("read", "strategies")),
    label=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=24),
)


@pytest.fixture
def board(tmp_path):
    board = ProgressBoard.create(tmp_path / "board", 3)
    yield board
    board.close()


@given(row=_ROWS)
def test_board_row_written_is_read_back(row, tmp_path_factory):
    board = ProgressBoard.create(tmp_path_factory.mktemp("board") / "board", 2)
    board.write(1, row)

    assert ProgressBoard(board.path).read(1) == row
    assert board.read(0) == SlotProgress()


def test_board_label_too_long_is_cut_between_characters(board):
    board.write(0, SlotProgress(label="x" + "é" * 90))

    assert board.read(0).label == "x" + "é" * 22 + "…" + "é" * 23


def test_board_writer_killed_half_way_shows_idle_until_the_next_row(board):
    board.write(0, SlotProgress(pair="EURUSD", state=SlotState.RUNNING))
    board._map[0:8] = struct.pack("<Q", struct.unpack("<Q", board._map[0:8])[0] + 1)

    assert board.read(0) == SlotProgress()

    board.write(0, SlotProgress(pair="GBPUSD"))
    assert board.read(0).pair == "GBPUSD"


def test_board_rows_read_while_written_are_never_mixed(board):
    rows = [SlotProgress(done=number, total=number, ticks=number, pair=str(number)) for number in (1, 22, 333)]
    ended = threading.Event()

    def write():
        while not ended.is_set():
            for row in rows:
                board.write(0, row)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        seen = [board.read(0) for _ in range(3_000)]
    finally:
        ended.set()
        thread.join()
    assert set(seen) <= {SlotProgress(), *rows}


def test_writer_held_adds_up_only_the_time_held(board, monkeypatch):
    clock = iter((10.0, 12.0, 15.0, 20.0, 21.0))
    monkeypatch.setattr("necrozma_core.workers.progress.time.monotonic", lambda: next(clock))
    writer = SlotWriter(board, 1)
    writer.begin("EURUSD")
    writer.hold(True)
    held = board.read(1)
    writer.hold(False)
    writer.advance("strategies", 5, 50, "sma", 1_000)
    writer.hold(True)

    assert held.state is SlotState.HELD
    assert held.held_until(14.0) == pytest.approx(2.0)
    row = board.read(1)
    assert row.held_until(20.5) == pytest.approx(3.5)
    assert (row.started, row.stage, row.done) == (10.0, "strategies", 5)


def test_progress_speed_is_ticks_of_finished_units_over_time():
    row = SlotProgress(started=100.0, done=3, total=50, ticks=1_000)

    assert row.ticks_per_second(103.0) == pytest.approx(1_000.0)
    assert replace(row, done=0).ticks_per_second(103.0) is None
    assert SlotProgress().ticks_per_second(103.0) is None
