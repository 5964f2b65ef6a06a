"""What a page of somebody else's can do to our server: nothing.

A browser lets every page send requests to loopback; some without asking first, none of which it hides from the server.
These are sent as such a page's would be, and as those of a program that knows the address but not the password.
"""

import base64
import http.client
import json
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from flows.server.deployments import FLOW

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EVIL = "http://evil.example"
OPEN = {"/health", "/ready"}
CLIENT = "3f6b1b1e-7b1a-4a57-9d43-3f8f1f6f2b11"
ALLOWED = "Access-Control-Allow-Origin"
REFUSED = {True: (http.client.UNAUTHORIZED, {None}), False: (http.client.FORBIDDEN, {None, "*"})}
"""By whether a request only reads: the answer, and for whom."""
KINDS = {
    "as JSON": {"Content-Type": "application/json"},
    # Those that a browser sends without asking first.
    "as text": {"Content-Type": "text/plain"},
    "as a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "as nothing": {},
}
STRANGERS = {
    "no password": {},
    "a wrong password": {"Authorization": "Basic " + base64.b64encode(b"necrozma:guess").decode()},
    "an empty password": {"Authorization": "Basic " + base64.b64encode(b"").decode()},
    "a token of the cloud": {"Authorization": "Bearer pnu_0123456789"},
    "a made-up CSRF token": {"Prefect-Csrf-Token": "guess", "Prefect-Csrf-Client": CLIENT},
    "a rebound name": {"Host": "evil.example"},
    "a cookie": {"Cookie": "session=guess; prefect-password=guess"},
}  # fmt: skip


@pytest.fixture
def snapshot(client, deployed):
    """Everything that a stranger might change, as its owner sees it."""

    def take() -> dict:
        def filtered(what: str) -> list:
            return client.request("POST", f"/{what}/filter", json={}).json()

        return {
            "deployments": [
                (entry["id"], entry["paused"], entry["parameters"], [part["active"] for part in entry["schedules"]])
                for entry in sorted(filtered("deployments"), key=lambda entry: entry["id"])
            ],
            # The scheduler adds nights as time goes by.
            "flow runs": sorted(
                (entry["id"], entry["state_type"]) for entry in filtered("flow_runs") if not entry["auto_scheduled"]
            ),
            **{
                what: sorted(entry["name"] for entry in filtered(what))
                for what in ("flows", "work_pools", "variables", "automations", "block_documents")
            },
        }

    return take


def requests_that_change(client) -> list[tuple[str, str, object]]:
    deployment = client.read_deployment_by_name(f"{FLOW}/on-demand")
    own = f"/api/deployments/{deployment.id}"
    command = {"job_variables": {"command": "touch /tmp/owned"}, "parameters": {}, "state": {"type": "SCHEDULED"}}
    (schedule,) = client.read_deployment_by_name(f"{FLOW}/nightly").schedules
    return [
        ("POST", f"{own}/create_flow_run", command),
        ("POST", f"{own}/pause_deployment", {}),
        ("PATCH", own, {"paused": True, "parameters": {"data": "/etc"}}),
        ("DELETE", own, None),
        ("PATCH", f"/api/deployments/{schedule.deployment_id}/schedules/{schedule.id}", {"active": False}),
        ("POST", "/api/work_pools/", {"name": "evil", "type": "process"}),
        ("DELETE", "/api/work_pools/necrozma", None),
        ("POST", "/api/flows/", {"name": "evil"}),
        ("POST", "/api/variables/", {"name": "evil", "value": 1}),
        ("POST", "/api/admin/database/clear", {"confirm": True}),
        ("POST", "/api/admin/database/drop", {"confirm": True}),
        ("POST", "/api/events", []),
        ("GET", f"/api/csrf-token?client={CLIENT}", None),
        ("GET", "/api/admin/settings", None),
        ("POST", "/api/flow_runs/filter", {}),
    ]


def send(server, method: str, path: str, body: object, headers: dict[str, str]) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        data = None if body is None else json.dumps(body).encode()
        # Given one by one, because `request` adds a Host of its own.
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in {"Origin": EVIL, "Referer": f"{EVIL}/", **headers}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(data or b"")))
        connection.endheaders(data)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_request_is_refused_and_changes_nothing(server, client, snapshot, stranger):
    before = snapshot()
    for method, path, body in requests_that_change(client):
        for kind, content in KINDS.items():
            answer = send(server, method, path, body, content | STRANGERS[stranger])
            # What changes is asked for its token before its password; only that refusal may anybody read.
            expected, readers = REFUSED[method == "GET"]
            assert answer.status == expected, (method, path, kind)
            assert answer.headers[ALLOWED] in readers, (method, path, kind)
    assert snapshot() == before


def test_password_without_a_csrf_token_changes_nothing(server, client, snapshot):
    """As if a browser could be made to add the password by itself."""
    known = base64.b64encode(server.client_environment()["PREFECT_API_AUTH_STRING"].encode()).decode()
    before = snapshot()
    for method, path, body in requests_that_change(client):
        if method != "GET":
            for content in KINDS.values():
                answer = send(server, method, path, body, content | {"Authorization": f"Basic {known}"})
                assert answer.status == http.client.FORBIDDEN, (method, path)
    assert snapshot() == before


def test_browser_that_asks_first_is_told_no(server, client):
    for method, path, _ in requests_that_change(client):
        asked = {
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        answer = send(server, "OPTIONS", path, None, asked)
        assert answer.headers[ALLOWED] is None, (method, path)


def test_our_own_ui_may_ask(server, client):
    _, path, _ = requests_that_change(client)[0]
    asked = {"Access-Control-Request-Method": "POST", "Origin": server.url}
    assert send(server, "OPTIONS", path, None, asked).headers[ALLOWED] == server.url


def test_every_path_but_health_wants_the_password(server, client):
    """Asked from the server's own list, so that a path of a later Prefect is not forgotten."""
    schema = client.request("GET", f"{server.url}/openapi.json").json()
    paths = [path for path, methods in schema["paths"].items() if "get" in methods]
    assert len(paths) > 20
    answers = {path: send(server, "GET", f"/api{path}", None, {}).status for path in paths}
    assert {path for path, status in answers.items() if status != http.client.UNAUTHORIZED} == OPEN


@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
@pytest.mark.parametrize("token", [None, "", "guess"])
def test_socket_without_the_password_is_closed(server, path, token):
    def knock():
        with connect(f"ws://127.0.0.1:{server.port}{path}", subprotocols=["prefect"], origin=EVIL) as socket:
            socket.send(json.dumps({"type": "auth", "token": token}))
            return socket.recv(timeout=30)

    with pytest.raises((ConnectionClosed, InvalidStatus)):
        knock()


@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
def test_socket_of_an_old_client_is_closed(server, path):
    """One that does not know of passwords, and that Prefect would otherwise still serve."""

    def knock():
        with connect(f"ws://127.0.0.1:{server.port}{path}") as socket:
            return socket.recv(timeout=30)

    with pytest.raises((ConnectionClosed, InvalidStatus)):
        knock()


def test_server_listens_on_loopback_alone(server):
    listening = "0A"
    port = f"{server.port:04X}"
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    found = {local for _, local, _, state, *_ in lines if state == listening and local.endswith(f":{port}")}
    assert found == {f"0100007F:{port}"}
