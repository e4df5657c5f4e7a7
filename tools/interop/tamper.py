"""Makes wrong bundles of right ones: tamper.py FOLDER; prints VERDICT=FILE for each, the right ones first."""
import hashlib, io, pathlib, re, sys, zipfile

folder = pathlib.Path(sys.argv[1])


def read(name):
    with zipfile.ZipFile(folder / name) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def write(name, files, cover_up=True):
    """Writes an archive in the form of a bundle; an attacker who covers up writes the manifest again."""
    if cover_up:
        listed = [f'    {{"name": "{it}", "bytes": {len(files[it])}, "sha256": "{hashlib.sha256(files[it]).hexdigest()}"}}'
                  for it in sorted(files) if it != "MANIFEST.json"]
        head = files["MANIFEST.json"].decode().split('  "files": [\n')[0]
        files["MANIFEST.json"] = (head + '  "files": [\n' + ",\n".join(listed) + "\n  ]\n}\n").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for it in sorted(set(files) - {"MANIFEST.json"}) + ["MANIFEST.json"]:
            archive.writestr(zipfile.ZipInfo(it), files[it])
    (folder / name).write_bytes(out.getvalue())


def leaves(data):
    found = []
    while data:
        size = int.from_bytes(data[:2], "big")
        found.append(data[:2 + size])
        data = data[2 + size:]
    return found


def case(name, verdict, change, source="whole.zip", cover_up=True):
    files = read(source)
    change(files)
    write(name, files, cover_up)
    print(f"{verdict}={folder / name}")


def in_file(name, change):
    def apply(files):
        files[name] = change(files[name])
    return apply


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


for good in ("whole.zip", "range.zip", "absent.zip"):
    print(f"VERIFIED={folder / good}")
first = "entries/000"
last = max(name for name in read("whole.zip") if name.startswith("entries/"))
case("flipped.zip", "FAULT record", in_file("entries/020", lambda it: flip(it, 5000)))
case("newest.zip", "FAULT complete", in_file(last, lambda it: flip(it, len(it) - 1)))
case("swapped.zip", "FAULT record", in_file(first, lambda it: b"".join([leaves(it)[1], leaves(it)[0], *leaves(it)[2:]])))
case("dropped.zip", "FAULT files", in_file(last, lambda it: b"".join(leaves(it)[:-1])))
case("missing.zip", "INCOMPLETE files", lambda files: files.pop("entries/007"))
case("stray.zip", "FAULT files", lambda files: files.update({"more.txt": b"x"}))
case("page.zip", "FAULT files", in_file("verify.html", lambda it: it + b" "), cover_up=False)
case("signature.zip", "FAULT signature", in_file("checkpoint", lambda it: re.sub(rb"\n\d+\n", b"\n9999\n", it, count=1)))
case("origin.zip", "INCOMPLETE signature", in_file("checkpoint", lambda it: it.replace(b"sample.example", b"simple.example", 1)))
case("seal.zip", "FAULT seal", in_file("seal.tlog-proof", lambda it: it.replace(b"index 1", b"index 2", 1)))
case("head.zip", "FAULT head", in_file("head", lambda it: it.replace(b"port CNNBG", b"port CNSHG", 1)))
case("range-moved.zip", "INCOMPLETE files", in_file("range", lambda it: it.replace(b"first 5000", b"first 5001", 1)), source="range.zip")
case("absence.zip", "FAULT head", in_file("head", lambda it: it.replace(b"port CNRZH", b"port CNNBG", 1)), source="absent.zip")
