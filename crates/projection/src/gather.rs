//! What records add to a view, gathered in bounded memory and joined with what is on the disk.
//!
//! A generation is built without holding it: what records add is kept as it comes, written down when it becomes much, and
//! joined in the order of keys when rows are read.

use std::any::Any;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::thread::{self, Scope};

use portbook_store::{
    Generation, RowWriter, StateRoot, StoreError, StoredRow, StoredRows, ViewStore, decode_row, frame_row,
    framed_rows,
};
use portbook_views::View;

use crate::merge::{Joined, Merged, parts_of};
use crate::reading::Reading;

/// What an entry takes beside its own size: its texts, and its share of the tree.
const BESIDE_ENTRY_BYTES: usize = 96;
/// What a row of a log takes, framed; most take a little less.
const ROW_BYTES_USUAL: usize = 160;
/// What joining adds to an entry, about.
const JOINED_BYTES: usize = 16;

/// What is read ahead is handed over so many together, and so often before the reader waits.
const ITEMS_TOGETHER: usize = 128;
const PACKETS_AHEAD: usize = 4;
/// Rows are hashed and written so many bytes together.
const FRAMED_TOGETHER_BYTES: usize = 64 * 1024;

/// A log is written anew when it is in more files than this: all are open at once while they are read.
const LOG_FILES_MAX: usize = 64;

/// Rows as stored, in the order of keys.
pub(crate) type Rows<'a> = Box<dyn Iterator<Item = Result<StoredRow, StoreError>> + 'a>;

/// What a generation holds on the disk, opened: what is replaced or removed meanwhile can still be read.
#[derive(Debug)]
pub(crate) struct Stored {
    rows: StoredRows,
    parts: Vec<StoredRows>,
}

/// What the records of some leaves add to one view.
#[derive(Debug)]
pub(crate) struct Parts {
    made: Box<dyn Any + Send>,
    /// Leaves on which the view's code failed, and how.
    pub(crate) poisoned: Vec<(u64, String)>,
}

/// What is gathered of one view, whatever the view.
pub(crate) trait Gather: Debug + Send {
    /// Reads all that `generation` holds, behind which it is to gather. Without that a log does so when it must write.
    fn begin(&mut self, store: &ViewStore, generation: &Generation) -> Result<(), StoreError>;
    /// Hands over what it holds, to be written down while it gathers on behind that.
    fn split(&mut self) -> Box<dyn Gather>;
    /// Takes what records add, but for the leaves of `left_out`.
    fn take(&mut self, parts: Parts, left_out: &BTreeSet<u64>);
    /// Adds to `generation` what records of cases add that had to wait while others went on, in the order of leaves.
    fn insert(
        &mut self,
        store: &ViewStore,
        generation: &mut Generation,
        late: Vec<Parts>,
    ) -> Result<(), StoreError>;
    /// About how many bytes it holds.
    fn held(&self) -> usize;
    /// Writes down what it holds, beside the rows of `generation` or behind them.
    fn flush(&mut self, store: &ViewStore, generation: &mut Generation) -> Result<(), StoreError>;
    /// Makes rows of all there is.
    fn settle(&mut self, store: &ViewStore, generation: &mut Generation) -> Result<(), StoreError>;
    /// All rows: those that are stored with what is to be added to them.
    fn rows(&self, stored: Stored) -> Result<Rows<'_>, StoreError>;
}

/// Gathers a view whose records each add a row of their own.
#[derive(Debug)]
pub(crate) struct Log<V> {
    /// Rows in pieces, as they came: in one piece they would be moved whenever it grows.
    framed: Vec<Vec<u8>>,
    held: usize,
    rows: u64,
    /// The state root of the generation's rows and of those held, once it is known.
    root: Option<StateRoot>,
    view: PhantomData<fn() -> V>,
}

/// Gathers a view whose rows many records add to.
#[derive(Debug)]
pub(crate) struct Sums<V: View> {
    parts: BTreeMap<V::Key, V::Part>,
    held: usize,
}

/// Rows in the form of files, each with its leaf and where it ends.
#[derive(Debug, Default)]
struct LogParts {
    framed: Vec<u8>,
    ends: Vec<(u64, usize)>,
}

/// Leaf, key and part.
type SumParts<V> = Vec<(u64, <V as View>::Key, <V as View>::Part)>;

/// What `readings`, the leaves from `first` on, add to a [`Log`].
pub(crate) fn log_parts<V: View>(first: u64, readings: &[Reading]) -> Parts {
    let mut made = LogParts {
        framed: Vec::with_capacity(readings.len() * ROW_BYTES_USUAL),
        ends: Vec::with_capacity(readings.len()),
    };
    let poisoned = for_each_event(first, readings, |leaf, reading| {
        let before = made.framed.len();
        let mut failed = None;
        let mut add = |key: V::Key, part: V::Part| {
            let framed = frame_row(&key, &V::row(None, part), &mut made.framed);
            failed = framed.err().map(|error| error.to_string());
        };
        let done = catch_unwind(AssertUnwindSafe(|| V::parts(&reading.recorded(), &mut add)));
        let failed = done.err().map(|panic| reason_of(panic.as_ref())).or(failed);
        match failed {
            Some(_) => made.framed.truncate(before),
            None if made.framed.len() > before => made.ends.push((leaf, made.framed.len())),
            None => {}
        }
        failed
    });
    // It is held until it is written: not more of it than there is.
    made.framed.shrink_to_fit();
    Parts {
        made: Box::new(made),
        poisoned,
    }
}

/// What `readings`, the leaves from `first` on, add to [`Sums`].
pub(crate) fn sum_parts<V: View>(first: u64, readings: &[Reading]) -> Parts {
    let mut made: SumParts<V> = Vec::with_capacity(readings.len());
    let poisoned = for_each_event(first, readings, |leaf, reading| {
        let before = made.len();
        let mut add = |key, part| made.push((leaf, key, part));
        let done = catch_unwind(AssertUnwindSafe(|| V::parts(&reading.recorded(), &mut add)));
        let failed = done.err().map(|panic| reason_of(panic.as_ref()));
        if failed.is_some() {
            made.truncate(before);
        }
        failed
    });
    Parts {
        made: Box::new(made),
        poisoned,
    }
}

/// Lets `take` work on every readable event; gives the leaves on which it failed, and how.
fn for_each_event(
    first: u64,
    readings: &[Reading],
    mut take: impl FnMut(u64, &portbook_fold::EventRecord) -> Option<String>,
) -> Vec<(u64, String)> {
    let numbered = (first..).zip(readings);
    let failed = numbered.filter_map(|(leaf, reading)| match reading {
        Reading::Event(read) => Some((leaf, take(leaf, read)?)),
        Reading::Unreadable { .. } | Reading::Nothing | Reading::Damaged(_) => None,
    });
    failed.collect()
}

impl Stored {
    /// Opens what `generation` holds.
    pub(crate) fn open(store: &ViewStore, generation: &Generation) -> Result<Self, StoreError> {
        Ok(Self {
            rows: store.rows(generation)?,
            parts: store.parts(generation)?,
        })
    }

    /// Reads all of it, holding each file against what it must hold; gives the state root of the rows, ready to go on.
    fn read_through(self) -> Result<StateRoot, StoreError> {
        for mut parts in self.parts {
            parts.try_for_each(|stored| stored.map(drop))?;
        }
        let mut rows = self.rows;
        rows.by_ref().try_for_each(|stored| stored.map(drop))?;
        Ok(rows.into_root())
    }
}

impl<V: View> Log<V> {
    pub(crate) fn new() -> Self {
        Self {
            framed: Vec::new(),
            held: 0,
            rows: 0,
            root: None,
            view: PhantomData,
        }
    }

    /// Writes all rows of `generation` anew, and those of `late`, which are in the order of their keys, in their places.
    fn rewrite(
        &mut self,
        store: &ViewStore,
        generation: &mut Generation,
        late: Vec<(V::Key, StoredRow)>,
    ) -> Result<(), StoreError> {
        let mut late = late.into_iter().peekable();
        let rows = store.rows(generation)?;
        let mut writer = store.write_rows(generation, StateRoot::of(V::NAME))?;
        for stored in rows {
            let (key, row) = stored?;
            let at: V::Key = decode_row(&key)?;
            while let Some((_, (key, row))) = late.next_if(|(late, _)| *late < at) {
                writer.row(&key, &row)?;
            }
            writer.row(&key, &row)?;
        }
        late.try_for_each(|(_, (key, row))| writer.row(&key, &row))?;
        let written = writer.finish()?;
        generation.replace_rows(&written);
        self.root = Some(written.root);
        Ok(())
    }

    fn hold(&mut self, framed: Vec<u8>, rows: u64) {
        if rows == 0 {
            return;
        }
        // Hashed as they come, while others read: at the end everybody would wait for it.
        if let Some(root) = &mut self.root {
            root.take_framed(&framed, rows);
        }
        self.rows += rows;
        self.held += framed.len();
        self.framed.push(framed);
    }
}

impl<V: View + 'static> Gather for Log<V> {
    fn begin(&mut self, store: &ViewStore, generation: &Generation) -> Result<(), StoreError> {
        self.root = Some(Stored::open(store, generation)?.read_through()?);
        Ok(())
    }

    fn split(&mut self) -> Box<dyn Gather> {
        let root = self.root.clone();
        Box::new(std::mem::replace(self, Self { root, ..Self::new() }))
    }

    fn take(&mut self, parts: Parts, left_out: &BTreeSet<u64>) {
        let Ok(made) = parts.made.downcast::<LogParts>() else {
            return;
        };
        if left_out.is_empty() {
            let rows = u64::try_from(made.ends.len()).unwrap_or(u64::MAX);
            return self.hold(made.framed, rows);
        }
        let (mut start, mut rows) = (0, 0);
        let mut framed = Vec::new();
        for (leaf, end) in made.ends {
            if !left_out.contains(&leaf) {
                framed.extend_from_slice(made.framed.get(start..end).unwrap_or_default());
                rows += 1;
            }
            start = end;
        }
        self.hold(framed, rows);
    }

    fn insert(
        &mut self,
        store: &ViewStore,
        generation: &mut Generation,
        late: Vec<Parts>,
    ) -> Result<(), StoreError> {
        let made = late
            .into_iter()
            .filter_map(|parts| parts.made.downcast::<LogParts>().ok());
        let rows = made.flat_map(|made| framed_rows(&made.framed).collect::<Vec<_>>());
        let keyed = rows.map(|stored| Ok((decode_row::<V::Key>(&stored.0)?, stored)));
        let mut late = keyed.collect::<Result<Vec<_>, StoreError>>()?;
        if late.is_empty() {
            return Ok(());
        }
        late.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.flush(store, generation)?;
        self.rewrite(store, generation, late)
    }

    fn held(&self) -> usize {
        self.held
    }

    fn flush(&mut self, store: &ViewStore, generation: &mut Generation) -> Result<(), StoreError> {
        if self.rows == 0 {
            return Ok(());
        }
        let root = if let Some(root) = self.root.take() {
            root
        } else {
            let mut root = Stored::open(store, generation)?.read_through()?;
            let pieces = self.framed.iter();
            pieces.for_each(|framed| root.take_framed(framed, 0));
            root.take_framed(&[], self.rows);
            root
        };
        let mut writer = store.write_rows(generation, root)?;
        for framed in std::mem::take(&mut self.framed) {
            writer.hashed(&framed)?;
        }
        let written = writer.finish()?;
        generation.append_rows(&written);
        self.root = Some(written.root);
        (self.held, self.rows) = (0, 0);
        Ok(())
    }

    fn settle(&mut self, store: &ViewStore, generation: &mut Generation) -> Result<(), StoreError> {
        self.flush(store, generation)?;
        if generation.row_files() > LOG_FILES_MAX {
            self.rewrite(store, generation, Vec::new())?;
        }
        Ok(())
    }

    fn rows(&self, stored: Stored) -> Result<Rows<'_>, StoreError> {
        let held = self.framed.iter().flat_map(|framed| framed_rows(framed));
        Ok(Box::new(stored.rows.chain(held.map(Ok))))
    }
}

impl<V: View> Sums<V> {
    pub(crate) const fn new() -> Self {
        Self {
            parts: BTreeMap::new(),
            held: 0,
        }
    }
}

impl<V: View + 'static> Gather for Sums<V> {
    fn begin(&mut self, store: &ViewStore, generation: &Generation) -> Result<(), StoreError> {
        Stored::open(store, generation)?.read_through().map(drop)
    }

    fn split(&mut self) -> Box<dyn Gather> {
        Box::new(std::mem::replace(self, Self::new()))
    }

    fn take(&mut self, parts: Parts, left_out: &BTreeSet<u64>) {
        let Ok(made) = parts.made.downcast::<SumParts<V>>() else {
            return;
        };
        for (leaf, key, part) in *made {
            if left_out.contains(&leaf) {
                continue;
            }
            match self.parts.entry(key) {
                Entry::Occupied(mut entry) => {
                    V::join(entry.get_mut(), part);
                    self.held += JOINED_BYTES;
                }
                Entry::Vacant(entry) => {
                    entry.insert(part);
                    self.held += size_of::<V::Key>() + size_of::<V::Part>() + BESIDE_ENTRY_BYTES;
                }
            }
        }
    }

    fn insert(&mut self, _: &ViewStore, _: &mut Generation, late: Vec<Parts>) -> Result<(), StoreError> {
        for parts in late {
            self.take(parts, &BTreeSet::new());
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.held
    }

    fn flush(&mut self, store: &ViewStore, generation: &mut Generation) -> Result<(), StoreError> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let mut writer = store.write_rows(generation, StateRoot::of(V::NAME))?;
        let mut framed = Vec::new();
        for (key, part) in std::mem::take(&mut self.parts) {
            framed.clear();
            frame_row(&key, &part, &mut framed)?;
            writer.framed(&framed, 1)?;
        }
        generation.add_parts(&writer.finish()?);
        self.held = 0;
        Ok(())
    }

    fn settle(&mut self, store: &ViewStore, generation: &mut Generation) -> Result<(), StoreError> {
        if self.parts.is_empty() && generation.pending() == 0 {
            return Ok(());
        }
        let held = std::mem::take(&mut self.parts).into_iter();
        self.held = 0;
        let Stored { rows, parts } = Stored::open(store, generation)?;
        let mut writer = store.write_rows(generation, StateRoot::of(V::NAME))?;
        thread::scope(|scope| {
            // Reading is most of it: every file is read ahead by a thread of its own.
            let parts = parts
                .into_iter()
                .map(|stored| ahead(scope, parts_of::<V>(stored)));
            let merged = Merged::<V, _>::new(rows, parts.collect(), held)?;
            write_rows(ahead(scope, merged), &mut writer)
        })?;
        generation.replace_rows(&writer.finish()?);
        Ok(())
    }

    fn rows(&self, stored: Stored) -> Result<Rows<'_>, StoreError> {
        let Stored { rows, parts } = stored;
        let held = self.parts.iter().map(|(key, part)| (key.clone(), part.clone()));
        let parts = parts.into_iter().map(parts_of::<V>).collect();
        let merged = Merged::<V, _>::new(rows, parts, held)?;
        Ok(Box::new(merged.map(|joined| joined?.stored())))
    }
}

/// Why the code of a view failed on an event, in words.
fn reason_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the fold failed on it: {}", text.unwrap_or("no reason given"))
}

fn write_rows<V: View>(
    rows: impl Iterator<Item = Result<Joined<V>, StoreError>>,
    writer: &mut RowWriter,
) -> Result<(), StoreError> {
    let (mut framed, mut count) = (Vec::new(), 0);
    for row in rows {
        row?.frame(&mut framed)?;
        count += 1;
        if framed.len() >= FRAMED_TOGETHER_BYTES {
            writer.framed(&framed, count)?;
            (framed, count) = (emptied(framed), 0);
        }
    }
    writer.framed(&framed, count)
}

fn emptied(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.clear();
    bytes
}

/// The items of `items`, which another thread makes ahead.
fn ahead<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    mut items: impl Iterator<Item = T> + Send + 'scope,
) -> Box<dyn Iterator<Item = T> + Send + 'scope> {
    let (sender, packets) = sync_channel::<Vec<T>>(PACKETS_AHEAD);
    scope.spawn(move || {
        loop {
            let packet: Vec<T> = items.by_ref().take(ITEMS_TOGETHER).collect();
            // Nobody may want more, after an error.
            if packet.is_empty() || sender.send(packet).is_err() {
                return;
            }
        }
    });
    Box::new(packets.into_iter().flatten())
}
