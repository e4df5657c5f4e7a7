"""Judges a sample with pymerkle, sigstore or proofbundle: judge.py NAME SAMPLE [LOG...]; pymerkle judges whole logs as well."""
import base64, pathlib, sys
from types import SimpleNamespace

name, root = sys.argv[1], pathlib.Path(sys.argv[2])
vkey = (root / "log.vkey").read_text().strip()


def proofs():
    for folder in ("sizes", "large"):
        for file in sorted((root / folder).glob("*.tlog-proof")):
            text = file.read_text()
            head, checkpoint = text.split("\n\n", 1)
            _, index, *hashes = head.split("\n")
            index, lines = int(index.removeprefix("index ")), checkpoint.split("\n")
            leaf = (root / folder / "leaves" / str(index)).read_bytes()
            yield text, leaf, index, [base64.b64decode(it) for it in hashes], int(lines[1]), base64.b64decode(lines[2])


def entries(log):
    leaves = []
    for file in sorted((log / "tile" / "entries").rglob("*"), key=lambda it: str(it).replace(".p/", "/")):
        data = file.read_bytes() if file.is_file() else b""
        while data:
            size = int.from_bytes(data[:2], "big")
            leaves.append(data[2:2 + size])
            data = data[2 + size:]
    return leaves


def pymerkle():
    from pymerkle import InmemoryTree
    tree, count = InmemoryTree(algorithm="sha256"), 0
    for size, leaf in enumerate(entries(root / "sizes" / "log"), 1):
        tree.append_entry(leaf)
        signed = (root / "sizes" / f"{size}.checkpoint").read_text().split("\n")[2]
        assert tree.get_root(size) == base64.b64decode(signed), size
        count += 1
    whole = [root / "sizes" / "log", root / "large" / "log", *map(pathlib.Path, sys.argv[3:])]
    ports = [port for log in whole for port in sorted((log / "port").iterdir())]
    for log in whole + ports:
        tree = InmemoryTree(algorithm="sha256")
        for leaf in entries(log):
            tree.append_entry(leaf)
        _, size, signed = (log / "checkpoint").read_text().split("\n")[:3]
        assert tree.get_size() == int(size) and tree.get_root(int(size)) == base64.b64decode(signed), log
    print("roots of sizes 1 to", count, "and of", len(whole), "logs and their", len(ports), "ports")


def sigstore():
    from sigstore._internal.merkle import verify_merkle_inclusion
    from sigstore.errors import VerificationError
    count = 0
    for _, leaf, index, hashes, size, tree_root in proofs():
        proof = SimpleNamespace(log_index=index, tree_size=size, hashes=hashes, root_hash=tree_root)
        entry = SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=leaf))
        verify_merkle_inclusion(entry)
        proof.root_hash = bytes(32)
        try:
            verify_merkle_inclusion(entry)
        except VerificationError:
            count += 1
    print("inclusions", count)
    assert count == sum(1 for _ in proofs()), "another root is accepted as well"


def proofbundle():
    from proofbundle.tlogproof import verify_tlog_proof
    count = 0
    for text, leaf, *_ in proofs():
        judged = verify_tlog_proof(text, leaf, vkey, expected_origin=vkey.split("+")[0])
        assert judged["ok"], judged
        assert not verify_tlog_proof(text, leaf + b"x", vkey)["ok"]
        count += 1
    print("proof files", count)


{"pymerkle": pymerkle, "sigstore": sigstore, "proofbundle": proofbundle}[name]()
