"""A real server, with our deployments and a real worker; started once, by the first test that wants them."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

NECROZMA = str(Path(sys.executable).with_name("necrozma"))
PREFECT = str(Path(sys.executable).with_name("prefect"))


def wait_until(condition, timeout_s: float = 240.0):
    """Return what the condition returns, once that is true."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bare_environment() -> dict[str, str]:
    """Nothing of Prefect's or ours: the tests decide."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "NECROZMA_"))}


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    from flows.server.standing import start_standing, stop_standing

    home = tmp_path_factory.mktemp("necrozma") / "server"
    yield start_standing(home, free_port())
    stop_standing(home)


@pytest.fixture(scope="session")
def deployed(server):
    """Run the command, as a person does."""
    environment = bare_environment() | {"NECROZMA_SERVER_HOME": str(server.home)}
    done = subprocess.run([NECROZMA, "deploy"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def client(server):
    """Prefect's own client with the server's password."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    known = server.client_environment()
    settings = {setting: known[setting.name] for setting in (PREFECT_API_URL, PREFECT_API_AUTH_STRING)}
    with temporary_settings(settings), get_client(sync_client=True) as client:
        yield client


@pytest.fixture(scope="session")
def webhook():
    """Keeps what is posted to it."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_address[1]}/", posted=posted)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def worker(server, deployed, webhook, tmp_path_factory):
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    environment = bare_environment() | {
        "NECROZMA_SERVER_HOME": str(server.home),
        "NECROZMA_NOTIFY_URL": webhook.url,
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    with log.open("wb") as output:
        process = subprocess.Popen([NECROZMA, "worker"], env=environment, stdout=output, stderr=output)
    yield SimpleNamespace(process=process, log=log)
    process.terminate()
    process.wait(60)


@pytest.fixture
def market(tmp_path):
    return Market(tmp_path)


class Market:
    """Ticks of four pairs, of which one can be damaged and repaired."""

    def __init__(self, folder: Path) -> None:
        from necrozma_core.feeds.samples.quotes import write_samples

        self.data = folder / "data"
        self.results = folder / "results"
        self.pairs = {summary.pair for summary in write_samples(self.data, 4, 20_000, 1)}

    @property
    def parameters(self) -> dict:
        return {"data": str(self.data), "results": str(self.results), "workers": 2, "cooldown_seconds": 0}

    def damage(self, pair: str):
        """Flip one byte; return how to repair it."""
        (path,) = (self.data / pair).glob("*.parquet")
        whole = path.read_bytes()
        torn = bytearray(whole)
        torn[len(torn) // 2] ^= 0xFF
        path.write_bytes(torn)
        return lambda: path.write_bytes(whole)

    def commits(self) -> dict[str, tuple[int, int]]:
        """When each pair was committed, and the file it was."""
        found = {path.parts[-3]: path.stat() for path in self.results.glob("store/*/*/commit.json")}
        return {pair: (status.st_mtime_ns, status.st_ino) for pair, status in sorted(found.items())}
