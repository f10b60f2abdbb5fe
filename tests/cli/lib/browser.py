"""browser.py: Chromium without a window, driven by chromedriver over plain HTTP."""
import atexit
import base64
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request

from lib.checks import check, work

KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Left": "\ue012", "Right": "\ue014"}


def needed():
    """Ends the test as skipped (77) where either is not installed."""
    for program, package in (("chromium", "chromium"), ("chromedriver", "chromium-driver")):
        if not shutil.which(program):
            print(f"no {program} (package {package}): nothing was opened")
            sys.exit(77)


class Browser:
    """The few calls of the WebDriver protocol that tests need. shots: a folder for pictures, or None."""

    def __init__(self, shots=None):
        self.shots = shots
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        atexit.register(self.driver.kill)
        for line in self.driver.stdout:
            found = re.search(r"successfully on port (\d+)", line)
            if found:
                break
        self.base = f"http://127.0.0.1:{found.group(1)}/session"
        options = {"binary": shutil.which("chromium"), "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--window-size=1360,900", f"--user-data-dir={work}/profile"]}
        made = self.call("", {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options,
                                                              "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.base += "/" + made["sessionId"]

    def call(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def close(self):
        self.call("", method="DELETE")

    def open(self, path):
        self.call("/url", {"url": path.as_uri()})

    def js(self, script, *args):
        return self.call("/execute/sync", {"script": script, "args": list(args)})

    def element(self, selector):
        found = self.call("/element", {"using": "css selector", "value": selector})
        return next(iter(found.values()))

    def click(self, selector):
        self.call(f"/element/{self.element(selector)}/click", {})

    def keys(self, *names):
        actions = [{"type": t, "value": KEYS.get(n, n)} for n in names for t in ("keyDown", "keyUp")]
        self.call("/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]})

    def type(self, selector, text):
        self.call(f"/element/{self.element(selector)}/value", {"text": text})

    def mouse(self, *actions):
        self.call("/actions", {"actions": [{"type": "pointer", "id": "m", "parameters": {"pointerType": "mouse"},
                                            "actions": list(actions)}]})

    def wheel(self, x, y, by):
        self.call("/actions", {"actions": [{"type": "wheel", "id": "w", "actions": [
            {"type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": by}]}]})

    def until(self, name, script, *args, seconds=5):
        """Waits for what a view does a moment later."""
        for _ in range(seconds * 20):
            if self.js("return " + script, *args):
                break
            time.sleep(0.05)
        else:
            check(name, False, "never became so: " + script)

    def numbers(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].map(e => Number(e.dataset.value))", selector)

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0]).textContent", selector)

    def picture(self, name):
        if self.shots:
            self.shots.mkdir(parents=True, exist_ok=True)
            (self.shots / f"{name}.png").write_bytes(base64.b64decode(self.call("/screenshot")))
