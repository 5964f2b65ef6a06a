"""What the benchmarks measure with: labels of the sampler, roles of processes, memory, pages."""

import argparse
import os

import pytest

from benchmarks.json_storage import read_json, write_json
from benchmarks.measuring.cpu_profile import sum_up
from benchmarks.measuring.measure import interleaved, megabytes, one_of, peak_memory_mb
from benchmarks.measuring.pages import put_between_marks
from benchmarks.measuring.processes import Role, role_of
from benchmarks.measuring.sampler.sitecustomize import label
from benchmarks.migration import measure_migration

SITE = "/usr/lib/python3.11/site-packages"
CORE = "/home/somebody/necrozma/necrozma_core"


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (
            [(f"{CORE}/backtest/river.py", "run"), (f"{CORE}/market/bars.py", "build")],
            "necrozma_core/market/bars.py: build",
        ),
        (
            [("/home/somebody/necrozma/flows/launch.py", "run"), ("<frozen importlib._bootstrap>", "_find_and_load"),
             (f"{SITE}/prefect/__init__.py", "<module>"), (f"{SITE}/pydantic/main.py", "<module>")],
            "importing prefect",
        ),
        (
            [(f"{CORE}/backtest/river.py", "run"), (f"{SITE}/numba/core/dispatcher.py", "compile"),
             (f"{SITE}/numba/core/caching.py", "load_overload")],
            "numba: loading and storing compiled kernels",
        ),
        (
            [("/home/somebody/flows/server/embedded_process.py", "_serve"), (f"{SITE}/uvicorn/main.py", "run")],
            "library uvicorn",
        ),
        ([(f"{CORE}/workers/rehearsal.py", "rehearse"), (f"{CORE}/market/bars.py", "Bars")],
         "running every kernel once, before the first pair"),
        ([("/usr/lib/python3.11/threading.py", "run")], "the standard library"),
    ],
)  # fmt: skip
def test_label_of_a_stack_says_what_it_is_at(places, expected):
    assert label(places) == expected


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("/venv/bin/python /venv/bin/necrozma backtest --data d", Role.COMMAND),
        ("/venv/bin/python -P /checkout/flows/server/embedded_process.py lock 127.0.0.1 4200", Role.SERVER),
        ("/venv/bin/python -B -c from multiprocessing.spawn import spawn_main; spawn_main()", Role.WORKER),
        ("/venv/bin/python -B -c from multiprocessing.resource_tracker import main;main(5)", Role.OTHER),
        ("", Role.OTHER),
    ],
)
def test_role_of_a_process_follows_from_its_command(command, role):
    assert role_of(command) is role


def test_profile_of_several_workers_is_summed_with_what_was_not_seen():
    process = {
        "command": "python -c from multiprocessing.spawn import spawn_main",
        "before": 0.5,
        "total": 4.0,
        "sampler": 0.25,
        "seconds": {"importing numba": 2.0, "necrozma_core/market/bars.py: build": 1.0},
    }
    spent = sum_up([process, process])[Role.WORKER]
    assert spent["importing numba"] == 4.0
    assert spent["the interpreter's start"] == 1.0
    assert sum(spent.values()) == 2 * (4.0 - 0.25)


def test_peak_memory_after_an_allocation_is_at_least_as_much():
    before = peak_memory_mb()
    block = bytearray(os.urandom(1)) * (64 << 20)
    assert peak_memory_mb() >= max(before, 64)
    del block


def test_peak_memory_of_no_process_is_a_dash():
    assert megabytes(peak_memory_mb(2**30)) == "-"


def test_interleaved_works_take_turns():
    turns = []
    works = {name: lambda name=name: turns.append(name) or float(len(turns)) for name in "ab"}
    timings = interleaved(works, 2)
    assert turns == ["a", "b", "a", "b"]
    assert timings["b"].runs == (2.0, 4.0)


def test_put_between_marks_replaces_only_what_is_between(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- x -->\n\nold\n\n<!-- /x -->\nbelow\n")
    put_between_marks(page, "x", r"new \1")
    assert page.read_text() == "above\n<!-- x -->\n\nnew \\1\n\n<!-- /x -->\nbelow\n"
    with pytest.raises(SystemExit, match="no place marked 'y'"):
        put_between_marks(page, "y", "text")


def test_json_of_results_read_back_has_every_row(tmp_path):
    import pyarrow as pa

    metrics = pa.table({"strategy": ["a", "b"]})
    trades = pa.table({"strategy": ["a", "b", "a"], "profit": [1.0, 2.0, 3.0]})
    write_json(tmp_path / "json", metrics, trades)
    assert read_json(tmp_path / "json") == 5


def test_names_of_a_command_may_be_none_some_or_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", type=one_of(["job", "pairs"]))

    assert parser.parse_args([]).names == []
    assert parser.parse_args(["pairs", "job"]).names == ["pairs", "job"]
    with pytest.raises(SystemExit):
        parser.parse_args(["jobs"])
    assert "unknown name 'jobs': expected one of job, pairs" in capsys.readouterr().err


def test_migration_is_measured_on_what_the_original_wrote() -> None:
    text = measure_migration(trades=6)
    for what in ("backtest results", "trade logs", "metrics of all strategies", "all"):
        assert f"\n| {what} " in text
    assert "with every value compared" in text
