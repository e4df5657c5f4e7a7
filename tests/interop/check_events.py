#!/usr/bin/env python3
"""Checks events as subscribers get them: the CloudEvents SDK reads each, and the published schemas accept it.

Usage: check_events.py PORTBOOK LINES, where PORTBOOK is the binary that prints the schemas and LINES a file of what
`portbook watch --json` or the Python subscriber prints.
"""

import functools
import json
import subprocess
import sys

from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator


@functools.cache
def validator(portbook, name):
    text = subprocess.run([portbook, "schema", "get", name], capture_output=True, text=True, check=True).stdout
    schema = json.loads(text)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def check(portbook, event):
    validator(portbook, "envelope").validate(event)
    name = event["type"].removeprefix("portbook.")
    validator(portbook, name).validate(event["data"])
    read = JSONFormat().read(None, json.dumps(event))
    same = [
        (read.get_id(), event["id"]),
        (read.get_source(), event["source"]),
        (read.get_type(), event["type"]),
        (read.get_subject(), event["subject"]),
        (read.get_dataschema(), event["dataschema"]),
        (read.get_extension("partitionkey"), event["partitionkey"]),
        (read.get_data(), event["data"]),
    ]
    for found, expected in same:
        assert found == expected, f"{event['id']}: the SDK reads {found!r}, not {expected!r}"
    return name


def main():
    portbook, lines = sys.argv[1:]
    types = {}
    with open(lines, encoding="utf-8") as file:
        for line in file:
            name = check(portbook, json.loads(line)["event"])
            types[name] = types.get(name, 0) + 1
    # A schema that accepts anything would prove nothing.
    broken = {"license_no": "L1"}
    assert not validator(portbook, "license.granted").is_valid(broken)
    print(json.dumps(types, sort_keys=True))


if __name__ == "__main__":
    main()
