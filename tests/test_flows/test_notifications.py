"""Who is told of a run's end, and that the run does not depend on it."""

import inspect
import json
import logging
import socket
import threading
from types import SimpleNamespace
from uuid import UUID

import pytest
from prefect.client.schemas.objects import StateType
from prefect.states import State

from flows import notifications
from flows.notifications import notify

FLOW = SimpleNamespace(name="backtest-pairs")
FLOW_RUN_ID = UUID("00000000-0000-4000-8000-000000000001")


def end(kind: StateType, message: str = ""):
    flow_run = SimpleNamespace(id=FLOW_RUN_ID, name="20260102-030405-abcd", deployment_id=None)
    notify(flow=FLOW, flow_run=flow_run, state=State(type=kind, message=message))


def test_hook_has_the_parameters_that_prefect_gives():
    assert list(inspect.signature(notify).parameters) == ["flow", "flow_run", "state"]


def test_flow_calls_the_hook_at_every_end():
    from flows.backtest import backtest_pairs

    for hooks in ("on_completion_hooks", "on_failure_hooks", "on_cancellation_hooks", "on_crashed_hooks"):
        assert [hook.__name__ for hook in getattr(backtest_pairs, hooks)] == ["notify"]


def test_nobody_is_told_by_default(webhook, monkeypatch):
    monkeypatch.delenv("NECROZMA_NOTIFY_URL", raising=False)
    end(StateType.FAILED)
    assert webhook.received == []


@pytest.mark.parametrize("kind", [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED])
def test_end_is_posted_as_json(webhook, monkeypatch, kind):
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", webhook.url)
    end(kind, "1 of 4 pairs failed (GBPUSD)")
    (post,) = webhook.received
    assert (post["path"], post["type"]) == ("/hook/SECRET", "application/json")
    body = post["body"]
    assert (body["flow"], body["run"], body["state"]) == ("backtest-pairs", "20260102-030405-abcd", kind.value)
    assert body["flow_run_id"] == str(FLOW_RUN_ID)
    assert body["text"].startswith("backtest-pairs 20260102-030405-abcd: ")
    assert "1 of 4 pairs failed (GBPUSD)" in body["text"]


def test_long_message_is_cut(webhook, monkeypatch):
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", webhook.url)
    end(StateType.FAILED, "x" * 100_000)
    assert len(webhook.received[0]["body"]["message"]) == 2_000


def test_message_that_steers_terminals_is_posted_as_what_may_be_shown(webhook, monkeypatch):
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", webhook.url)
    end(StateType.FAILED, f"a\x1b[31m failed at {webhook.url}, http://me:pw@host/x?token=1")
    body = webhook.received[0]["body"]
    assert body["message"] == "a\\x1b[31m failed at ***, http://***@host/x?***"
    assert "\x1b" not in body["text"]


def test_refusing_webhook_is_a_warning_without_its_address(webhook, monkeypatch, caplog):
    webhook.answer = 500
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", webhook.url)
    with caplog.at_level(logging.WARNING, logger="flows.notifications"):
        end(StateType.FAILED)
    assert "500" in caplog.text
    assert "SECRET" not in caplog.text


def test_webhook_that_is_not_there_is_a_warning(monkeypatch, caplog):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("NECROZMA_NOTIFY_URL", f"http://127.0.0.1:{probe.getsockname()[1]}/SECRET")
        end(StateType.FAILED)
    assert "nobody was notified" in caplog.text
    assert "SECRET" not in caplog.text


def test_webhook_that_never_answers_is_given_up(webhook, monkeypatch, caplog):
    webhook.wait = threading.Event()
    monkeypatch.setattr(notifications, "_TIMEOUT_S", 0.2)
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", webhook.url)
    end(StateType.FAILED)
    assert "nobody was notified" in caplog.text


@pytest.mark.parametrize("url", ["file:///etc/passwd", "hooks.example/SECRET", "ftp://hooks.example/SECRET"])
def test_address_of_another_kind_is_refused_without_showing_it(monkeypatch, caplog, url):
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", url)
    end(StateType.FAILED)
    assert "bad value" in caplog.text
    assert url not in caplog.text


@pytest.mark.parametrize("url", ["http://", "http://[", "http://ex ample/"])
def test_address_that_means_nothing_is_a_warning(monkeypatch, caplog, url):
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", url)
    end(StateType.FAILED)
    assert "nobody was notified" in caplog.text


def test_manifest_of_a_run_does_not_hold_the_address(monkeypatch):
    from flows.settings import load_settings

    monkeypatch.setenv("NECROZMA_NOTIFY_URL", "https://hooks.example/SECRET")
    assert "SECRET" not in json.dumps(load_settings().record())
