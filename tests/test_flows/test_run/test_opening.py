"""A session that is interrupted while it opens: the run that nobody will carry on is not left as if it ran."""

import pytest

from flows.settings import load_settings
from flows.sweep_request import sweep_request
from necrozma_core.storage.runs.listing import list_runs
from necrozma_core.storage.runs.manifest import RunStatus
from necrozma_core.sweep import opening as opened

from .conftest import Watcher


@pytest.fixture
def opening(tmp_path, ticks):
    return load_settings({"data": ticks, "results": tmp_path / "results", "workers": 1, "adaptive_throttling": False})


def _open(settings, observer):
    with opened.open_session(sweep_request(settings), observer):
        raise AssertionError("it was to be interrupted before")


@pytest.mark.parametrize(
    ("error", "status"), [(SystemExit(130), RunStatus.CANCELLED), (RuntimeError("no"), RunStatus.FAILED)]
)
def test_session_that_ends_while_its_run_is_made_leaves_no_running_run(opening, monkeypatch, error, status):
    make = opened._make_run

    def interrupted(*args):
        make(*args)
        raise error

    monkeypatch.setattr(opened, "_make_run", interrupted)
    with pytest.raises(type(error)):
        _open(opening, Watcher())

    assert [run.status for run in list_runs(opening.results)] == [status]


def test_session_interrupted_while_it_begins_is_cancelled(opening):
    class Impatient(Watcher):
        def on_start(self, session):
            raise SystemExit(130)

    with pytest.raises(SystemExit):
        _open(opening, Impatient())

    assert [run.status for run in list_runs(opening.results)] == [RunStatus.CANCELLED]
