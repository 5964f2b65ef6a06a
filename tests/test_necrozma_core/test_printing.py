"""One function makes texts fit to be shown: nothing in them steers a terminal, and no secret is in them."""

import inspect
import io
import logging
import pickle
import warnings
from collections.abc import Iterator

import pytest
from hostile_texts import hostile_texts, steering_signs

from necrozma_core import printing
from necrozma_core.errors import DataError, NecrozmaError
from necrozma_core.printing import keep_logs_printable, keep_secret, one_line, printable, shorten

TEXTS = hostile_texts(1_000, seed=1)


@pytest.fixture
def logs() -> Iterator[None]:
    factory, form = logging.getLogRecordFactory(), warnings.formatwarning
    keep_logs_printable()
    yield
    logging.setLogRecordFactory(factory)
    warnings.formatwarning = form


@pytest.fixture
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "_secrets", set())


def test_text_with_anything_in_it_becomes_printable_once_and_for_all() -> None:
    for text in TEXTS:
        shown = printable(text)
        assert not steering_signs(shown), ascii(text)
        assert printable(shown) == shown
        shown.encode()


def test_control_characters_are_shown_as_escapes_and_the_rest_stays() -> None:
    assert printable("a\x1b[31m\x07\x9b\t\r\n\x7f") == "a\\x1b[31m\\x07\\x9b\\t\\r\n\\x7f"
    assert printable("caf\udce9 \u202e\ud800") == "caf\\xe9 \\u202e\\ud800"
    assert printable("Überverkauft 超卖 🚀 ⚡  [red] :smile:") == "Überverkauft 超卖 🚀 ⚡  [red] :smile:"


def test_one_line_joins_lines_and_keeps_the_spaces_within() -> None:
    assert one_line(" a  b \n\n  c\x1b\n") == "a  b c\\x1b"


def test_shortened_text_keeps_its_ends() -> None:
    assert shorten("abcdefghij", 10) == "abcdefghij"
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert shorten("abcdefghij", 6) == "abc…ij"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+asyncpg://me:pw@db:5432/x", "postgresql+asyncpg://***@db:5432/x"),
        ("http://me:p/w@s@host/api", "http://***@host/api"),
        ("https://token@host/api", "https://***@host/api"),
        ("https://host/hook?token=abc&x=1; see the log", "https://host/hook?***; see the log"),
        ("('https://host/hook?token=abc')", "('https://host/hook?***')"),
        ("https://host/cb#access_token=abc", "https://host/cb#***"),
        ("http://127.0.0.1:4200/runs/a@b", "http://127.0.0.1:4200/runs/a@b"),
        ("file:///home/a@b/report.html#curves", "file:///home/a@b/report.html#curves"),
        ("what is it? me@host", "what is it? me@host"),
    ],
)
def test_user_password_and_query_of_an_address_are_hidden(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown


@pytest.mark.usefixtures("no_secrets")
def test_secret_is_hidden_wherever_it_stands_and_a_short_one_is_none() -> None:
    keep_secret("https://hooks.example/T0/B0/abcdef")
    keep_secret("http://")
    keep_secret("")
    assert printable("refused by https://hooks.example/T0/B0/abcdef (http://x)") == "refused by *** (http://x)"


def test_error_says_what_may_be_shown_and_is_rebuilt_as_it_was() -> None:
    for text in TEXTS:
        error = pickle.loads(pickle.dumps(DataError(f"{text}: row 1")))
        assert isinstance(error, NecrozmaError)
        assert not steering_signs(str(error))
        assert error.args == (f"{text}: row 1",)


def _with_heirs(kind: type[NecrozmaError]) -> Iterator[type[NecrozmaError]]:
    yield kind
    for heir in kind.__subclasses__():
        yield from _with_heirs(heir)


@pytest.mark.parametrize("kind", list(_with_heirs(NecrozmaError)))
def test_every_kind_of_error_says_what_may_be_shown(kind: type[NecrozmaError]) -> None:
    _, *given = inspect.signature(kind.__init__).parameters.values()
    needed = [each for each in given if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD]
    error = kind(*[1 if each.annotation is int else "a\x1b[31m" for each in needed] or ["a\x1b[31m"])
    assert "a\\x1b[31m" in str(error)
    assert not steering_signs(str(error))


@pytest.mark.usefixtures("logs")
def test_log_of_anything_with_its_traceback_is_printable() -> None:
    stream = io.StringIO()
    logger = logging.Logger("printing")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    for text in TEXTS:
        logger.warning("%s", text)
        logger.warning(text.replace("%", ""))
        try:
            raise ValueError(text)
        except ValueError:
            logger.exception("it failed")
    assert "ValueError" in stream.getvalue()
    assert not steering_signs(stream.getvalue())


@pytest.mark.usefixtures("logs")
def test_warning_about_a_file_of_any_name_is_printable() -> None:
    for text in TEXTS[:100]:
        shown = warnings.formatwarning(f"divide {text}", RuntimeWarning, f"/tmp/{text}.py", 1)
        assert "RuntimeWarning: divide" in shown
        assert not steering_signs(shown)
