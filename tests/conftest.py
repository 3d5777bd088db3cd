"""What all tests share: the flag that rewrites golden files, and what a skip means in CI."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

LISTED_SKIPS = Path(__file__).parent / "skips.txt"
"""Tests that may be skipped even in CI, a node id a line."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files; read the difference")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI, a test that cannot run there has failed, unless it is listed."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        listed = LISTED_SKIPS.read_text(encoding="utf-8").splitlines() if LISTED_SKIPS.exists() else []
        if item.nodeid.split("[")[0] not in listed:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            report.outcome = "failed"
            report.longrepr = f"Skipped in CI, where everything must run: {reason}"
    return report
