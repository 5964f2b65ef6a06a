"""A server that refuses is waited for as long as it lives, one that has ended not at all."""

import time

import anyio
import httpx
import pytest
from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient
from prefect.events.clients import PrefectEventsClient
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.server.patience import Patience, ServerGoneError, patient_clients

REFUSED = httpx.Response(503, json={"exception_message": "Service Unavailable"})


class Server:
    """Answers from a list, and notes what it was asked; an exception in the list is raised."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    """No test waits between two tries."""

    async def sleep_async(seconds):
        pass

    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(anyio, "sleep", sleep_async)
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
        yield


def patience(*, alive=True, working=False, stopping=False):
    return Patience(None if alive is None else lambda: alive, lambda: working, lambda: stopping)


def post(server, patient, base="http://127.0.0.1:9"):
    with (
        patient_clients(patient),
        PrefectHttpxSyncClient(base_url=base, transport=httpx.MockTransport(server)) as client,
    ):
        return client.post("/flow_runs/", json={})


def post_async(server, patient):
    async def go():
        transport = httpx.MockTransport(server)
        async with PrefectHttpxAsyncClient(base_url="http://127.0.0.1:9", transport=transport) as client:
            return await client.post("/flow_runs/", json={})

    with patient_clients(patient):
        return anyio.run(go)


@pytest.mark.parametrize("call", [post, post_async])
@pytest.mark.parametrize("answer", [REFUSED, httpx.Response(429), httpx.ReadTimeout("late"), httpx.ConnectError("no")])
def test_call_is_repeated_while_the_server_lives(call, answer):
    server = Server(*[answer] * 12, httpx.Response(201))

    assert call(server, patience()).status_code == 201
    assert len(server.asked) == 13


@pytest.mark.parametrize("call", [post, post_async])
def test_call_to_a_dead_server_is_not_even_tried(call):
    server = Server(httpx.ConnectError("no"))

    with pytest.raises(ServerGoneError):
        call(server, patience(alive=False))
    assert server.asked == []


def test_server_that_dies_during_a_call_ends_it(monkeypatch):
    life = iter([True, False])
    server = Server(httpx.ReadError("reset"))

    with pytest.raises(ServerGoneError):
        post(server, Patience(lambda: next(life), lambda: True, lambda: False))
    assert len(server.asked) == 1


@pytest.mark.parametrize("answer", [httpx.Response(404), httpx.Response(409), httpx.Response(500)])
def test_answer_that_another_try_does_not_change_is_raised(answer):
    server = Server(answer)

    with pytest.raises(PrefectHTTPStatusError):
        post(server, patience(working=True))
    assert len(server.asked) == 1


def test_server_of_the_users_is_waited_for_while_it_answers_alone():
    assert post(Server(REFUSED, REFUSED, httpx.Response(201)), patience(alive=None)).status_code == 201
    with pytest.raises(httpx.ConnectError):
        post(Server(httpx.ConnectError("no")), patience(alive=None))


def refusal():
    request = httpx.Request("POST", "http://127.0.0.1:9/flow_runs/")
    return PrefectHTTPStatusError("503", request=request, response=httpx.Response(503, request=request))


@pytest.mark.parametrize(
    ("waited_s", "working", "stopping", "is_repeated"),
    [
        (1, False, False, True),
        (61, False, False, False),
        (61, True, False, True),
        (1, True, True, True),
        (6, True, True, False),
    ],
)
def test_wait_lasts_a_minute_or_as_long_as_pairs_are_computed(waited_s, working, stopping, is_repeated):
    error, patient = refusal(), patience(working=working, stopping=stopping)
    began = time.monotonic() - waited_s
    if is_repeated:
        assert patient.pause_after(error, 3, began) > 0
        return
    with pytest.raises(PrefectHTTPStatusError):
        patient.pause_after(error, 3, began)
    # And no further call waits as long again.
    with pytest.raises(PrefectHTTPStatusError):
        patient.pause_after(error, 1, time.monotonic())


def test_event_of_a_dead_server_is_dropped_without_a_connection(monkeypatch):
    connections = []

    async def connect(client):
        connections.append(client)
        raise ConnectionRefusedError("no")

    monkeypatch.setattr(PrefectEventsClient, "_reconnect", connect)

    async def send():
        async with PrefectEventsClient(api_url="http://127.0.0.1:9/api"):
            pass

    with patient_clients(patience(alive=False)), pytest.raises(ServerGoneError):
        anyio.run(send)
    assert connections == []


def test_clients_are_as_before_once_the_run_is_over():
    def calls():
        return PrefectHttpxSyncClient.send, PrefectHttpxAsyncClient.send, PrefectEventsClient._reconnect

    before = calls()
    with patient_clients(patience()):
        assert not set(calls()) & set(before)
    assert calls() == before
