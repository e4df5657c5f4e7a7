//! Checking a whole log from its tiles: every leaf, every chain, every seal, every tile of every port.

mod row;

use std::collections::BTreeMap;

use portbook_ledger::{
    Auditor, Chain, Frontier, Hash, Head, Index, Leaf, OpenedCheckpoint, SignedRoot, Size, leaf_hash,
    tree::{TileContent, TileId, TileWidth},
};

use self::row::{EntryTiles, Rows};
use crate::entries::Entries;
use crate::files::Files;
use crate::memory::Memory;
use crate::report::{Exit, Line, Refusal, Report, Subject};
use crate::shelf::unreadable;
use crate::trust::{Opened, Trust, chain_key};

const CHECKPOINT: &str = "checkpoint";
const FULL: u64 = 256;
const NOT_CHECKED: &[&str] = &[
    "that an event is true, or that everything that happened was published",
    "that others are shown the same log: compare checkpoints with somebody else who holds one",
    "signatures of producers, and what the bodies of records mean",
];

/// One chain as it grows.
#[derive(Debug)]
struct Growing {
    edge: Frontier,
    rows: Rows,
    newest: (Index, Hash),
}

/// The check of one log.
#[derive(Debug)]
struct Check<'a> {
    files: Tiles<'a>,
    auditor: Auditor,
    rows: Rows,
    edge: Frontier,
    chains: BTreeMap<Chain, Growing>,
    /// Chains that are served as logs of their own.
    served: Vec<Chain>,
    seals: u64,
}

/// The files, of which each must be looked at once.
#[derive(Debug)]
pub(crate) struct Tiles<'a> {
    files: &'a mut Files,
    looked_at: usize,
}

impl Tiles<'_> {
    /// The file called `name`, which must be there.
    fn take(&mut self, name: &str) -> Result<Vec<u8>, Refusal> {
        let found = self.take_if_there(name)?;
        found.ok_or_else(|| Refusal::incomplete("tiles", format!("{name} is missing")))
    }

    fn take_if_there(&mut self, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let found = self.files.read(name).map_err(|error| unreadable(&error))?;
        self.looked_at += usize::from(found.is_some());
        Ok(found)
    }

    /// Compares a file with what it must be.
    pub(crate) fn compare(&mut self, name: &str, expected: &[u8]) -> Result<(), Refusal> {
        if self.take(name)? == expected {
            Ok(())
        } else {
            Err(Refusal::fault(
                "tiles",
                format!("{name} is not what the leaves give"),
            ))
        }
    }
}

/// Checks the static files of a log, as `portbook export tiles` writes them or any C2SP tlog-tiles server does, with what
/// portbook serves beside them. `progress` learns how many of how many leaves were read.
///
/// # Errors
/// [`Refusal`] names the first check that does not hold.
pub fn verify_tiles(
    files: &mut Files,
    trust: &Trust,
    memory: Option<&Memory>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(Report, Opened), Refusal> {
    let all = files.names().len();
    let served = served_chains(files.names());
    let mut tiles = Tiles { files, looked_at: 0 };
    let opened = trust.open("signature", &tiles.take(CHECKPOINT)?)?;
    if opened.chain.is_some() {
        return Err(Refusal::fault(
            "signature",
            "this is the checkpoint of one port, not of a ledger",
        ));
    }
    let (witnesses, not_after_s) = trust.quorum(&opened)?;
    let remembered = memory.and_then(|memory| memory.recall(&opened));
    if let Some(seen) = remembered
        .as_ref()
        .filter(|seen| seen.checkpoint.size > opened.checkpoint.size)
    {
        let reason = format!(
            "the log has {} leaves, {} were accepted before: it was rolled back, or this is an old copy",
            opened.checkpoint.size, seen.checkpoint.size
        );
        return Err(Refusal::new(Exit::Stale, "append-only", reason));
    }
    let signed = |size, root| SignedRoot { size, root };
    let roots = [
        Some(signed(opened.checkpoint.size, opened.checkpoint.root)),
        remembered
            .as_ref()
            .map(|seen| signed(seen.checkpoint.size, seen.checkpoint.root)),
    ];
    let mut check = Check {
        files: tiles,
        auditor: Auditor::new(&opened.ledger, roots.into_iter().flatten()),
        rows: Rows::default(),
        edge: Frontier::new(),
        chains: BTreeMap::new(),
        served,
        seals: 0,
    };
    let size = opened.checkpoint.size;
    let read = check
        .read(size, progress)
        .and_then(|()| check.finish(&opened, all));
    let mut lines = read.map_err(|refusal| match &remembered {
        // A root that was signed and is not reproduced, while the other one is, are two signed trees.
        Some(seen) if refusal.check == "root" => {
            Refusal::fork("append-only", refusal.reason, &seen.note, &opened.note)
        }
        Some(_) | None => refusal,
    })?;
    lines.insert(1, witnesses);
    let report = Report {
        checkpoint: opened.checkpoint.clone(),
        note: opened.note.clone(),
        subject: Subject::Log,
        lines,
        not_checked: NOT_CHECKED.to_vec(),
        not_after_s,
    };
    Ok((report, opened))
}

impl Check<'_> {
    fn read(&mut self, size: Size, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Refusal> {
        for index in 0..size.get().div_ceil(FULL) {
            let here = (size.get() - index * FULL).min(FULL);
            let width = u16::try_from(here).ok().and_then(TileWidth::new);
            let tile = TileId {
                content: TileContent::Entries,
                index,
                width: width.unwrap_or(TileWidth::FULL),
            };
            let bytes = self.files.take(&tile.to_string())?;
            let mut read = 0_u64;
            for leaf in Entries::new(&bytes) {
                self.leaf(leaf.map_err(|error| Refusal::fault("tiles", format!("{tile}: {error}")))?)?;
                read += 1;
            }
            if read != here {
                let reason = format!("{tile} has {read} leaves, {here} belong there");
                return Err(Refusal::fault("tiles", reason));
            }
            progress(index * FULL + here, size.get());
        }
        Ok(())
    }

    fn leaf(&mut self, leaf: &[u8]) -> Result<(), Refusal> {
        let hash = leaf_hash(leaf);
        let index = self.edge.size().next_index().unwrap_or(Index::FIRST);
        self.auditor.feed(leaf, hash).map_err(|fault| told(&fault))?;
        self.rows.push(
            "",
            leaf,
            hash,
            &mut self.edge,
            EntryTiles::Source,
            &mut self.files,
        )?;
        match Leaf::decode(leaf) {
            Ok(Leaf::Record(record)) => {
                let growing = self.chains.entry(record.chain).or_insert_with(|| Growing {
                    edge: Frontier::new(),
                    rows: Rows::default(),
                    newest: (index, hash),
                });
                growing.newest = (index, hash);
                if self.served.contains(&record.chain) {
                    let prefix = prefix_of(record.chain);
                    let Growing { rows, edge, .. } = growing;
                    rows.push(&prefix, leaf, hash, edge, EntryTiles::Copies, &mut self.files)
                } else {
                    growing.edge.push(hash);
                    Ok(())
                }
            }
            Ok(Leaf::Seal(_)) => self.seal(index),
            Err(error) => Err(Refusal::fault("leaves", error)),
        }
    }

    /// The heads of a seal, where they are served; the auditor has derived their root again.
    fn seal(&mut self, index: Index) -> Result<(), Refusal> {
        self.seals += 1;
        let name = format!("heads/{index}");
        let Some(found) = self.files.take_if_there(&name)? else {
            return Ok(());
        };
        let mut expected = Vec::new();
        for head in self.heads() {
            Entries::append(&mut expected, &head.encode());
        }
        if found == expected {
            Ok(())
        } else {
            Err(Refusal::fault(
                "heads",
                format!("{name} is not what the leaves give"),
            ))
        }
    }

    fn heads(&self) -> impl Iterator<Item = Head> + '_ {
        self.chains.iter().map(|(chain, growing)| Head {
            chain: *chain,
            count: growing.edge.size(),
            head_index: growing.newest.0,
            head_hash: growing.newest.1,
            chain_root: growing.edge.root(),
        })
    }

    fn finish(&mut self, opened: &Opened, all: usize) -> Result<Vec<Line>, Refusal> {
        self.rows.finish("", &mut self.files)?;
        let heads: Vec<Head> = self.heads().collect();
        for chain in self.served.clone() {
            let Some(head) = heads.iter().find(|head| head.chain == chain) else {
                let reason = format!("there is a log of {chain}, which has no records");
                return Err(Refusal::fault("ports", reason));
            };
            self.check_chain(opened, head)?;
        }
        let auditor = std::mem::replace(&mut self.auditor, Auditor::new(&opened.ledger, []));
        let verdict = auditor.finish().map_err(|fault| told(&fault))?;
        if verdict.last_seal != opened.checkpoint.size.last() {
            return Err(Refusal::fault("seal", "the log does not end with a seal"));
        }
        if self.files.looked_at != all {
            let reason = format!(
                "{} files belong to no log of this size",
                all - self.files.looked_at
            );
            return Err(Refusal::fault("tiles", reason));
        }
        let line = |check, shows| Line { check, shows };
        Ok(vec![
            line(
                "signature",
                format!("{} signed {} leaves", opened.log_key.id(), opened.checkpoint.size),
            ),
            line(
                "leaves",
                format!("{} hashed, each continues its chain", opened.checkpoint.size),
            ),
            line(
                "seals",
                format!(
                    "{} derived again from the leaves: no record and no port is hidden",
                    self.seals
                ),
            ),
            line("root", "the leaves lead to the signed root".to_owned()),
            line("tiles", format!("{all} files, each as the leaves give it")),
            line(
                "ports",
                format!("{} of {} as logs of their own", self.served.len(), heads.len()),
            ),
        ])
    }

    /// A chain's own checkpoint and the open ends of its tiles.
    fn check_chain(&mut self, opened: &Opened, head: &Head) -> Result<(), Refusal> {
        let prefix = prefix_of(head.chain);
        if let Some(growing) = self.chains.get_mut(&head.chain) {
            growing.rows.finish(&prefix, &mut self.files)?;
        }
        let fault = |error: &dyn std::fmt::Display| {
            Refusal::fault("ports", format!("checkpoint of {}: {error}", head.chain))
        };
        let note = self.files.take(&format!("{prefix}{CHECKPOINT}"))?;
        let (origin, key) =
            chain_key(&opened.ledger, &opened.log_key, head.chain).map_err(|error| fault(&error))?;
        let port = OpenedCheckpoint::open(&note, &origin, &key, &[]).map_err(|error| fault(&error))?;
        if (port.checkpoint.size, port.checkpoint.root) == (head.count, head.chain_root) {
            Ok(())
        } else {
            Err(fault(&"it is not the head that the last seal commits to"))
        }
    }
}

fn prefix_of(chain: Chain) -> String {
    format!("port/{chain}/")
}

/// The chains that have a folder of their own.
fn served_chains(names: &[String]) -> Vec<Chain> {
    let folders = names
        .iter()
        .filter_map(|name| name.strip_prefix("port/")?.split_once('/'))
        .filter_map(|(name, _)| Chain::from_bytes(name.as_bytes()));
    let mut chains: Vec<Chain> = folders.collect();
    chains.sort_unstable();
    chains.dedup();
    chains
}

fn told(fault: &portbook_ledger::Fault) -> Refusal {
    let check = if matches!(*fault.check, portbook_ledger::Check::Root { .. }) {
        "root"
    } else {
        "leaves"
    };
    Refusal::fault(check, fault)
}
