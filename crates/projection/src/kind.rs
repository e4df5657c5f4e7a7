//! The views this program knows, in one list, and one shape for all of them.

use portbook_views::View;

use crate::gather::{Gather, Log, Parts, Sums, log_parts, sum_parts};
use crate::reading::Reading;

/// A view that is not looked into: what all have in common.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Version of its code.
    pub version: u32,
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

impl Kind {
    /// The kind of the view `V`.
    #[must_use]
    pub const fn of<V: View + 'static>() -> Self {
        Self {
            name: V::NAME,
            version: V::VERSION,
            gather: if V::IS_LOG {
                || Box::new(Log::<V>::new())
            } else {
                || Box::new(Sums::<V>::new())
            },
            parts: if V::IS_LOG { log_parts::<V> } else { sum_parts::<V> },
        }
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
