"""A run as one HTML page that needs nothing else: no scripts, no fonts, nothing from anywhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from html import escape
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.errors import shown
from necrozma_core.metrics.figures import Metrics
from necrozma_core.reporting.curves import Curve
from necrozma_core.reporting.luck import luck_lines
from necrozma_core.reporting.marks import FEW_TRADES_SIGN, has_holdout, mark_lines, origin_lines, sharpe_marks
from necrozma_core.reporting.ranking import best_of_pairs
from necrozma_core.storage.disk.columns import scalar_of

TOP: Final = 50
"""How many rows of the ranking a report shows."""
_MOST_LISTED: Final = 50
"""How many strategies without trades, or failures, are listed by name."""

_DOUBTS: Final = " doubts"
"""Ends the name of an input that says what is doubtful about a pair's data."""

_STYLE: Final = """
:root { color-scheme: light dark; --line: #d5d9e0; --soft: #5a6372; --mark: #fff4d6; --head: #f3f5f8; }
@media (prefers-color-scheme: dark) { :root { --line: #3a414d; --soft: #a4adbb; --mark: #3b3116; --head: #232831; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 84rem; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2rem; }
h1, h2, li { overflow-wrap: anywhere; }
.soft, caption { color: var(--soft); } .wide { overflow-x: auto; }
.note { background: var(--mark); border-radius: 6px; padding: .7rem 1rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .5rem; text-align: left; }
th { background: var(--head); vertical-align: bottom; } th.number, td.number { text-align: right; }
td { white-space: nowrap; } td.long { overflow-wrap: anywhere; white-space: normal; min-width: 16rem; }
.curves { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fill, minmax(min(30rem, 100%), 1fr)); }
figure { margin: 0; min-width: 0; } figcaption { overflow-wrap: anywhere; } svg { width: 100%; }
""".strip()

_Row = Mapping[str, Any]
_FIGURES: Final = frozenset(field.name for field in fields(Metrics))


class _Column(NamedTuple):
    name: str
    head: str
    show: Callable[[Any], str]
    kind: str = "number"


def render_report(ranking: pa.Table, manifest: Mapping[str, Any], curves: Sequence[Curve] = (), top: int = TOP) -> str:
    """Render a run as HTML.

    Parameters
    ----------
    ranking : pyarrow.Table
        Of ``RANKING_SCHEMA``; possibly without rows.
    manifest : mapping
        A run's manifest in its form at rest: ``run_id``, ``status``, ``started_at``, ``ended_at``, ``settings``,
        ``inputs``, ``versions``, ``seconds`` and ``pairs``, each of which may be missing.
    curves : sequence of Curve
        Of each pair's best strategy, in the order in which they are drawn; a pair may have none.
    top : int
        Rows of the ranking to show.

    Returns
    -------
    str
        A whole document. Whatever a user may have named is escaped, and equal input gives equal text.
    """
    settings: _Row = manifest.get("settings") or {}
    currency = str(settings.get("account_currency") or "account currency")
    pairs: Mapping[str, _Row] = manifest.get("pairs") or {}
    title = f"Backtest {manifest.get('run_id') or ''}".strip()
    rows = ranking.slice(0, top).to_pylist()
    parts = [
        f"<h1>{escape(title)}</h1>",
        _summary(ranking, manifest, pairs),
        _luck(ranking, manifest.get("findings") or {}, settings),
        *(f"<p class='note'>{escape(line)}</p>" for line in origin_lines(rows, settings)),
        _warnings(ranking, pairs, manifest.get("inputs") or {}),
        "<h2>Ranking</h2>",
        _table(
            f"The first {min(top, len(ranking))} of {len(ranking):,} settings. Money in {currency}.",
            _ranking_columns(
                currency, with_verdict=any(row["verdict"] for row in rows), with_holdout=has_holdout(rows)
            ),
            rows,
        ),
        _legend(rows),
        _best_by_pair(ranking, currency, curves),
        _silent(ranking),
        _failures(pairs),
        *(
            _facts(name.capitalize(), manifest.get(name))
            for name in ("findings", "settings", "inputs", "versions", "seconds")
        ),
    ]
    return document(title, "\n".join(part for part in parts if part))


def document(title: str, body: str) -> str:
    """Return a whole page around a body, in the style that all our pages have; the title is escaped here."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _summary(ranking: pa.Table, manifest: Mapping[str, Any], pairs: Mapping[str, _Row]) -> str:
    heads = {"status": "", "started_at": "started ", "ended_at": "ended "}
    facts = [f"{head}{manifest[name]}" for name, head in heads.items() if manifest.get(name)]
    trades = _count(ranking["trades"])
    n_pairs = len(set(pairs) | set(pc.unique(ranking["pair"]).to_pylist()))
    facts.append(f"{len(ranking):,} settings on {n_pairs} pairs, {trades:,} trades")
    return _soft(" · ".join(facts))


def _luck(ranking: pa.Table, findings: _Row, settings: _Row) -> str:
    tried = len(ranking)
    if not tried:
        return ""
    gained = _count(pc.greater(ranking["net_profit"], scalar_of(pa.float64(), 0.0)))
    return (
        f"<p class='note'><strong>Read this first.</strong> {tried:,} settings were tried and {gained:,} of them ended "
        "with a profit. Among so many settings without any merit the best would look good too, and the more are tried, "
        f"the better it looks. {escape(' '.join(luck_lines(ranking, findings, settings)))} Distrust a setting whose "
        "neighbours do badly.</p>"
    )


def _warnings(ranking: pa.Table, pairs: Mapping[str, _Row], inputs: Mapping[str, Any]) -> str:
    silent = _count(pc.equal(ranking["trades"], scalar_of(pa.int64(), 0)))
    few = _count(ranking["few_trades"]) - silent
    has_ratio = pc.is_valid(ranking["sharpe"])
    few_days, constant = (_count(pc.and_(has_ratio, ranking[name])) for name in ("few_days", "constant_returns"))
    failed_pairs = [name for name, record in pairs.items() if record.get("failure")]
    failed = sum(len(record.get("strategy_failures") or ()) for record in pairs.values())
    doubtful = [name.removesuffix(_DOUBTS) for name in inputs if name.endswith(_DOUBTS)]
    warnings = [
        (len(doubtful), f"pairs whose data is doubtful, see the inputs below ({', '.join(doubtful)})"),
        (len(failed_pairs), f"pairs that failed and are missing here ({', '.join(failed_pairs)})"),
        (failed, "strategies that failed, named below"),
        (silent, "settings without a trade, named below"),
        (few, "settings with fewer than 30 trades, marked † and ranked after the others"),
        (few_days, "settings with a Sharpe ratio of fewer than 30 days, marked ‡ and ranked after the others"),
        (constant, "settings with practically constant returns, marked ≈, whose Sharpe ratio ranks for nothing"),
    ]
    items = "".join(f"<li>{escape(text)}: {count:,}</li>" for count, text in warnings if count)
    return f"<h2>Warnings</h2><ul>{items}</ul>" if items else ""


def _best_by_pair(ranking: pa.Table, currency: str, curves: Sequence[Curve]) -> str:
    if not len(ranking):
        return ""
    table = _table("The first of each pair.", _ranking_columns(currency), best_of_pairs(ranking).to_pylist())
    return f"<h2>Best of each pair</h2>{table}{_drawn(curves, currency)}"


def _drawn(curves: Sequence[Curve], currency: str) -> str:
    figures = "".join(
        f"<figure><figcaption><strong>{escape(curve.pair)}</strong> {escape(curve.strategy)}</figcaption>"
        f"{curve.svg() or _soft(curve.note)}</figure>"
        for curve in curves
    )
    about = f"Their balance after closed trades, {currency}; open positions are not counted."
    return f"<p>{escape(about)}</p><div class='curves'>{figures}</div>" if curves else ""


def _silent(ranking: pa.Table) -> str:
    silent = ranking.filter(pc.equal(ranking["trades"], scalar_of(pa.int64(), 0)))
    columns = (_PAIR, _STRATEGY, _Column("note", "why", lambda note: escape(note or "not said"), "long"))
    rows = silent.slice(0, _MOST_LISTED).to_pylist()
    return "<h2>Without a trade</h2>" + _table(_of(len(rows), len(silent)), columns, rows) if rows else ""


def _failures(pairs: Mapping[str, _Row]) -> str:
    rows = [
        {"pair": pair, "strategy": name, "reason": reason}
        for pair, record in pairs.items()
        for name, reason in (
            *([("all", record["failure"])] if record.get("failure") else []),
            *(record.get("strategy_failures") or ()),
        )
    ]
    listed = rows[:_MOST_LISTED]
    return (
        "<h2>Failures</h2>" + _table(_of(len(listed), len(rows)), (_PAIR, _STRATEGY, _REASON), listed) if rows else ""
    )


def _facts(head: str, facts: object) -> str:
    rows = [{"name": name, "value": value} for name, value in _flatten(facts)]
    columns = (_Column("name", "", _text, "short"), _Column("value", "", _text, "long"))
    return f"<h2>{escape(head)}</h2>" + _table("", columns, rows) if rows else ""


def _flatten(value: object, name: str = "") -> Iterable[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield name, ", ".join(map(str, value))
    elif name:
        yield name, value if isinstance(value, str) else "–" if value is None else shown(value)


def _table(caption: str, columns: Sequence[_Column], rows: Sequence[_Row]) -> str:
    if not rows:
        return "<p>Nothing to show.</p>"
    heads = "".join(f'<th scope="col"{_class(column)}>{escape(column.head)}</th>' for column in columns)
    body = "\n".join(
        "<tr>" + "".join(f"<td{_class(column)}>{_cell(column, row)}</td>" for column in columns) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table>{caption and f"<caption>{escape(caption)}</caption>"}\n'
        f"<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _cell(column: _Column, row: _Row) -> str:
    if column.name == "trades":
        return f"{row['trades']:,}{f' {FEW_TRADES_SIGN}' if row['few_trades'] else ''}"
    if column.name == "sharpe" and (marks := sharpe_marks(row)):
        return f"{column.show(row['sharpe'])} {marks}"
    value = row[column.name]
    if value is None and column.kind == "number":
        why = f' title="{escape(row["note"])}"' if column.name in _FIGURES and row["note"] else ""
        return f'<span class="soft"{why}>–</span>'
    return column.show(value)


def _class(column: _Column) -> str:
    return f' class="{column.kind}"'


def _ranking_columns(currency: str, *, with_verdict: bool = False, with_holdout: bool = False) -> tuple[_Column, ...]:
    return (
        _Column("rank", "rank", _integer),
        _PAIR,
        _STRATEGY,
        _Column("trades", "trades", _integer),
        _Column("sharpe", "Sharpe", _ratio),
        *(_JUDGED if with_verdict else ()),
        _Column("net_profit", f"net profit, {currency}", _money),
        _Column("total_return", "return, %", _percent),
        _Column("max_drawdown", "worst drawdown, %", _percent),
        _Column("max_drawdown_at_exits", "the same at exits, %", _percent),
        *(_HELD if with_holdout else ()),
        _Column("profit_factor", "profit factor", _ratio),
        _Column("expectancy", f"a trade, {currency}", _money),
        _Column("win_rate", "won, %", _percent),
        _Column("sortino", "Sortino", _ratio),
        _Column("calmar", "Calmar", _ratio),
        _Column("exposure", "in a position, %", _percent),
        _Column("stop_loss_pips", "stop, pips", _plain),
        _Column("take_profit_pips", "target, pips", _plain),
        _Column("lots", "lots", _plain),
        _Column("timeframe", "timeframe", _text, "short"),
    )


def _legend(rows: Sequence[_Row]) -> str:
    undefined = "– none, or undefined: the row's note says why, over the sign and in the Parquet file."
    return _soft(" ".join([*mark_lines(rows), undefined])) if rows else ""


def _soft(text: str) -> str:
    return f"<p class='soft'>{escape(text)}</p>"


def _text(value: object) -> str:
    return escape(str(value))


def _integer(value: int) -> str:
    return f"{value:,}"


def _plain(value: float) -> str:
    return f"{value:g}"


def _money(value: float) -> str:
    return f"{value:,.2f}"


def _ratio(value: float) -> str:
    return f"{value:.2f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _of(shown: int, count: int) -> str:
    return "" if shown == count else f"The first {shown} of {count:,}."


def _count(values: pa.ChunkedArray) -> int:
    return int(pc.sum(values).as_py() or 0)


_PAIR: Final = _Column("pair", "pair", _text, "short")
_STRATEGY: Final = _Column("strategy", "strategy", _text, "long")
_REASON: Final = _Column("reason", "reason", _text, "long")
_JUDGED: Final = (
    _Column("verdict", "verdict", lambda verdict: escape(verdict or "–"), "short"),
    _Column("deflated_sharpe", "better than luck, %", _percent),
    _Column("q_value", "share of luck, %", _percent),
)
_HELD: Final = (
    _Column("holdout_trades", "hold-out: trades", _integer),
    _Column("holdout_sharpe", "hold-out: Sharpe", _ratio),
    _Column("holdout_net_profit", "hold-out: net profit", _money),
    _Column("holdout_max_drawdown", "hold-out: drawdown, %", _percent),
)
