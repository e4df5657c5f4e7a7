//! The page for people in a bundle: what is proven, what is not, and how to check it without us.

use portbook_ledger::Size;
use portbook_verify::bundle::Manifest;

use super::Bundle;

/// The text of `README.txt`.
pub(super) fn text(bundle: &Bundle<'_>, manifest: &Manifest) -> String {
    let Manifest {
        checkpoint,
        chain,
        count,
        first,
        last,
        ..
    } = manifest;
    let what = match (*count, *first, *last) {
        (0, ..) => format!("that {chain} has no records"),
        (count, 1, last) if last == count => format!("the complete timeline of {chain}: {count} records"),
        (count, first, last) => format!("records {first} to {last} of the {count} records of {chain}"),
    };
    let origin = &checkpoint.origin;
    let earlier = bundle
        .earlier
        .map_or(Size::ZERO, |earlier| earlier.checkpoint.size);
    let continues = if earlier == Size::ZERO {
        String::new()
    } else {
        format!(
            "\n* The ledger at {} leaves begins with the ledger at {earlier} leaves, whose checkpoint is in `earlier`:\n  \
             nothing of it was changed or taken away since.\n",
            checkpoint.size
        )
    };
    format!(
        "EVIDENCE FROM A PORTBOOK LEDGER

Ledger      {origin}
Checkpoint  {size} leaves, root {root}
Holds       {what}

WHAT IT PROVES, once you have checked it with the ledger's public key got from its owner (not from here)

* The ledger signed a tree of {size} leaves that ends with a seal. The seal commits to the number of records, the newest
  record and the Merkle root of every port.
* These are the records of {chain} that the seal commits to: none was changed, left out, added, reordered or re-dated, and
  none comes from another port or another ledger.{continues}

WHAT IT DOES NOT PROVE

* That what a record says is true, or that everything that happened was published.
* That the seal is honest. A ledger that hid its newest record from its own seal is found only by those who follow the
  whole log: a monitor, or a witness that derives every seal again.
* That others are shown the same ledger, unless witnesses you trust cosigned the checkpoint.
* Who produced an event: signatures of producers are in the records and are not checked here.

HOW TO CHECK IT

* portbook-verify --key KEY THIS          a small program without network access
* python3 verify.py --key KEY THIS        needs nothing but Python 3; read it, it is short
* open verify.html in a browser           works from disk, without network

Take these programs from portbook's own release rather than from here: whoever made this bundle could have changed them.
KEY is the line <name>+<hash>+<key> in the ledger's log.pub. `policy` is the exporter's; use your own.
The form of these files is described in portbook's docs/evidence.md, the bytes of records in docs/format.md.
",
        size = checkpoint.size,
        root = checkpoint.root.to_base64(),
    )
}
