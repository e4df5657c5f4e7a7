#!/usr/bin/env python3
"""Checks the systemd units in a directory with `systemd-analyze verify`, and that all of them are hardened.

The programs the units run need not be installed: the check looks at copies that run /bin/true instead.
Usage: check-units.py DIRECTORY
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Settings without which a unit could touch more than its own state.
HARDENING = [
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "CapabilityBoundingSet=",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "SystemCallFilter=@system-service",
    "MemoryDenyWriteExecute=yes",
    "UMask=0077",
]


def main() -> int:
    directory = pathlib.Path(sys.argv[1])
    units = sorted(path for path in directory.iterdir() if path.suffix in (".service", ".timer"))
    if not units:
        print(f"error: there are no units in {directory}", file=sys.stderr)
        return 1
    faults = 0
    for unit in units:
        lines = unit.read_text().splitlines()
        for setting in HARDENING if unit.suffix == ".service" else []:
            if setting not in lines:
                print(f"error: {unit}: {setting} is missing", file=sys.stderr)
                faults += 1
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        print("error: systemd-analyze is not there; it comes with systemd", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as copies:
        for unit in units:
            text = re.sub(r"^(Exec\w+=)/usr/bin/\S+", r"\1/bin/true", unit.read_text(), flags=re.M)
            text = re.sub(r"^(User|Group)=.*$", r"\1=root", text, flags=re.M)
            pathlib.Path(copies, unit.name).write_text(text)
        paths = [str(pathlib.Path(copies, unit.name)) for unit in units if "@" not in unit.name]
        templates = [unit.name for unit in units if "@" in unit.name]
        for template in templates:
            instance = template.replace("@.", "@intake.")
            shutil.copy(pathlib.Path(copies, template), pathlib.Path(copies, instance))
            paths.append(str(pathlib.Path(copies, instance)))
        checked = subprocess.run(
            [analyze, "verify", "--man=no", "--recursive-errors=no", *paths], capture_output=True, text=True
        )
        said = checked.stderr.replace(copies, str(directory)).strip()
        if checked.returncode != 0 or said:
            print(said or f"error: systemd-analyze ended with {checked.returncode}", file=sys.stderr)
            faults += 1
    if faults == 0:
        print(f"{len(units)} units: verified and hardened")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
