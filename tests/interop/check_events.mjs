// Reads events as subscribers get them with the CloudEvents SDK. Usage: check_events.mjs LINES, run where the packages are.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { HTTP } = require("cloudevents");

let count = 0;
for (const line of readFileSync(process.argv[2], "utf8").split("\n").filter((line) => line !== "")) {
  const { event } = JSON.parse(line);
  const read = HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body: JSON.stringify(event) });
  read.validate();
  for (const name of ["id", "source", "type", "subject", "partitionkey", "dataschema", "pbmode"]) {
    if (read[name] !== event[name]) throw new Error(`${event.id}: the SDK reads ${name} as ${read[name]}`);
  }
  if (JSON.stringify(read.data) !== JSON.stringify(event.data)) throw new Error(`${event.id}: the SDK reads other data`);
  count += 1;
}
console.log(JSON.stringify({ events: count }));
