#!/usr/bin/env python3
"""Checks that the frozen examples only grow: every line that any commit had in a manifest below tests/golden is still there.

Whether the files are what the manifests say is for the tests to check; this looks at the past, which needs the history
of the repository. Without one (an unpacked archive) it says so.
"""

import pathlib
import subprocess
import sys

# Examples that were corrected before the first version was published: a correction names both persons.
BEFORE_PUBLICATION = {
    "22fea9bfad276314147ab9cd749b02815ed06bee626ff09821f5836c7e681802  record.annulled/v1/full.json",
    "f67ab2240472d26d9e2f83dd255ffa086db158d0551ea13b35d06da8d364b219  record.annulled/v1/minimal.json",
    "970c8c8a323df9a3785f610f7f442fa678dffcd45cf4c45b0cecc9c7d9056017  record.corrected/v1/full.json",
    "f51ef2f7ed0602fc3be1397ac9ffa7414a929ae4f043b43df5cb6b09268cf0b0  record.corrected/v1/minimal.json",
}
ROOT = pathlib.Path(__file__).resolve().parent.parent


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True).stdout


def lost(manifest):
    """Lines that some commit had in this manifest and that are not in it now, with the commit."""
    path = ROOT / manifest
    now = set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()
    for commit in git("log", "--format=%h", "--", manifest).split():
        try:
            then = git("show", f"{commit}:{manifest}").splitlines()
        except subprocess.CalledProcessError:
            continue  # the commit removed it; an earlier one had it
        for line in then:
            if line not in now and line not in BEFORE_PUBLICATION:
                yield commit, line


def main():
    try:
        past = git("log", "--format=", "--name-only", "--", "tests/golden").split()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"frozen examples: no history to compare with ({error.__class__.__name__})", file=sys.stderr)
        return
    manifests = sorted({name for name in past if name.endswith("/MANIFEST.sha256")})
    found = [(manifest, commit, line) for manifest in manifests for commit, line in lost(manifest)]
    for manifest, commit, line in found:
        print(f"{manifest}: {commit} had {line!r}, which is gone or changed", file=sys.stderr)
    if found or not manifests:
        sys.exit("error: what was published once is read for ever; add new examples and leave the old ones as they are")


if __name__ == "__main__":
    main()
