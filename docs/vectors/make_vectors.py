#!/usr/bin/env python3
"""Computes the test vectors of docs/format.md from the text of that document alone: standard library only, no portbook code.

    python3 docs/vectors/make_vectors.py            print the vectors
    python3 docs/vectors/make_vectors.py --write    put them between the markers in docs/format.md
    python3 docs/vectors/make_vectors.py --check    exit 1 if docs/format.md holds others
"""

import base64
import hashlib
import pathlib
import struct
import sys

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "format.md"
BEGIN, END = "<!-- vectors: begin -->", "<!-- vectors: end -->"
NONE = 2**64 - 1


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u8(n):
    return struct.pack(">B", n)


def u16(n):
    return struct.pack(">H", n)


def u32(n):
    return struct.pack(">I", n)


def u64(n):
    return struct.pack(">Q", n)


# The tree, as RFC 6962 section 2.1 defines it.


def leaf_hash(data):
    return sha(b"\x00", data)


def node_hash(left, right):
    return sha(b"\x01", left, right)


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def inclusion(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion(m, leaves[:k]) + [mth(leaves[k:])]
    return inclusion(m - k, leaves[k:]) + [mth(leaves[:k])]


def consistency(m, leaves, whole=True):
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return consistency(m, leaves[:k], whole) + [mth(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [mth(leaves[:k])]


# Ed25519, as RFC 8032 section 6 writes it. Slow and not constant-time: for these published keys only.

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point_add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    i, j, k, l = f - e, h - g, h + g, f + e
    return (i * j % P, k * l % P, j * k % P, i * l % P)


def point_mul(s, point):
    result = (0, 1, 1, 0)
    while s:
        if s & 1:
            result = point_add(result, point)
        point, s = point_add(point, point), s >> 1
    return result


def recover_x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * pow(2, (P - 1) // 4, P) % P
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return int.to_bytes(y | (x & 1) << 255, 32, "little")


def expand(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little")
    return (a & ((1 << 254) - 8)) | (1 << 254), h[32:]


def public_key(seed):
    return compress(point_mul(expand(seed)[0], BASE))


def sign(seed, message):
    a, prefix = expand(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % Q
    big_r, key = compress(point_mul(r, BASE)), public_key(seed)
    h = int.from_bytes(hashlib.sha512(big_r + key + message).digest(), "little") % Q
    return big_r + int.to_bytes((r + h * a) % Q, 32, "little")


# RFC 8032, 7.1: tests 1 to 3, and the seed of test SHA(abc). Here: the log, a producer, a witness, the producer's next key.
LOG_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PRODUCER_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
WITNESS_SEED = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
SUCCESSOR_SEED = bytes.fromhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")

assert sign(LOG_SEED, b"").hex() == (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246551"
    "41438e7a100b"
)

# The layouts.

ORIGIN = b"portbook.example/re"


def genesis(port):
    return sha(b"portbook/v1/genesis\n", u16(len(ORIGIN)), ORIGIN, u8(len(port)), port)


def key_id(key):
    return sha(b"portbook/v1/key\n", key)[:8]


def event_signature_message(subject, body):
    return b"portbook/v1/event-signature\n" + u16(len(subject)) + subject + u32(len(body)) + body


def event_signature(seed, subject, body):
    return key_id(public_key(seed)) + sign(seed, event_signature_message(subject, body))


def small_order_signature(seed, subject, body):
    """Satisfies SB = R + kA with R the neutral element; a strict verifier refuses it."""
    big_r, key = compress((0, 1, 1, 0)), public_key(seed)
    message = event_signature_message(subject, body)
    k = int.from_bytes(hashlib.sha512(big_r + key + message).digest(), "little") % Q
    return key_id(key) + big_r + int.to_bytes(k * expand(seed)[0] % Q, 32, "little")


def record(kind, port, port_seq, prev_index, prev_hash, stream_seq, recorded_at, refers_to, subject, body, signature):
    return b"".join([
        b"PBR1", u8(kind), u8(1 if signature else 0), u8(len(port)), port, u64(port_seq), u64(prev_index), prev_hash,
        u64(stream_seq), u64(recorded_at), u64(refers_to), u16(len(subject)), subject, u32(len(body)), body, signature,
    ])


def head(port, count, head_index, head_hash, port_root):
    return b"PBH1" + u8(len(port)) + port + u64(count) + u64(head_index) + head_hash + port_root


def seal(covered_size, port_count, heads_root, prev_checkpoint, prev_seal, stream_seq, sealed_at):
    return b"".join([
        b"PBS1", u8(1), u64(covered_size), u64(port_count), heads_root, prev_checkpoint, u64(prev_seal), u64(stream_seq),
        u64(sealed_at), sha(ORIGIN),
    ])


def note_key_hash(name, algorithm, key):
    return sha(name, b"\n", u8(algorithm), key)[:4]


def note_line(name, key_hash, signature):
    return "\u2014 ".encode() + name + b" " + base64.b64encode(key_hash + signature) + b"\n"


class Book:
    """A ledger in memory: appends records and seals as the document says."""

    def __init__(self):
        self.leaves, self.ports, self.prev_seal = [], {}, NONE

    def time(self):
        return 1_750_000_000_000_000_000 + len(self.leaves) * 1_000_000_007

    def append(self, kind, port, subject, body, refers_to=NONE, signature=b""):
        index, chain = len(self.leaves), self.ports.setdefault(port, [])
        prev_index = chain[-1] if chain else NONE
        prev_hash = leaf_hash(self.leaves[prev_index]) if chain else genesis(port)
        self.leaves.append(record(
            kind, port, len(chain) + 1, prev_index, prev_hash, index + 1, self.time(), refers_to, subject, body, signature))
        chain.append(index)

    def heads(self):
        rows = []
        for port, chain in sorted(self.ports.items()):
            hashes = [leaf_hash(self.leaves[at]) for at in chain]
            rows.append(head(port, len(chain), chain[-1], hashes[-1], mth(hashes)))
        return rows

    def seal(self, prev_checkpoint):
        index = len(self.leaves)
        heads_root = mth([leaf_hash(row) for row in self.heads()])
        self.leaves.append(seal(
            index, len(self.ports), heads_root, prev_checkpoint, self.prev_seal, index + 1, self.time()))
        self.prev_seal = index

    def checkpoint(self):
        root = mth([leaf_hash(leaf) for leaf in self.leaves])
        return ORIGIN + b"\n%d\n" % len(self.leaves) + base64.b64encode(root) + b"\n"


def commitment(salt, name, value):
    return sha(b"portbook/v1/commit\n", salt, u8(len(name)), name, u32(len(value)), value)


def rotation_message(role, old, new, overlap_until):
    """`old` and `new` are public keys."""
    origin = u8(len(ORIGIN)) + ORIGIN
    return b"portbook/v1/key-rotation\n" + origin + u8(role) + key_id(old) + new + u64(overlap_until)


def commitment_vectors():
    salt = bytes(range(32))
    yield "commitment.end_user", commitment(salt, b"end_user", "Müller & Söhne GmbH".encode())
    yield "commitment.empty", commitment(salt, b"end_user", b"")
    yield "commitment.moved_boundary", commitment(salt, b"end_userM", "üller & Söhne GmbH".encode())


def rotation_vectors():
    old, new = public_key(PRODUCER_SEED), public_key(SUCCESSOR_SEED)
    yield "rotation.new_key_id", key_id(new)
    for name, role in (("producer", 2), ("log", 1)):
        message = rotation_message(role, old, new, 1_750_086_400_000_000_000)
        yield f"rotation.{name}.message", message
        yield f"rotation.{name}.old_signature", sign(PRODUCER_SEED, message)
        yield f"rotation.{name}.new_signature", sign(SUCCESSOR_SEED, message)


def signed_checkpoint(text):
    key_hash = note_key_hash(ORIGIN, 1, public_key(LOG_SEED))
    return text + b"\n" + note_line(ORIGIN, key_hash, sign(LOG_SEED, text))


def cosignature(text, name, seconds):
    key_hash = note_key_hash(name, 4, public_key(WITNESS_SEED))
    return note_line(name, key_hash, u64(seconds) + sign(WITNESS_SEED, b"cosignature/v1\ntime %d\n" % seconds + text))


def example_book():
    book, bodies = Book(), [b'{"n":%d}' % n for n in range(10)]
    case = b"portbook.events.2025DU004417"
    book.append(5, b"~CONTROL", b"portbook.control.ledger.opened", bodies[0])
    book.append(1, b"CNNBG", case, bodies[1], signature=event_signature(PRODUCER_SEED, case, bodies[1]))
    book.append(1, b"CNSHA", b"portbook.events.2025DU000001", bodies[2])
    book.append(1, b"CNNBG", case, bodies[3])
    book.append(2, b"CNNBG", case, bodies[1], 1, event_signature(PRODUCER_SEED, case, bodies[1]))
    book.append(3, b"CNNBG", case, bodies[5], 1)
    book.append(4, b"~QUARANTINE", b"portbook.events.x", b"\xff\x00 not an event")
    book.seal(bytes(32))
    first = book.checkpoint()
    published = signed_checkpoint(first) + cosignature(first, b"witness.example/w", 1_750_000_100)
    book.append(1, b"CNSHA", b"portbook.events.2025DU000001", bodies[8])
    book.seal(sha(published))
    return book, first, published


# The leaves of the tree that certificate transparency implementations test with.
CT_LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]


def tree_vectors():
    hashes = [leaf_hash(leaf) for leaf in CT_LEAVES]
    for n in range(len(hashes) + 1):
        yield f"tree.root.{n}", mth(hashes[:n])
    yield "tree.inclusion.5.8", b"".join(inclusion(5, hashes))
    yield "tree.inclusion.2.3", b"".join(inclusion(2, hashes[:3]))
    yield "tree.consistency.1.8", b"".join(consistency(1, hashes))
    yield "tree.consistency.6.8", b"".join(consistency(6, hashes))
    yield "tree.consistency.2.5", b"".join(consistency(2, hashes[:5]))
    many = [leaf_hash(u64(n)) for n in range(70)]
    yield "tree.all_inclusions", sha(
        *(h for n in range(1, 71) for m in range(n) for h in inclusion(m, many[:n])))
    yield "tree.all_consistencies", sha(
        *(h for n in range(1, 71) for m in range(1, n + 1) for h in consistency(m, many[:n])))


def vectors():
    book, first, published = example_book()
    yield from tree_vectors()
    yield "origin_hash", sha(ORIGIN)
    for port in (b"CNNBG", b"CNSHA", b"~CONTROL", b"~QUARANTINE"):
        yield f"genesis.{port.decode()}", genesis(port)
    yield "producer.public_key", public_key(PRODUCER_SEED)
    yield "producer.key_id", key_id(public_key(PRODUCER_SEED))
    yield "producer.small_order_signature", small_order_signature(
        PRODUCER_SEED, b"portbook.events.2025DU004417", b'{"n":1}')
    for index, leaf in enumerate(book.leaves):
        yield f"leaf.{index}", leaf
        yield f"leaf_hash.{index}", leaf_hash(leaf)
    for row in book.heads():
        yield f"head.{row[5:5 + row[4]].decode()}", row
    yield "root.8", mth([leaf_hash(leaf) for leaf in book.leaves[:8]])
    yield "root.10", mth([leaf_hash(leaf) for leaf in book.leaves])
    yield "checkpoint.8.text", first
    yield "checkpoint.8", published
    yield "checkpoint.10", signed_checkpoint(book.checkpoint())
    log_key, witness_key = public_key(LOG_SEED), public_key(WITNESS_SEED)
    for name, owner, algorithm, key in (
            ("log", ORIGIN, 1, log_key), ("witness", b"witness.example/w", 4, witness_key)):
        text = b"%s+%s+%s" % (
            owner, note_key_hash(owner, algorithm, key).hex().encode(), base64.b64encode(u8(algorithm) + key))
        yield f"{name}.verifier_key", text
    yield from rotation_vectors()
    yield from commitment_vectors()


def block():
    lines = ["```vectors"]
    for name, value in vectors():
        text = value.hex()
        lines.append(f"{name} = {text[:64]}")
        lines.extend(f"    {text[at:at + 96]}" for at in range(64, len(text), 96))
    return "\n".join(lines + ["```"])


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode not in ("", "--write", "--check"):
        sys.exit(__doc__)
    if not mode:
        print(block())
        return
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    held, _, after = rest.partition(END)
    if mode == "--write":
        DOCUMENT.write_text(f"{before}{BEGIN}\n{block()}\n{END}{after}", encoding="utf-8")
    elif held.strip() != block():
        sys.exit("docs/format.md holds other vectors: python3 docs/vectors/make_vectors.py --write")


if __name__ == "__main__":
    main()
