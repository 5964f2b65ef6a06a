"""What tests of several folders use."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest


@pytest.fixture
def webhook():
    """A loopback server that keeps what it is sent and answers what it is told."""
    received: list[dict] = []
    hook = SimpleNamespace(received=received, answer=204, wait=None)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append({"path": self.path, "type": self.headers["Content-Type"], "body": json.loads(body)})
            if hook.wait:
                hook.wait.wait(20)
            self.send_response(hook.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/hook/SECRET"
    yield hook
    if hook.wait:
        hook.wait.set()
    server.shutdown()
    thread.join()
    server.server_close()
