// Follows the verified feed of a portbook: every sealed event once and in order, from where it stopped.
//
// Needs the packages @nats-io/transport-node and @nats-io/jetstream. Prints one JSON document a line; put your own work
// into handle().

import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, nkeyAuthenticator } from "@nats-io/transport-node";

const SERVER = "nats://127.0.0.1:4222";
const SEED_FILE = "subscriber.nk";
const NAME = "subscriber"; // of the NATS user; its durable consumer and its inboxes are named after it
const PORTS = []; // for example ["CNNBG"]; empty: every port
const TYPES = []; // for example ["license.granted"]; empty: every type
const POSITION_FILE = "portbook-subscriber.json";

const STREAM = "PORTBOOK_FEED";
const NONE = 2n ** 64n - 1n;

/** The feed is not what it should be: look at it before you go on. */
class Wrong extends Error {}

/** Your work. To do it exactly once, store its result and the position in one transaction. */
function handle(event, place) {
  const { leaf, port, portSeq, checkpoint, findings } = place;
  console.log(JSON.stringify({ leaf, port, port_seq: portSeq, checkpoint, findings, event }));
}

function placeOf(message) {
  const header = (name) => message.headers.get(name);
  const [, , port, , , caseId] = message.subject.split(".");
  return {
    port,
    caseId,
    leaf: Number(header("Portbook-Leaf-Index")),
    portSeq: Number(header("Portbook-Port-Seq")),
    checkpoint: Number(header("Portbook-Checkpoint-Size")),
    findings: header("Portbook-Findings").split(",").filter((word) => word !== ""),
  };
}

/** The hash of the ledger's record, computed from the message alone: docs/format.md, "Record". */
function leafHash(message, place) {
  const header = (name) => message.headers.get(name);
  const number = (value, bytes) => Buffer.from(BigInt(value).toString(16).padStart(2 * bytes, "0"), "hex");
  const subject = Buffer.from(`portbook.events.${place.caseId}`);
  const [prev, prevHash] = header("Portbook-Prev-Leaf").split(":");
  const signature = header("Portbook-Signature");
  const [keyId, text] = signature.split(":");
  const hash = createHash("sha256");
  const parts = [
    Buffer.from([0]),
    Buffer.from("PBR1"),
    Buffer.from([1, signature ? 1 : 0, place.port.length]),
    Buffer.from(place.port),
    number(place.portSeq, 8),
    number(prev === "genesis" ? NONE : prev, 8),
    Buffer.from(prevHash, "hex"),
    number(place.leaf + 1, 8),
    number(header("Portbook-Recorded-At"), 8),
    number(NONE, 8),
    number(subject.length, 2),
    subject,
    number(message.data.length, 4),
    message.data,
  ];
  if (signature) parts.push(Buffer.from(keyId, "hex"), Buffer.from(text, "base64"));
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

function loadPosition() {
  return existsSync(POSITION_FILE) ? JSON.parse(readFileSync(POSITION_FILE, "utf8")) : { seq: 0, leaf: -1 };
}

function savePosition(position) {
  writeFileSync(`${POSITION_FILE}.new`, JSON.stringify(position));
  renameSync(`${POSITION_FILE}.new`, POSITION_FILE);
}

/** A consumer that begins at our own position: what the server remembers of an earlier one does not matter. */
async function subscribe(client, nextSeq) {
  const manager = await jetstreamManager(client, { checkAPI: false });
  const { state } = await manager.streams.info(STREAM);
  if (nextSeq < state.first_seq && nextSeq > 1) {
    throw new Wrong(`the feed begins at message ${state.first_seq} by now; ${nextSeq} was due`);
  }
  await manager.consumers.delete(STREAM, NAME).catch((error) => {
    if (error.code !== 10014) throw error; // there was none
  });
  const ports = PORTS.length ? PORTS : ["*"];
  const types = TYPES.length ? TYPES : ["*.*"];
  await manager.consumers.add(STREAM, {
    durable_name: NAME,
    filter_subjects: ports.flatMap((port) => types.map((type) => `portbook.feed.${port}.${type}.*`)),
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(nextSeq, 1),
  });
  return await jetstream(client).consumers.get(STREAM, NAME);
}

/** Handles events until the consumer is not what it was; then another one goes on at our position. */
async function follow(client, position) {
  const consumer = await subscribe(client, position.seq + 1);
  let expected = 1;
  for (;;) {
    const messages = await consumer.fetch({ max_messages: 200, expires: 2000 });
    let count = 0;
    for await (const message of messages) {
      count += 1;
      if (message.info.deliverySequence !== expected) return; // a message got lost on the way
      expected += 1;
      const place = placeOf(message);
      if (place.leaf <= position.leaf) throw new Wrong(`leaf ${place.leaf} came after leaf ${position.leaf}`);
      if (leafHash(message, place) !== message.headers.get("Portbook-Leaf-Hash")) {
        throw new Wrong(`message ${message.seq} is not leaf ${place.leaf} of the ledger`);
      }
      handle(JSON.parse(message.string()), place);
      position.seq = message.seq;
      position.leaf = place.leaf;
      savePosition(position);
    }
    if (count === 0) await consumer.info(); // an error if it is gone
  }
}

const client = await connect({
  servers: SERVER.split(","),
  authenticator: nkeyAuthenticator(new TextEncoder().encode(readFileSync(SEED_FILE, "utf8").trim())),
  inboxPrefix: `_INBOX_${NAME}`,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 200,
});
const position = loadPosition();
process.on("SIGTERM", () => process.exit(0));
for (;;) {
  try {
    await follow(client, position);
  } catch (error) {
    if (error instanceof Wrong) {
      console.error(`error: ${error.message}`);
      process.exit(1);
    }
    console.error(`waiting for the feed: ${error.message}`);
    await new Promise((resume) => setTimeout(resume, 300));
  }
}
