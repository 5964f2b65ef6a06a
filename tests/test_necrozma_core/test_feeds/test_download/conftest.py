"""A service that misbehaves, and a clock that nobody waits for."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tick_service import FakeClock, Notes, Service, open_service

from necrozma_core.feeds.download.fetching import Download, Environment, download
from necrozma_core.feeds.download.manners import Manners
from necrozma_core.market.moments import parse_moment


@pytest.fixture
def service() -> Iterator[Service]:
    with open_service() as service:
        yield service


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def fetch(service: Service, clock: FakeClock, notes: Notes, tmp_path: Path) -> Callable[..., Download]:
    """Download from the service into ``downloads``, by the fake clock."""

    def run(
        source: str,
        first: str,
        last: str,
        pair: str = "EURUSD",
        manners: Manners | None = None,
        proxy: str | None = None,
        **more: str,
    ):
        environment = Environment(manners or Manners(), clock.clock(), find_proxy=lambda address: proxy)
        more.setdefault("address", service.address)
        span = parse_moment(first, "--from"), parse_moment(last, "--to")
        return download(source, pair, *span, tmp_path / "downloads", notes, environment=environment, **more)

    return run
