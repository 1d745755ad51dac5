"""A headless Chromium, and the reports that tests and screenshots look at."""

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LACUNA = os.environ.get("LACUNA", str(ROOT / ".build/release/lacuna"))

# One of each family of machines, as the README has them.
RUNS = {
    "h200": "Traces/bert-large.jsonl.zst --hardware h200 --sparsity weights=2:4",
    "s4": "Traces/resnet50.jsonl.zst --hardware s4 --data-type int8 --sparsity weights=16x",
    "sat": "Traces/resnet18-train.jsonl.zst --hardware sat --training bdwp --sparsity weights=2:8",
}


def missing():
    """What is not here that a browser needs, or None."""
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            return f"{program} is not installed (on Debian: apt-get install chromium chromium-driver)"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed (pip install selenium)"
    return None


def lacuna(arguments):
    """Runs the program and gives back what it prints."""
    words = arguments.split() if isinstance(arguments, str) else arguments
    return subprocess.run([LACUNA, *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def write_reports(folder):
    """A page of each family in a folder; their paths by name."""
    pages = {name: Path(folder) / f"{name}.html" for name in RUNS}
    for name, page in pages.items():
        lacuna(["simulate", *RUNS[name].split(), "--report", str(page)])
    return pages


class Browser:
    """A Chromium that opens files and tells what it asked the network for."""

    def __init__(self, width=1280, height=900):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.resize(width, height)

    def close(self):
        self.driver.quit()

    def open(self, page):
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(Path(page).resolve().as_uri())

    def resize(self, width, height, scale=1, phone=False):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone},
        )

    def emulate(self, scheme="light", media="screen"):
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def complaints(self):
        """What the console says that is not right."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self):
        """What was asked for since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
