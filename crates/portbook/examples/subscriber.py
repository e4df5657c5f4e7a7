#!/usr/bin/env python3
"""Follows the verified feed of a portbook: every sealed event once and in order, from where it stopped.

Needs the packages nats-py and nkeys. Prints one JSON document a line; put your own work into handle().
"""

import asyncio
import base64
import hashlib
import json
import os
import signal
import struct
import sys

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

SERVER = "nats://127.0.0.1:4222"
SEED_FILE = "subscriber.nk"
NAME = "subscriber"  # of the NATS user; its durable consumer and its inboxes are named after it
PORTS = []  # for example ["CNNBG"]; empty: every port
TYPES = []  # for example ["license.granted"]; empty: every type
POSITION_FILE = "portbook-subscriber.json"

STREAM = "PORTBOOK_FEED"
NONE = 2**64 - 1


class Wrong(Exception):
    """The feed is not what it should be: look at it before you go on."""


def handle(event, place):
    """Your work. To do it exactly once, store its result and the position in one transaction."""
    print(json.dumps({"leaf": place["leaf"], "port": place["port"], "port_seq": place["port_seq"],
                      "checkpoint": place["checkpoint"], "findings": place["findings"], "event": event}), flush=True)


def place_of(message):
    headers = message.headers
    _, _, port, _, _, case = message.subject.split(".")
    return {
        "port": port,
        "case": case,
        "leaf": int(headers["Portbook-Leaf-Index"]),
        "port_seq": int(headers["Portbook-Port-Seq"]),
        "checkpoint": int(headers["Portbook-Checkpoint-Size"]),
        "findings": [word for word in headers.get("Portbook-Findings", "").split(",") if word],
    }


def leaf_hash(message, place):
    """The hash of the ledger's record, computed from the message alone: docs/format.md, "Record"."""
    headers = message.headers
    port, subject = place["port"].encode(), f"portbook.events.{place['case']}".encode()
    prev, prev_hash = headers["Portbook-Prev-Leaf"].split(":")
    signature = headers.get("Portbook-Signature")
    record = b"PBR1" + bytes([1, 1 if signature else 0, len(port)]) + port
    record += struct.pack(">QQ", place["port_seq"], NONE if prev == "genesis" else int(prev)) + bytes.fromhex(prev_hash)
    record += struct.pack(">QQQ", place["leaf"] + 1, int(headers["Portbook-Recorded-At"]), NONE)
    record += struct.pack(">H", len(subject)) + subject + struct.pack(">I", len(message.data)) + message.data
    if signature:
        key_id, text = signature.split(":")
        record += bytes.fromhex(key_id) + base64.b64decode(text)
    return hashlib.sha256(b"\0" + record).hexdigest()


def load_position():
    try:
        with open(POSITION_FILE, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"seq": 0, "leaf": -1}


def save_position(position):
    with open(POSITION_FILE + ".new", "w", encoding="utf-8") as file:
        json.dump(position, file)
    os.replace(POSITION_FILE + ".new", POSITION_FILE)


async def subscribe(js, next_seq):
    """A consumer that begins at our own position: what the server remembers of an earlier one does not matter."""
    first_seq = (await js.stream_info(STREAM)).state.first_seq
    if next_seq < first_seq and next_seq > 1:
        raise Wrong(f"the feed begins at message {first_seq} by now; {next_seq} was due")
    try:
        await js.delete_consumer(STREAM, NAME)
    except NotFoundError:
        pass
    filters = [f"portbook.feed.{port}.{kind}.*" for port in PORTS or ["*"] for kind in TYPES or ["*.*"]]
    await js.add_consumer(STREAM, ConsumerConfig(
        name=NAME, durable_name=NAME, filter_subjects=filters, ack_policy=AckPolicy.NONE,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(next_seq, 1)))
    return await js.pull_subscribe_bind(NAME, STREAM)


async def follow(js, position):
    """Handles events until the consumer is not what it was; then another one goes on at our position."""
    consumer = await subscribe(js, position["seq"] + 1)
    expected = 1
    try:
        while True:
            try:
                messages = await consumer.fetch(200, timeout=2)
            except nats.errors.TimeoutError:
                await js.consumer_info(STREAM, NAME)  # an error if it is gone
                continue
            for message in messages:
                if message.metadata.sequence.consumer != expected:
                    return  # a message got lost on the way
                expected += 1
                take(message, position)
    finally:
        await consumer.unsubscribe()


def take(message, position):
    """Checks one message against its leaf, handles it, and moves the position."""
    place = place_of(message)
    if place["leaf"] <= position["leaf"]:
        raise Wrong(f"leaf {place['leaf']} came after leaf {position['leaf']}")
    if leaf_hash(message, place) != message.headers["Portbook-Leaf-Hash"]:
        raise Wrong(f"message {message.metadata.sequence.stream} is not leaf {place['leaf']} of the ledger")
    handle(json.loads(message.data), place)
    position.update(seq=message.metadata.sequence.stream, leaf=place["leaf"])
    save_position(position)


async def quiet(_error):
    """Reconnecting goes on for ever; what is worth telling is told below."""


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    client = await nats.connect(SERVER, nkeys_seed=SEED_FILE, inbox_prefix=f"_INBOX_{NAME}".encode(), error_cb=quiet,
                                max_reconnect_attempts=-1, reconnect_time_wait=0.2)
    position = load_position()
    while True:
        try:
            await follow(client.jetstream(), position)
        except (nats.errors.Error, OSError) as error:
            print(f"waiting for the feed: {error!r}", file=sys.stderr)
            await asyncio.sleep(0.3)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (asyncio.CancelledError, KeyboardInterrupt):
        pass
    except Wrong as error:
        sys.exit(f"error: {error}")
