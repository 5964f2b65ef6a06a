"""What is said below a ranking of how much of it is luck."""

import pyarrow as pa

from necrozma_core.reporting.luck import luck_lines, verdict_counts
from necrozma_core.storage.results.schemas import RANKING_SCHEMA


def ranking_of(*verdicts: str | None) -> pa.Table:
    return pa.Table.from_pylist([{"verdict": verdict} for verdict in verdicts], RANKING_SCHEMA)


def test_settings_are_counted_by_all_four_verdicts() -> None:
    ranking = ranking_of("likely luck", "strong", "likely luck", None)
    assert verdict_counts(ranking) == {"strong": 1, "plausible": 0, "likely luck": 2, "too little data": 0}
    assert verdict_counts(ranking_of(None, None)) == {}


def test_lines_say_what_was_found() -> None:
    findings = {"pbo": 0.481, "spa_p_value": 0.0123}
    counted, tests, advice = luck_lines(ranking_of("strong", "too little data"), findings, {})
    assert counted == "Of 2 settings: 1 strong, 0 plausible, 0 likely luck, 1 with too little data."
    assert "48% of cuts (PBO)." in tests
    assert "1% of the time (SPA)." in tests
    assert advice == "As for the strong and the plausible: try them on years that played no part here."


def test_lines_without_tests_or_anything_good() -> None:
    lines = luck_lines(ranking_of("likely luck"), {"pbo": None, "spa_p_value": None}, {})
    assert lines[1:] == ["Nothing here is better than luck makes the best of so many; more data may show what is."]
    assert luck_lines(ranking_of("likely luck"), {"pbo": 0.5}, {})[1].endswith("50% of cuts (PBO).")
    assert luck_lines(ranking_of("likely luck"), {"spa_p_value": 0.5}, {})[1].startswith("Luck alone ")


def test_a_run_of_an_earlier_release_gets_the_warning_alone() -> None:
    assert luck_lines(ranking_of(None), {}, {}) == [
        "A list sorted by result has the luckiest on top: try them on years that played no part here."
    ]
