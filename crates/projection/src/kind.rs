//! The views this program knows, in one list, and one shape for all of them.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;

use portbook_store::{StoreError, StoredRow, decode_row, encode_row};
use portbook_views::{Recorded, View};

use crate::gather::{Gather, Log, Parts, Sums, log_parts, sum_parts};
use crate::reading::Reading;

/// A view that is not looked into: what all have in common.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Version of its code.
    pub version: u32,
    empty: fn() -> Box<dyn Fold>,
    gather: fn() -> Box<dyn Gather>,
    parts: fn(u64, &[Reading]) -> Parts,
}

/// Work on one view whose type is its own.
pub trait Visitor {
    /// What the work gives.
    type Out;

    /// Does it on the view `V`.
    fn visit<V: View + 'static>(self) -> Self::Out;
}

/// Takes a key and a row as stored.
pub(crate) type TakeRow<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// A fold in memory, whatever its view.
pub(crate) trait Fold: Debug + Send + Sync {
    fn take(&mut self, recorded: &Recorded<'_>);
    /// Hands over every row as stored, in the order of keys.
    fn each_row(&self, take: &mut TakeRow<'_>) -> Result<(), StoreError>;
    /// Takes the place of what was folded so far.
    fn restore(
        &mut self,
        rows: &mut dyn Iterator<Item = Result<StoredRow, StoreError>>,
    ) -> Result<(), StoreError>;
    fn as_any(&self) -> &dyn Any;
}

/// The one way from a typed view to an untyped one.
#[derive(Debug)]
struct Folded<V>(V);

impl Kind {
    /// The kind of the view `V`.
    #[must_use]
    pub const fn of<V: View + Sync + 'static>() -> Self {
        Self {
            name: V::NAME,
            version: V::VERSION,
            empty: || Box::new(Folded(V::empty())),
            gather: if V::IS_LOG {
                || Box::new(Log::<V>::new())
            } else {
                || Box::new(Sums::<V>::new())
            },
            parts: if V::IS_LOG { log_parts::<V> } else { sum_parts::<V> },
        }
    }

    pub(crate) fn empty(&self) -> Box<dyn Fold> {
        (self.empty)()
    }

    /// Nothing gathered yet.
    pub(crate) fn gather(&self) -> Box<dyn Gather> {
        (self.gather)()
    }

    /// What the leaves from `first` on add to the view.
    pub(crate) fn parts(&self, first: u64, readings: &[Reading]) -> Parts {
        (self.parts)(first, readings)
    }
}

/// The view behind `fold`, when it is a `V`.
pub(crate) fn view_of<V: View + 'static>(fold: &dyn Fold) -> Option<&V> {
    fold.as_any().downcast_ref::<V>()
}

impl<V: View + Sync + 'static> Fold for Folded<V> {
    fn take(&mut self, recorded: &Recorded<'_>) {
        self.0.take(recorded);
    }

    fn each_row(&self, take: &mut TakeRow<'_>) -> Result<(), StoreError> {
        for (key, row) in self.0.rows() {
            let row: Cow<'_, V::Row> = row;
            take(&encode_row(&key)?, &encode_row(row.as_ref())?)?;
        }
        Ok(())
    }

    fn restore(
        &mut self,
        rows: &mut dyn Iterator<Item = Result<StoredRow, StoreError>>,
    ) -> Result<(), StoreError> {
        let mut failed = None;
        let decoded = rows.map_while(|stored| {
            let read = stored.and_then(|(key, row)| Ok((decode_row(&key)?, decode_row(&row)?)));
            read.map_err(|error| failed = Some(error)).ok()
        });
        let view = V::from_rows(decoded);
        if let Some(error) = failed {
            return Err(error);
        }
        self.0 = view;
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        &self.0
    }
}

/// Lists the views of this program once, for everything that goes through them.
macro_rules! views {
    ($($view:ty,)*) => {
        /// Every view, in the order in which they are listed.
        pub const VIEWS: &[Kind] = &[$(Kind::of::<$view>(),)*];

        /// Lets `visitor` work on the view called `name`; none when there is none.
        pub fn visit<T: Visitor>(name: &str, visitor: T) -> Option<T::Out> {
            $(if name == <$view>::NAME {
                return Some(visitor.visit::<$view>());
            })*
            None
        }
    };
}

/// The views that a running portbook keeps as rows. Facts it keeps in a form that is loaded faster.
pub const KEPT: &[Kind] = &[
    Kind::of::<portbook_views::PortActivity>(),
    Kind::of::<portbook_views::Cases>(),
];

views! {
    portbook_views::PortActivity,
    portbook_views::Cases,
    portbook_views::Facts,
}
