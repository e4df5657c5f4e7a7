// Checks the AsyncAPI document with the parser of the AsyncAPI initiative. Usage: check_asyncapi.mjs DOCUMENT, run where the packages are.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// Packages are looked for where this is run, not where this file is.
const require = createRequire(join(process.cwd(), "package.json"));
const { Parser } = require("@asyncapi/parser");

const parse = async (text) => await new Parser().parse(text);
const errors = (diagnostics) => diagnostics.filter(({ severity }) => severity === 0);

const text = readFileSync(process.argv[2], "utf8");
const { document, diagnostics } = await parse(text);
const found = errors(diagnostics);
if (found.length > 0 || document === undefined) {
  console.error(JSON.stringify(found, null, 2));
  process.exit(1);
}
// A parser that takes anything would prove nothing.
const broken = await parse(text.replace('"action": "send"', '"action": "shout"'));
if (errors(broken.diagnostics).length === 0) {
  console.error("the parser took a document with a broken operation");
  process.exit(1);
}
const messages = document.allMessages().all();
console.log(JSON.stringify({ version: document.version(), channels: document.allChannels().all().length, messages: messages.length }));
