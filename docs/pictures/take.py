"""Take the pictures of the README from the demo: `uv run python docs/pictures/take.py`. Needs Chromium; a minute."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUIET += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
SIZE: ViewportSize = {"width": 1280, "height": 900}
RUNS = 2
WITHIN_S = 120.0
MOST_BYTES = 300_000


def main() -> None:
    """Run the demo until the third run has begun and all that came is on display, take both pictures, end it."""
    port = free_port()
    demo = subprocess.Popen([sys.executable, "-m", "p3s", "demo", "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: len(listed(address, "datasets")) > 3 * RUNS, "a third run")
        end_daq(demo.pid)
        wait_for(lambda: len(listed(address, "results")) >= len(listed(address, "datasets")), "its results")
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            page = browser.new_page(viewport=SIZE)
            take_front(page, address)
            take_run(page, address)
            browser.close()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=60)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"the demo did not show {what} within {WITHIN_S:g} s")
        time.sleep(0.2)


def listed(address: str, what: str) -> list[dict[str, Any]]:
    """All of `what` that the server lists; nothing while it starts."""
    try:
        with urllib.request.urlopen(f"{address}/api/v1/{what}") as answer:
            found: list[dict[str, Any]] = json.load(answer)[what]
            return found
    except OSError:
        return []


def end_daq(demo: int) -> None:
    """End the simulated data acquisition, so that the pictures do not depend on how fast this machine is."""
    for process in psutil.Process(demo).children(recursive=True):
        if "p3s.demo.daq" in process.cmdline():
            process.terminate()


def take_front(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector('#connection[data-state="live"]')
    save(page, "front.png")


def take_run(page: Page, address: str) -> None:
    """The sick run from its pictures on, once all histograms are drawn (they are when they come into sight)."""
    page.goto(f"{address}/runs/{RUNS}")
    for kind, done in ((".histogram-set", "expanded"), (".histogram", "drawn")):
        plots = page.locator(kind)
        for place in range(plots.count()):
            plots.nth(place).scroll_into_view_if_needed()
            page.wait_for_function(DONE, arg=[kind, place, done])
    page.get_by_text("Event display", exact=True).evaluate("title => scrollTo(0, title.offsetTop - 118)")
    save(page, "run.png")


DONE = "([kind, place, done]) => document.querySelectorAll(kind)[place].dataset[done] === 'true'"


def save(page: Page, name: str) -> None:
    """As it is if it is small, else with 256 colours."""
    target = HERE / name
    page.screenshot(path=target)
    picture = Image.open(target).convert("RGB")
    picture.save(target, optimize=True)
    if target.stat().st_size > MOST_BYTES:
        picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size} bytes")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
