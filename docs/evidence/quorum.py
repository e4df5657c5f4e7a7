#!/usr/bin/env python3
"""Checks a bundle as verify.py does, and that a quorum of witnesses cosigned it: python3 quorum.py --policy FILE BUNDLE

FILE is a C2SP tlog-policy of your own: the log's key, the witnesses you trust, and how many of them you ask for. Lies beside
verify.py, with which it shares notes and Ed25519; nothing else but Python's standard library. Exit codes as there; 12 also when the
cosignatures are no quorum.
"""
import re, sys

sys.dont_write_bytecode = True  # nothing is left beside the evidence
import verify
from verify import Refused, big, need, sha256

LOG, WITNESS = 1, 4

def rule(holds, line, reason):
    need(holds, "usage", f"line {line} of the policy: {reason}", 2)

def read_key(text, algorithm, line):
    """Name, hash and public key of a log, or of a witness (C2SP signed-note)."""
    name, _, rest = text.partition("+")
    digits, _, encoded = rest.partition("+")
    key = verify.unbase64(encoded, 33)
    rule(name and key and key[0] == algorithm and verify.point(key[1:]), line, "not the key of a log or witness")
    rule(sha256(name.encode() + b"\n" + key)[:4].hex() == digits, line, "the hash in a key is not its own")
    return name, bytes.fromhex(digits), key[1:]

def read_policy(data):
    """Keys of the logs; keys of the witnesses by name; groups by name, as how many are needed of whom; the quorum's name."""
    need(len(data) <= 262144 and data.endswith(b"\n"), "usage", "the policy is too long, or its last line is cut short", 2)
    logs, witnesses, groups, grouped, quorum = [], {}, {}, set(), None
    for line, text in enumerate(data.decode("utf-8", "replace").split("\n")[:-1], 1):
        rule(not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text), line, "a control character")
        kind, *words = [word for word in re.split("[ \t]", text) if word] or ["#"]
        if kind.startswith("#"):
            continue
        if kind == "log" and len(words) in (1, 2):
            logs.append(read_key(words[0], LOG, line))
        elif kind == "witness" and len(words) in (2, 3):
            rule(words[0] not in ("none", *witnesses, *groups), line, "the name is taken")
            witnesses[words[0]] = read_key(words[1], WITNESS, line)
        elif kind == "group" and len(words) > 1:
            name, needed, *members = words
            rule(all(member in witnesses or member in groups for member in members), line, "a group names what was not defined above it")
            rule(len(set(members)) == len(members) and not grouped & set(members), line, "a name is in two groups")
            grouped |= set(members)
            count = {"all": len(members), "any": 1}.get(needed) or (int(needed) if re.fullmatch("[1-9][0-9]{0,3}", needed) else 0)
            rule(name not in ("none", *witnesses, *groups), line, "the name is taken")
            rule(1 <= count <= len(members), line, "a group of n needs 1 to n of them")
            groups[name] = count, members
        elif kind == "quorum" and len(words) == 1:
            rule(quorum is None and words[0] in ("none", *witnesses, *groups), line, "a second quorum, or one that was not defined above it")
            quorum = words[0]
        else:
            rule(False, line, "not a log, witness, group or quorum")
        for keys in ([key for _, _, key in logs], [key for _, _, key in witnesses.values()]):
            rule(len(set(keys)) == len(keys), line, "the same key twice")
    need(quorum is not None, "usage", "the policy has no quorum line", 2)
    return logs, witnesses, groups, quorum

def cosigners(note, witnesses):
    """Names of the witnesses whose cosignatures (C2SP tlog-cosignature) are on a checkpoint. One that does not hold spoils it."""
    lines = note.decode().split("\n")
    text, found = "\n".join(lines[:3]) + "\n", []
    for line in lines[4:-1]:
        _, owner, encoded = line.split(" ")
        data = verify.unbase64(encoded)
        for name, (key_name, digest, public) in witnesses.items():
            if owner == key_name and data[:4] == digest:
                message = f"cosignature/v1\ntime {big(data[4:12])}\n{text}".encode()
                need(verify.signed(public, message, data[12:]), "signature", f"the cosignature of {key_name} does not hold")
                need(name not in found, "signature", f"{key_name} signed twice")
                found.append(name)
    return found

def is_met(name, groups, found):
    if name not in groups:
        return name == "none" or name in found
    needed, members = groups[name]
    return sum(is_met(member, groups, found) for member in members) >= needed

def check(path, policy):
    logs, witnesses, groups, quorum = read_policy(policy)
    note = verify.read_files(path).get("checkpoint", b"")
    owner, _, port = note.split(b"\n")[0].partition(b"/port/")
    of_port = verify.PORT.fullmatch(port) and any(owner == log[0].encode() for log in logs)
    need(not of_port, "signature", "a bundle rests on a checkpoint of the whole ledger")
    named = [log for log in logs if note.split(b"\n")[0] == log[0].encode()]
    need(named, "signature", "you brought no key of this log", 12)
    for log in named:
        try:
            verify.open_note(note, log, "signature")
            break
        except Refused:
            if log is named[-1]:
                raise
    found = cosigners(note, witnesses)
    enough = is_met(quorum, groups, found)
    need(enough, "witnesses", f"{len(found)} of the {len(witnesses)} witnesses you trust cosigned: that is no quorum of your policy", 12)
    return f"{verify.check_bundle(path, log)}, cosigned by {len(found)} of {len(witnesses)} witnesses, a quorum"

def main(words):
    try:
        need(len(words) == 3 and words[0] == "--policy", "usage", __doc__, 2)
        with open(words[1], "rb") as file:
            policy = file.read()
        print("VERIFIED", check(words[2], policy))
        print("Does not show: that events are true or complete, that the seal is honest, who produced an event.")
        return 0
    except Refused as refused:
        code, check_name, reason = refused.args
        print({2: "USAGE", 11: "FORK", 12: "INCOMPLETE"}.get(code, "FAULT"), f"{check_name}: {reason}")
        return code
    except OSError as error:
        print("error:", error, file=sys.stderr)
        return 74
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
