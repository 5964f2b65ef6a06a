"""What a person sees and does in the UI, done by a real browser.

Needs Debian's chromium: `apt-get install chromium`. With NECROZMA_WRITE_SCREENSHOTS=1 the pictures of docs/img are
taken anew.
"""

import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from flows.server.deployments import CHECKOUT, FLOW

from .conftest import Market, wait_until

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WINDOW = {"width": 1360, "height": 900}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium: apt-get install chromium"),
]


@pytest.fixture
def context(server):
    """A browser that asks nobody but our server, or fails."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: make setup")
    strangers = []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport=WINDOW)
        context.set_default_timeout(60_000)
        context.on("request", lambda request: strangers.append(request.url) if is_foreign(request.url) else None)
        yield context
        browser.close()
    assert strangers == []


@pytest.fixture
def market():
    """In a folder whose name may be seen in a picture."""
    with TemporaryDirectory(prefix="necrozma-") as folder:
        yield Market(Path(folder))


def is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:"))


@pytest.fixture
def page(context, server):
    """Logged in."""
    page = context.new_page()
    page.goto(server.url)
    page.locator("input[type=password]").fill(server.password_file.read_text().strip())
    page.get_by_role("button", name="Login").click()
    page.get_by_role("button", name="Runs", exact=True).wait_for()
    # Away with the complaints of the time before the password.
    page.reload()
    return page


def picture(page, name: str) -> None:
    if os.environ.get("NECROZMA_WRITE_SCREENSHOTS") == "1":
        page.screenshot(path=CHECKOUT / "docs" / "img" / f"{name}.png", animations="disabled")


def tab(page, name: str) -> None:
    page.locator("li.p-tab", has_text=name).click()


def open_artifact(page, key: str) -> None:
    # The list is only as long as the window: what lies below comes and goes while it is scrolled to.
    page.set_viewport_size({"width": 1360, "height": 3000})
    tab(page, "Artifacts")
    page.get_by_role("link", name=key).click()
    page.wait_for_url("**/artifacts/artifact/**")
    page.set_viewport_size(WINDOW)


def test_wrong_password_shows_nothing(context, server):
    page = context.new_page()
    page.goto(server.url)
    page.locator("input[type=password]").fill("necrozma:guess")
    page.get_by_role("button", name="Login").click()
    page.get_by_text("Authentication failed").first.wait_for()
    assert page.url.startswith(f"{server.url}/login")


def test_failed_run_is_read_and_retried_in_the_ui(server, worker, client, market, page):
    repair = market.damage("GBPUSD")
    deployment = client.read_deployment_by_name(f"{FLOW}/on-demand")
    flow_run = client.create_flow_run_from_deployment(deployment.id, parameters=market.parameters)
    flow_run = wait_until(lambda: (now := client.read_flow_run(flow_run.id)).state.is_final() and now)

    # Found as a person finds it: by the name of its folder, or by a pair.
    page.get_by_role("button", name="Runs", exact=True).click()
    page.get_by_role("link", name=flow_run.name).wait_for()
    picture(page, "runs")
    page.get_by_role("link", name=flow_run.name).click()
    badge = page.locator(".state-badge, .p-badge", has_text="Failed").first
    badge.wait_for()

    tab(page, "Task Runs")
    for pair in market.pairs:
        page.get_by_role("link", name=pair, exact=True).wait_for()
    page.wait_for_timeout(3_000)
    picture(page, "run-failed")

    open_artifact(page, "ranking")
    table = page.locator("table")
    table.wait_for()
    headings = [heading.strip() for heading in table.locator("th").all_inner_texts()]
    assert headings[:4] == ["#", "Pair", "Strategy", "Trades"]
    assert {"Sharpe", "Drawdown", "Verdict"} <= set(headings)
    column = headings.index("Verdict")
    verdicts = {row.split("\t")[column].strip() for row in table.locator("tbody tr").all_inner_texts()}
    assert verdicts <= {"strong", "plausible", "likely luck", "too little data"}
    page.get_by_text("with too little data.").first.wait_for()
    assert table.evaluate("table => table.scrollWidth <= table.parentElement.clientWidth"), "a column is cut off"
    shown = {row.split("\t")[1].strip() for row in table.locator("tbody tr").all_inner_texts()}
    assert shown == market.pairs - {"GBPUSD"}
    picture(page, "ranking")

    page.go_back()
    open_artifact(page, "governor")
    page.get_by_text("the limit was 80 %").wait_for()
    page.go_back()
    open_artifact(page, "pair-eurusd")
    drawn = page.locator("img[src^='data:image/svg']")
    drawn.wait_for()
    assert drawn.evaluate("image => image.complete && image.naturalWidth > 100")
    picture(page, "pair")

    before = market.commits()
    repair()
    page.goto(f"{server.url}/runs/flow-run/{flow_run.id}")
    page.get_by_role("button", name="Retry").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Retry").wait_for()
    picture(page, "retry")
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    page.locator(".state-badge, .p-badge", has_text="Completed").first.wait_for(timeout=240_000)
    assert client.read_flow_run(flow_run.id).run_count == 2
    after = market.commits()
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == {"GBPUSD"}
    page.wait_for_timeout(3_000)
    picture(page, "run-completed")
    assert latest_progress(client) == 100


def latest_progress(client) -> float:
    artifact = client.request("GET", "/artifacts/progress/latest").json()
    return artifact["data"]


def test_form_shows_what_every_parameter_means(server, deployed, client, page):
    deployment = client.read_deployment_by_name(f"{FLOW}/on-demand")
    page.goto(f"{server.url}/deployments/deployment/{deployment.id}/run")
    page.get_by_text("Percent of the whole machine, other programs included.").wait_for()
    page.get_by_text("Pairs such as EURUSD. Empty: every pair with stored ticks.").wait_for()
    picture(page, "run-form")


def test_deployments_and_schedules_are_found(server, deployed, page):
    page.get_by_role("button", name="Deployments", exact=True).click()
    for name in ("on-demand", "weekly-full-sweep", "nightly"):
        page.get_by_role("link", name=name).wait_for()
    picture(page, "deployments")
    page.get_by_role("link", name="nightly").click()
    page.get_by_text("weekdays-after-close").wait_for()


class EvilPage(BaseHTTPRequestHandler):
    """A page of another origin that tries all that a page can, in the browser of somebody who is logged in."""

    PAGE = """<title>prizes</title>
    <form method="post" enctype="text/plain" target="hole"><input name='{"x":"' value='"}'></form>
    <iframe name="hole"></iframe><script>
    async function attack(targets) {
      const bodies = {"application/json": "{}", "text/plain": "{}", "application/x-www-form-urlencoded": "a=b"};
      const seen = [];
      for (const target of targets) {
        for (const mode of ["cors", "no-cors"]) for (const method of ["POST", "DELETE", "PATCH"])
          for (const [type, body] of Object.entries(bodies)) {
            const headers = {"Content-Type": type};
            try {
              const answer = await fetch(target, {method, mode, body, headers, credentials: "include"});
              seen.push(answer.type + answer.status);
            } catch (error) { seen.push("blocked"); }
          }
        const form = document.forms[0];
        form.action = target; form.submit();
        await new Promise(done => setTimeout(done, 300));
      }
      return seen;
    }
    </script>"""  # fmt: skip

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.PAGE.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def evil_url():
    server = HTTPServer(("127.0.0.1", 0), EvilPage)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    # By another name than the server's: neither site nor origin is the same.
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_hostile_page_in_the_browser_of_a_logged_in_user_changes_nothing(server, deployed, client, page, evil_url):
    def state():
        deployments = client.read_deployments()
        runs = client.request("POST", "/flow_runs/filter", json={"sort": "ID_DESC"}).json()
        return (
            sorted((entry.name, entry.paused, str(entry.parameters)) for entry in deployments),
            {run["id"] for run in runs if not run["auto_scheduled"]},
        )

    deployment = client.read_deployment_by_name(f"{FLOW}/on-demand")
    targets = [
        f"{server.api_url}/deployments/{deployment.id}/create_flow_run",
        f"{server.api_url}/deployments/{deployment.id}",
        f"{server.api_url}/work_pools/",
        f"{server.api_url}/admin/database/clear",
    ]
    before = state()
    hostile = page.context.new_page()
    hostile.goto(evil_url)
    seen = hostile.evaluate("targets => attack(targets)", targets)
    assert state() == before
    # Not one answer could be read, and what could be sent was refused.
    assert set(seen) <= {"blocked", "opaque0"}
    assert "opaque0" in seen
