#!/usr/bin/env python3
"""Compares tests/answers/working_days.txt with an independent calendar, the package chinesecalendar.

The golden file has a line for each day of 2024 to 2026: the date and 1 where it is worked, 0 where it is not. The tests
hold portbook's calendar to it; this holds it to a calendar that nobody here wrote. The pinned wheel is downloaded with
pip, its SHA-256 compared, and imported from where it lies; nothing is installed.

With --write the golden file is written from the package instead.
"""

import argparse
import datetime
import hashlib
import pathlib
import subprocess
import sys
import tempfile

VERSION = "1.11.0"
WHEEL_SHA256 = "9479ead6010e6001472efdf97317699882c16604c7858ba26862dc9d36d56d46"
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "answers" / "working_days.txt"
FIRST, LAST = datetime.date(2024, 1, 1), datetime.date(2026, 12, 31)


def fetch(folder):
    """The pinned wheel, in the folder or in .tools from an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"chinesecalendar-{VERSION}-py2.py3-none-any.whl"
    if not wheel.exists():
        command = [
            sys.executable, "-m", "pip", "download", f"chinesecalendar=={VERSION}", "--no-deps", "--only-binary", ":all:",
            "--disable-pip-version-check", "--quiet", "--dest", str(folder),
        ]
        if subprocess.run(command).returncode != 0:
            sys.exit(f"error: could not download chinesecalendar {VERSION}\n\nhint: pip needs to reach a package index")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        sys.exit(f"error: {wheel.name} has SHA-256 {digest}, pinned is {WHEEL_SHA256}")
    return wheel


def lines(wheel):
    sys.path.insert(0, str(wheel))
    import chinese_calendar

    day = FIRST
    while day <= LAST:
        yield f"{day} {int(chinese_calendar.is_workday(day))}\n"
        day += datetime.timedelta(days=1)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--write", action="store_true", help="write the golden file from the package")
    write = arguments.parse_args().write
    wheel = fetch(GOLDEN.parent.parent.parent / ".tools" / "wheels")
    expected = list(lines(wheel))
    if write:
        GOLDEN.write_text("".join(expected))
    found = GOLDEN.read_text().splitlines(keepends=True)
    wrong = [(ours.strip(), theirs.strip()) for ours, theirs in zip(found, expected) if ours != theirs]
    for ours, theirs in wrong:
        print(f"golden {ours}, chinesecalendar {theirs}")
    if wrong or len(found) != len(expected):
        sys.exit(f"error: {len(wrong)} of {len(expected)} days differ, {len(found)} lines")
    worked = sum(line.endswith("1\n") for line in expected)
    print(f"{len(expected)} days agree with chinesecalendar {VERSION}, {worked} of them worked")


if __name__ == "__main__":
    main()
