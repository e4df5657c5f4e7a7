//! The published word of every small enumeration, as it stands in an event's JSON.

use std::fmt;

use crate::event::{
    CloseOutcome, ControlStatus, Lane, LicenseChange, LicenseKind, QueryStage, ShipmentOutcome,
};

/// Gives each enumeration `word()` and `Display`.
macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal,)* })*) => { $(
        impl $name {
            /// The published word, as in JSON.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    )* };
}

words! {
    LicenseKind { Single = "single", General = "general", Certificate = "certificate", }
    Lane { Standard = "standard", Expedited = "expedited", }
    QueryStage { Licensing = "licensing", Customs = "customs", }
    CloseOutcome { Refused = "refused", Returned = "returned", Withdrawn = "withdrawn", Lapsed = "lapsed", }
    LicenseChange {
        Suspended = "suspended", Reinstated = "reinstated", Revoked = "revoked", Surrendered = "surrendered",
        Replaced = "replaced",
    }
    ControlStatus {
        Controlled = "controlled", NotControlled = "not_controlled",
        DeterminedNotControlled = "determined_not_controlled", Exempt = "exempt",
    }
    ShipmentOutcome { Rejected = "rejected", Cancelled = "cancelled", Reversed = "reversed", }
}
