#!/usr/bin/env python3
"""Installs the pinned packages with which subscribers are tested: Python's into .tools/subscriber, or Node's with --node.

What is there already and pinned alike is left alone. Python's packages are checked against the digests in
tools/subscriber/requirements.txt, Node's against those in tools/subscriber/package-lock.json.
"""

import argparse
import hashlib
import pathlib
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent / "subscriber"
MARK = "portbook-pins.sha256"


class Unavailable(Exception):
    """The packages could not be installed, and the text says what to do about it."""


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(map(str, command[:4]))} … failed:\n{(done.stderr or done.stdout).strip()}")


def pins(*files):
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in files)).hexdigest()


def install(dest, digest, fill):
    """Fills dest unless it was filled from the same pins; a half-filled folder is made anew."""
    mark = dest / MARK
    if mark.exists() and mark.read_text() == digest:
        return
    shutil.rmtree(dest, ignore_errors=True)
    fill(dest)
    mark.write_text(digest)


def python_packages(dest):
    try:
        venv.create(dest, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{sys.executable} cannot make a virtual environment with pip (on Debian: apt install python3-venv)") from error
    run([dest / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--require-hashes", "-r", HERE / "requirements.txt"])


def node_packages(dest):
    if shutil.which("npm") is None:
        raise Unavailable("there is no npm; install Node 20 or newer with it")
    dest.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, dest / name)
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=dest)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dest", type=pathlib.Path, default=pathlib.Path(".tools"), help="folder to install below")
    parser.add_argument("--node", action="store_true", help="install Node's packages instead of Python's")
    arguments = parser.parse_args()
    try:
        if arguments.node:
            install(arguments.dest / "subscriber-node", pins("package.json", "package-lock.json"), node_packages)
        else:
            install(arguments.dest / "subscriber", pins("requirements.txt"), python_packages)
    except (Unavailable, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
