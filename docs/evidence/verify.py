#!/usr/bin/env python3
"""Checks a portbook evidence bundle with nothing but Python's standard library: python3 verify.py --key KEY BUNDLE

BUNDLE is a .zip or a folder, KEY is <name>+<hash>+<key> or a file with it. Written from docs/format.md and docs/evidence.md alone,
to be read in one sitting and to disagree with portbook-verify if one of the two is wrong. Exit codes: 0 verified, 2 usage,
10 not what it should be, 11 two signed trees that cannot both be true, 12 part could not be checked, 74 could not be read.
"""
import base64, hashlib, io, json, os, re, struct, sys, zipfile

NONE, P, L = 2**64 - 1, 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
PORT = re.compile(rb"[A-Z]{2}[A-Z2-9]{3}|~CONTROL|~QUARANTINE")
ENTRIES = re.compile(r"entries/(x(?!000)\d{3}/(x\d{3}/)*)?\d{3}(\.p/([1-9]\d?|1\d\d|2[0-4]\d|25[0-5]))?", re.ASCII)
FIXED = set("checkpoint seal.tlog-proof head range earlier consistency policy README.txt verify.html verify.py MANIFEST.json".split())

class Refused(Exception):
    """An exit code, the check that does not hold, and why."""
def need(holds, check, reason, code=10):
    if not holds:
        raise Refused(code, check, reason)
sha256 = lambda data: hashlib.sha256(data).digest()
big = lambda data: int.from_bytes(data, "big")

# Ed25519 in affine coordinates (RFC 8032, section 5.1), in the strict sense of docs/format.md.
def add(a, b):
    k = D * a[0] * b[0] * a[1] * b[1] % P
    return (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, P) % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P) % P

def times(number, point):
    result = (0, 1)
    for bit in bin(number)[2:]:
        result = add(result, result)
        result = add(result, point) if bit == "1" else result
    return result

def point(data):
    """The point with this canonical encoding that is not of small order; otherwise none."""
    y, sign = int.from_bytes(data, "little") % 2**255, data[-1] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    found = (x if x & 1 == sign else P - x, y)
    return None if times(8, found) == (0, 1) else found

def signed(key, message, signature):
    if len(signature) != 64 or not (point(key) and point(signature[:32])) or int.from_bytes(signature[32:], "little") >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    base = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    return times(int.from_bytes(signature[32:], "little"), base) == add(point(signature[:32]), times(k, point(key)))

def unbase64(text, length=None):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text and length in (None, len(data)) else None

def number(text, check):
    need(re.fullmatch("0|[1-9][0-9]{0,19}", text) and int(text) <= NONE, check, "not a number")
    return int(text)

def lines_of(data, check):
    text = data.decode("utf-8", "replace")
    need(len(data) <= 262144 and text.encode() == data and text.endswith("\n"), check, "no text, too long, or cut short")
    return text.split("\n")[:-1]

def after(lines, prefix, check):
    need(lines and lines[0].startswith(prefix), check, f"no line {prefix!r}")
    return lines.pop(0)[len(prefix):]

def hashes_of(lines, check):
    hashes = []
    while lines and unbase64(lines[0], 32):
        hashes.append(unbase64(lines.pop(0), 32))
    need(len(hashes) <= 65, check, "more hashes than any proof has")
    return hashes

def read_key(text):
    name, _, rest = text.strip().partition("+")
    digits, _, encoded = rest.partition("+")
    key = unbase64(encoded, 33)
    need(name and key and key[0] == 1 and point(key[1:]), "usage", "a key is <name>+<hash>+<base64 of an Ed25519 key>", 2)
    need(sha256(name.encode() + b"\n" + key)[:4].hex() == digits, "usage", "the hash in the key is not its own", 2)
    return name, bytes.fromhex(digits), key[1:]

def open_note(note, key, check):  # gives size and root
    (name, digest, public), found = key, 0
    need(note.split(b"\n")[0] == name.encode(), check, "you brought no key of this log", 12)
    lines = lines_of(note, check)
    need(len(note) <= 65536 and len(lines) > 4 and lines[3] == "" and len(lines) <= 104, check, "not the shape of a checkpoint")
    need(all(char >= " " for line in lines for char in line), check, "a control character")
    for line in lines[4:]:
        match = re.fullmatch("\u2014 ([^ +]{1,255}) ([^ ]+)", line)
        data = unbase64(match[2]) if match else None
        need(data and len(data) > 4 and not re.search(r"[\s\x7f-\x9f]", match[1]), check, "not a signature line")
        if match[1] == name and data[:4] == digest:
            need(signed(public, ("\n".join(lines[:3]) + "\n").encode(), data[4:]), check, "the log's signature does not hold")
            found += 1
    need(found == 1 and unbase64(lines[2], 32), check, "the log's key did not sign, or signed twice, or there is no root")
    return number(lines[1], check), unbase64(lines[2], 32)

def read_proof(data, label, check):  # a C2SP tlog-proof or add-checkpoint body
    head, gap, note = data.partition(b"\n\n")
    lines, extra = lines_of(head + b"\n", check), None
    if label == "index ":
        need(after(lines, "c2sp.org/tlog-proof@v1", check) == "", check, "not a tlog-proof")
        extra = unbase64(after(lines, "extra ", check)) if lines and lines[0].startswith("extra ") else None
    value, hashes = number(after(lines, label, check), check), hashes_of(lines, check)
    need(gap and not lines, check, "a line that is no hash")
    return extra, value, hashes, note

def node(left, right):
    return sha256(b"\1" + left + right) if left and right else None

def path_root(leaf, index, size, proof):
    """The root that an inclusion proof (RFC 6962, 2.1.1) leads to; none when its length is wrong."""
    if size <= 1 or not proof or index >= size:
        return leaf if size == 1 and not proof and index == 0 else None
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return node(path_root(leaf, index, half, proof[:-1]), proof[-1])
    return node(proof[-1], path_root(leaf, index - half, size - half, proof[:-1]))

def both_roots(old, new, proof, whole):
    """The roots that a consistency proof leads to (RFC 6962, 2.1.2); `whole` is the old root while it is a subtree."""
    if old >= new or not proof:
        proof = [whole] + proof if whole else proof
        return (proof[0], proof[0]) if old == new and len(proof) == 1 else (None, None)
    half, last = 1 << (new - 1).bit_length() - 1, proof[-1]
    left = old <= half
    first, second = both_roots(old, half, proof[:-1], whole) if left else both_roots(old - half, new - half, proof[:-1], None)
    return (first, node(second, last)) if left else (node(last, first), node(last, second))

def root_of(hashes):
    while len(hashes) > 1:
        hashes = [node(*hashes[at:at + 2]) if at + 1 < len(hashes) else hashes[at] for at in range(0, len(hashes), 2)]
    return hashes[0]

def cut(data, check, *layout):
    """Fields of a layout: a number is a field of so many bytes, a negative one a length in so many and then as many bytes."""
    fields = []
    for width in layout:
        if width < 0:
            need(len(data) >= -width, check, "it ends inside a length")
            width, data = big(data[:-width]), data[-width:]
        need(len(data) >= width, check, "it ends inside a field")
        fields.append(data[:width])
        data = data[width:]
    need(not data, check, "bytes follow the last field")
    return fields

def read_record(leaf):
    signature = [8, 64] if leaf[5:6] == b"\1" else []
    magic, kind, flags, chain, seq, prev, prev_hash, stream, _, refers, subject, body, *_ = cut(
        leaf, "chain", 4, 1, 1, -1, 8, 8, 32, 8, 8, 8, -2, -4, *signature)
    kind, seq, prev, stream, refers = big(kind), big(seq), big(prev), big(stream), big(refers)
    own = {4: b"~QUARANTINE", 5: b"~CONTROL"}.get(kind, b"" if chain.startswith(b"~") else chain)
    need(magic == b"PBR1" and 1 <= kind <= 5 and big(flags) <= 1 and PORT.fullmatch(chain) and chain == own, "chain", "no record")
    need(seq and stream and (prev == NONE) == (seq == 1) and (refers != NONE) == (kind in (2, 3)), "chain", "places contradict")
    text = subject and subject.decode("utf-8", "replace").encode() == subject
    need(text and (kind == 4 or len(body) <= 32768), "chain", "subject or body")
    return chain, seq, prev, prev_hash, stream - 1, refers

def check_head(data, seal_index, port_count, heads_root):
    """The port in question and its head, or none when its neighbours show that it has no records."""
    lines, found = lines_of(data, "head"), []
    need(after(lines, "portbook/head-proof@v1", "head") == "", "head", "no head proof")
    port = after(lines, "port ", "head").encode()
    while lines:
        place, _, encoded = after(lines, "head ", "head").partition(" ")
        raw, place, hashes = unbase64(encoded) or b"", number(place, "head"), hashes_of(lines, "head")
        magic, chain, count, index, newest, root = cut(raw, "head", 4, -1, 8, 8, 32, 32)
        need(magic == b"PBH1" and PORT.fullmatch(chain) and big(count) and big(index) < seal_index, "head", "no head of this seal")
        need(path_root(sha256(b"\0" + raw), place, port_count, hashes) == heads_root, "head", "not in the seal")
        found.append((place, chain, big(count), big(index), newest, root))
    need(PORT.fullmatch(port) and len(found) <= 2, "head", "no port, or too many heads")
    if len(found) == 1 and found[0][1] == port:
        return port, found[0][2:]
    before, behind = [it for it in found if it[1] < port], [it for it in found if it[1] > port]
    need(found == before + behind and len(before) <= 1 and len(behind) <= 1, "head", "the neighbours do not enclose the port")
    need((before[0][0] + 1 if before else 0) == (behind[0][0] if behind else port_count), "head", "these are no neighbours")
    return port, None

def read_files(path):
    """Files of a folder, or of an archive in the one form there is: written again from its files it must be the same bytes."""
    files, again = {}, io.BytesIO()
    for folder, folders, names in os.walk(path):
        need(not any(os.path.islink(os.path.join(folder, name)) for name in names + folders), "files", "a link")
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                files[os.path.relpath(file.name, path).replace(os.sep, "/")] = file.read()
    if os.path.isdir(path):
        return files
    with open(path, "rb") as file:
        data = file.read()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(again, "w") as copy:
            names = archive.namelist()
            for info in archive.infolist():
                files[info.filename] = archive.read(info) if info.compress_type == 0 else b""
                copy.writestr(zipfile.ZipInfo(info.filename), files[info.filename])
    except Exception as error:  # the module raises a dozen kinds for hostile archives
        raise Refused(10, "files", f"the archive cannot be read: {error}")
    need(again.getvalue() == data, "files", "the archive is not in the form of a bundle")
    need(names[-1:] == ["MANIFEST.json"] and names[:-1] == sorted(set(names[:-1])), "files", "the archive is not sorted")
    return files

def check_records(files, origin, port, head, first, last, proof, used):
    count, head_index, newest, root = head
    genesis = b"portbook/v1/genesis\n" + struct.pack(">H", len(origin)) + origin + bytes([len(port)]) + port
    previous, index, hashes = sha256(genesis), None, []
    for start in range(first, last + 1, 256):
        width = min(256, last - start + 1)
        tile, seq = (start - first) // 256, start
        name = "entries/" + (f"x{tile // 1000:03}/" if tile > 999 else "") + f"{tile % 1000:03}" + ("" if width == 256 else f".p/{width}")
        need(name in files, "files", f"{name} is missing", 12)
        used.add(name)
        data = files[name]
        while data:
            end = 2 + big(data[:2])
            need(len(data) >= max(end, 2), "files", "a record is cut short")
            leaf, data = data[2:end], data[end:]
            chain, port_seq, prev, prev_hash, at, refers = read_record(leaf)
            need(chain == port and port_seq == seq, "chain", f"record {seq} is out of place")
            need(prev_hash == previous or (index is None and first > 1), "chain", f"record {seq} does not continue the chain")
            need(index is None or (prev == index and at > index), "chain", f"record {seq} is out of order")
            need(refers == NONE or refers < at, "chain", f"record {seq} refers forward")
            previous, index, seq = sha256(b"\0" + leaf), at, seq + 1
            hashes.append(previous)
        need(seq == start + width, "files", f"{name} has another number of records")
    if proof is None:
        need((index, previous, root_of(hashes)) == (head_index, newest, root), "complete", "not what the seal commits to")
    else:
        need(index <= head_index and path_root(previous, last - 1, count, proof) == root, "range", "not in the sealed tree")

def manifest_of(files, origin, size, root, port, count, first, last):
    listed = [f'    {{"name": "{name}", "bytes": {len(files[name])}, "sha256": "{sha256(files[name]).hex()}"}}'
              for name in sorted(files) if name != "MANIFEST.json"]
    return (f'{{\n  "schema": "portbook.bundle/v1",\n  "origin": {json.dumps(origin)},\n  "size": {size},\n'
            f'  "root": "{base64.b64encode(root).decode()}",\n  "port": "{port.decode()}",\n  "count": {count},\n'
            f'  "first": {first},\n  "last": {last},\n  "files": [\n' + ",\n".join(listed) + "\n  ]\n}\n").encode()

def check_bundle(path, key):
    files = read_files(path)
    need(all(name in FIXED or ENTRIES.fullmatch(name) for name in files), "files", "a file that belongs to no bundle")
    def take(name):
        need(name in files, "files", f"{name} is missing", 12)
        return files[name]
    origin, note = key[0], take("checkpoint")
    size, root = open_note(note, key, "signature")
    leaf, index, hashes, proven = read_proof(take("seal.tlog-proof"), "index ", "seal")
    need(proven == note and leaf is not None and index == size - 1, "seal", "not the proof of the last leaf")
    need(path_root(sha256(b"\0" + leaf), index, size, hashes) == root, "seal", "not in the signed tree")
    magic, covered, port_count, heads_root, _, _, stream, _, origin_hash = cut(leaf, "seal", 5, 8, 8, 32, 32, 8, 8, 8, 32)
    placed = big(covered) == index and big(stream) == index + 1
    need(magic == b"PBS1\1" and placed and origin_hash == sha256(origin.encode()), "seal", "no seal of this log at this place")
    port, head = check_head(take("head"), index, big(port_count), heads_root)
    count = head[0] if head else 0
    first, last, proof, used = min(1, count), count, None, set()
    if head and "range" in files:
        lines = lines_of(files["range"], "range")
        need(after(lines, "portbook/range-proof@v1", "range") == "", "range", "no range proof")
        first, last = number(after(lines, "first ", "range"), "range"), number(after(lines, "last ", "range"), "range")
        proof = hashes_of(lines, "range")
        need(not lines and 1 <= first <= last <= count, "range", "not a range of this port")
    if head:
        check_records(files, origin.encode(), port, head, first, last, proof, used)
    need(("earlier" in files) == ("consistency" in files), "append-only", "two files that come together", 12)
    if "earlier" in files:
        old, old_root = open_note(files["earlier"], key, "append-only")
        _, value, hashes, proven = read_proof(files["consistency"], "old ", "append-only")
        need(value == old and proven == note, "append-only", "a proof for two other checkpoints")
        need(old != size or old_root == root, "append-only", "one size was signed with two roots", 11)
        empty = old == 0 and not hashes and old_root == sha256(b"")
        need(empty or both_roots(old, size, hashes, old_root) == (old_root, root), "append-only", "not the beginning of this tree")
    need(used == {name for name in files if name.startswith("entries/")}, "files", "records that do not belong here")
    expected = manifest_of(files, origin, size, root, port, count, first, last)
    need(take("MANIFEST.json") == expected, "files", "MANIFEST.json is not the manifest of these files")
    return f"{port.decode()} records {first} to {last} of {count} @{size} {base64.b64encode(root).decode()}"

def main(words):
    try:
        need(len(words) == 3 and words[0] == "--key", "usage", __doc__, 2)
        text = words[1] if "+" in words[1] else open(words[1], encoding="utf-8").read()
        print("VERIFIED", check_bundle(words[2], read_key(text)))
        print("Does not show: that events are true or complete, that the seal is honest, who produced an event, or a quorum of witnesses.")
        return 0
    except Refused as refused:
        code, check, reason = refused.args
        print({2: "USAGE", 11: "FORK", 12: "INCOMPLETE"}.get(code, "FAULT"), f"{check}: {reason}")
        return code
    except OSError as error:
        print("error:", error, file=sys.stderr)
        return 74
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
