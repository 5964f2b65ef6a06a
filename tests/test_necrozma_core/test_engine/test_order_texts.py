import pytest

from necrozma_core.engine.order_texts import Clock, Window, parse_clock, parse_session, parse_targets, parse_window
from necrozma_core.errors import UsageError

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("text", "zone", "hours"),
    [
        ("16:30@Europe/London", "Europe/London", 16.5),
        ("16:30 Europe/London", "Europe/London", 16.5),
        (" 9:00 @ Asia/Tokyo ", "Asia/Tokyo", 9),
        ("00:00", "UTC", 0),
        ("23:59", "UTC", 23 + 59 / 60),
    ],
)
def test_clock_text_gives_zone_and_time(text: str, zone: str, hours: float) -> None:
    assert parse_clock(text) == Clock(zone, round(hours * HOUR_MS))


@pytest.mark.parametrize("text", ["", "24:00", "16.30", "16:3", "16:30:00", "16:30@", "noon", "-1:00", "16:30UTC"])
def test_clock_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"close_at .*expected a time of the clock, such as 16:30@Europe/London"):
        parse_clock(text, "close_at")


@pytest.mark.parametrize("zone", ["Europe/Londn", "Europe", "../etc/passwd", "CES", "+02:00"])
def test_clock_text_with_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(UsageError, match="unknown zone"):
        parse_clock(f"16:30@{zone}")
    with pytest.raises(UsageError, match="unknown zone"):
        parse_window(f"16:30-17:00@{zone}")


def test_window_text_gives_zone_and_hours() -> None:
    london = Window("Europe/London", 7 * HOUR_MS, 16 * HOUR_MS)
    assert parse_window("07:00-16:00@Europe/London") == parse_window("7:00 - 16:00 Europe/London") == london
    assert parse_window("22:00-06:00") == Window("UTC", 22 * HOUR_MS, 6 * HOUR_MS)


@pytest.mark.parametrize("text", ["", "07:00", "07:00-", "07:00-25:00", "07:00-07:00", "07:00-7:00 UTC", "7-16"])
def test_window_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"entry_window .*expected two times"):
        parse_window(text)


def test_targets_text_gives_pips_and_fractions() -> None:
    assert parse_targets("10:0.5+20:0.25") == ((10.0, 0.5), (20.0, 0.25))
    assert parse_targets(" 2.5 : 1 ") == ((2.5, 1.0),)
    # Their sum in floating point is above 1.
    assert parse_targets("1:.7+2:.1+3:.2") == ((1.0, 0.7), (2.0, 0.1), (3.0, 0.2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected pips and fractions"),
        ("10", "expected pips and fractions"),
        ("10:0.5+", "expected pips and fractions"),
        ("10:0", "expected pips and fractions"),
        ("0:0.5", "expected pips and fractions"),
        ("-10:0.5", "expected pips and fractions"),
        ("10:nan", "expected pips and fractions"),
        ("10:1e-1", "expected pips and fractions"),
        ("20:0.5+10:0.25", "distances that rise"),
        ("10:0.5+10:0.25", "distances that rise"),
        ("10:0.6+20:0.5", "at most 1 together, found 1.1"),
    ],
)
def test_targets_text_that_is_none_is_refused(text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        parse_targets(text)


def test_session_gives_its_end_by_its_clock() -> None:
    assert parse_session("london") == Clock("Europe/London", 16 * HOUR_MS + HOUR_MS // 2)
    with pytest.raises(UsageError, match=r"close_session .*london"):
        parse_session("lodnon")
