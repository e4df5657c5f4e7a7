#!/usr/bin/env python3
"""Opens docs/evidence/verify.html in headless Chromium, without network, and lets it judge bundles.

    tools/check-browser.py --key KEYFILE VERDICT=BUNDLE...     for example VERIFIED=good.zip FAULT=bad.zip
                           --script-only                       without WebCrypto, as on a plain-http host

Speaks the DevTools protocol over a pipe; needs Chromium (Debian: apt-get install chromium) and Python's standard library.
"""
import argparse, json, os, pathlib, shutil, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "evidence" / "verify.html"
PATIENCE_S = 120


class Browser:
    """Chromium on the other end of two pipes."""

    def __init__(self, program, profile):
        to_browser, self.requests = os.pipe()
        self.answers, from_browser = os.pipe()
        # The protocol is on descriptors 3 and 4 of the browser.
        setup = lambda: (os.dup2(to_browser, 13), os.dup2(from_browser, 14), os.dup2(13, 3), os.dup2(14, 4))
        command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}",
                   "--no-first-run", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", "about:blank"]
        self.process = subprocess.Popen(command, preexec_fn=setup, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.count, self.rest, self.events = 0, b"", []

    def receive(self):
        while b"\0" not in self.rest:
            read = os.read(self.answers, 1 << 20)
            if not read:
                raise SystemExit("the browser went away")
            self.rest += read
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        self.count += 1
        request = {"id": self.count, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self.requests, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, session, expression):
        result = self.call("Runtime.evaluate", session, expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"the page failed: {result['exceptionDetails']}")
        return result["result"].get("value")

    def close(self):
        self.process.terminate()
        self.process.wait()


def judge(browser, key, bundle, script_only):
    """The headline the page shows about a bundle, and how many steps of progress it showed before."""
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ["Page", "Runtime", "DOM", "Network"]:
        browser.call(f"{domain}.enable", session)
    browser.call("Network.emulateNetworkConditions", session, offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
    browser.call("Page.navigate", session, url=PAGE.as_uri())
    deadline = time.monotonic() + PATIENCE_S
    while not browser.evaluate(session, "document.readyState === 'complete' && !!document.getElementById('file')"):
        if time.monotonic() > deadline:
            raise SystemExit("the page did not open")
    steps = "new MutationObserver(() => window.steps.add(document.getElementById('progress').value))"
    browser.evaluate(session, f"window.steps = new Set(); {steps}.observe(document.getElementById('progress'), {{attributes: true}});"
                              f"document.getElementById('key').value = {json.dumps(key)}; localStorage.clear();")
    if script_only:
        # The worker is made from this text: take WebCrypto away from it.
        browser.evaluate(session, "const w = document.getElementById('worker');"
                                  "w.textContent = w.textContent.replace('const subtle = globalThis.crypto && globalThis.crypto.subtle;', 'const subtle = null;');"
                                  "if (!w.textContent.includes('const subtle = null;')) throw new Error('nothing to take away');")
    root = browser.call("DOM.getDocument", session)["root"]["nodeId"]
    chooser = browser.call("DOM.querySelector", session, nodeId=root, selector="#file")["nodeId"]
    started = time.monotonic()
    browser.call("DOM.setFileInputFiles", session, nodeId=chooser, files=[str(bundle)])
    while browser.evaluate(session, "document.getElementById('verdict').hidden"):
        if time.monotonic() > deadline:
            raise SystemExit(f"no verdict about {bundle} within {PATIENCE_S} s")
        time.sleep(0.05)
    verdict = browser.evaluate(session, "document.getElementById('verdict').innerText")
    count = browser.evaluate(session, "window.steps.size")
    asked = [event["params"]["request"]["url"] for event in browser.events if event.get("method") == "Network.requestWillBeSent"]
    strangers = [url for url in asked if not url.startswith(("file:", "blob:", "about:"))]
    if strangers:
        raise SystemExit(f"the page asked the network for {strangers}")
    browser.call("Target.closeTarget", targetId=target)
    return verdict, count, time.monotonic() - started


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True, type=pathlib.Path)
    parser.add_argument("--script-only", action="store_true")
    parser.add_argument("bundles", nargs="+", metavar="VERDICT=BUNDLE")
    arguments = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        raise SystemExit("error: no Chromium found\n\nhint: apt-get install chromium")
    key, wrong = arguments.key.read_text().strip(), 0
    profile = tempfile.mkdtemp(prefix="portbook-browser-")
    browser = Browser(program, profile)
    try:
        for pair in arguments.bundles:
            expected, _, bundle = pair.partition("=")
            verdict, steps, took = judge(browser, key, pathlib.Path(bundle).resolve(), arguments.script_only)
            # Cosignatures are not looked at: no verdict may leave that out.
            right = verdict.startswith(expected) and (not expected.startswith("VERIFIED") or "whether a quorum of witnesses" in verdict)
            wrong += not right
            print("ok   " if right else "WRONG", expected, pathlib.Path(bundle).name, f"{steps} steps of progress, {took:.1f} s:",
                  " ".join(verdict.split())[:160])
    finally:
        browser.close()
        shutil.rmtree(profile, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
