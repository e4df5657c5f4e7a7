//! Reads the parts that commands share with events, and refuses fields it does not know.
//!
//! Events keep unknown fields, because a later version may have written them. A command comes from a client of
//! today: a field that is not understood there is a slip, and dropping it would lose what the client meant.

use serde::{Deserialize, Deserializer};

use crate::event::{ApplicationLine, ClearedLine, Evidence, FieldPatch, GrantedLine};
use crate::identifier::{ControlCode, Digest, Element, Grams, HsCode, Text};

/// Declares, for one shared part, its strict reader and the reader of a list of them.
macro_rules! strict {
    ($reader:ident: $part:ident {
        $($field:ident: $type:ty,)* $(; $($optional:ident: $inner:ty,)*)?
    }) => {
        pub(crate) fn $reader<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<$part>, D::Error> {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Strict {
                $($field: $type,)*
                $($(#[serde(default)] $optional: Option<$inner>,)*)?
            }
            let parts = Vec::<Strict>::deserialize(from)?;
            Ok(parts
                .into_iter()
                .map(|part| $part { $($field: part.$field,)* $($($optional: part.$optional,)*)? })
                .collect())
        }
    };
}

strict!(application_lines: ApplicationLine {
    line: u16, hs: HsCode, control_code: ControlCode, element: Element, net_mass_g: Grams,; form: Text,
});
strict!(granted_lines: GrantedLine {
    line: u16, hs: HsCode, control_code: ControlCode, element: Element, granted_g: Grams,
});
strict!(cleared_lines: ClearedLine {
    hs: HsCode, cleared_g: Grams,; line: u16, control_code: ControlCode, element: Element,
});
strict!(evidence: Evidence { kind: Text, sha256: Digest,; size: u64, media_type: Text, });
strict!(field_patches: FieldPatch { pointer: Text, old: Text, new: Text, });
