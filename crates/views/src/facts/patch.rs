//! Corrections of single fields, applied to a row.
//!
//! Values of a patch are JSON. The fields a view holds are texts, whole numbers and flags, so that is all that is read
//! here; whatever else a correction changes (a reason, an authority) no answer rests on.

use portbook_domain::{FieldPatch, PortCode};
use serde::de::DeserializeOwned;
use serde::de::value::{Error, StrDeserializer};

use super::row::{FactRow, GoodsRow, ToldRow, number_of};

impl FactRow {
    /// Applies one patch; `false` when the row does not hold the field, or the value is none it could hold.
    pub(super) fn patch(&mut self, patch: &FieldPatch) -> bool {
        let segments: Vec<&str> = patch.pointer.as_str().split('/').skip(1).collect();
        self.told.patch(&segments, patch.new.as_str()).is_some()
    }
}

impl ToldRow {
    fn patch(&mut self, path: &[&str], value: &str) -> Option<()> {
        if let ["lines", at, field] = path {
            let line = self.lines_mut()?.get_mut(at.parse::<usize>().ok()?)?;
            return line.patch(field, value);
        }
        match (self, path) {
            (
                Self::Submitted { destination, .. }
                | Self::Granted { destination, .. }
                | Self::Cleared { destination, .. },
                ["destination"],
            ) => set(destination, value),
            (Self::Submitted { applicant, .. }, ["applicant"]) => set_option(applicant, value),
            (Self::Submitted { end_user, .. }, ["end_user_commitment"]) => set_option(end_user, value),
            (Self::Submitted { lane, .. } | Self::Granted { lane, .. }, ["lane"]) => set(lane, value),
            (Self::Closed { outcome }, ["outcome"]) => set(outcome, value),
            (Self::Queried { reply_due, .. }, ["reply_due"]) => set_option(reply_due, value),
            (Self::Queried { declaration_no, .. }, ["declaration_no"]) => set_option(declaration_no, value),
            (Self::Granted { license_no, .. }, ["license_no"]) => set(license_no, value),
            (Self::Granted { valid_from, .. }, ["valid_from"]) => set_option(valid_from, value),
            (Self::Granted { valid_until, .. }, ["valid_until"]) => set(valid_until, value),
            (Self::Granted { uses_allowed, .. }, ["uses_allowed"]) => set_number(uses_allowed, value),
            (Self::Granted { exit_ports, .. }, ["exit_ports"]) => set_ports(exit_ports, value),
            (Self::Granted { exit_ports, .. }, ["exit_ports", at]) => {
                set(exit_ports.get_mut(at.parse::<usize>().ok()?)?, value)
            }
            (
                Self::Cleared { declaration_no, .. }
                | Self::Declared { declaration_no, .. }
                | Self::ShipmentEnded { declaration_no, .. },
                ["declaration_no"],
            ) => set(declaration_no, value),
            (Self::Cleared { license_no, .. } | Self::Declared { license_no, .. }, ["license_no"]) => {
                set_option(license_no, value)
            }
            (
                Self::Cleared { control_status, .. } | Self::Declared { control_status, .. },
                ["control_status"],
            ) => set(control_status, value),
            (Self::Cleared { documents, .. }, ["evidence"]) => {
                *documents = digests_in(value);
                Some(())
            }
            (Self::Cleared { documents, .. }, ["evidence", at, "sha256"]) => {
                *documents.get_mut(at.parse::<usize>().ok()?)? = number_of(text(value)?);
                Some(())
            }
            (Self::ShipmentEnded { returned_g, .. }, ["returned_g"]) => set_number(returned_g, value),
            _ => None,
        }
    }

    const fn lines_mut(&mut self) -> Option<&mut Vec<GoodsRow>> {
        match self {
            Self::Submitted { lines, .. }
            | Self::Granted { lines, .. }
            | Self::Declared { lines, .. }
            | Self::Cleared { lines, .. } => Some(lines),
            Self::Closed { .. }
            | Self::Queried { .. }
            | Self::Answered { .. }
            | Self::Changed { .. }
            | Self::ShipmentEnded { .. }
            | Self::Corrected { .. }
            | Self::Annulled { .. }
            | Self::Repeated => None,
        }
    }
}

impl GoodsRow {
    fn patch(&mut self, field: &str, value: &str) -> Option<()> {
        match field {
            "hs" => set(&mut self.hs, value),
            "control_code" => set_option(&mut self.control_code, value),
            "element" => set_option(&mut self.element, value),
            "form" => set_option(&mut self.form, value),
            "net_mass_g" | "granted_g" | "cleared_g" => value.trim().parse().ok().map(|n| self.grams = n),
            _ => None,
        }
    }
}

/// The text a JSON value stands for; escapes belong to no text a view holds.
fn text(value: &str) -> Option<&str> {
    let inner = value.trim().strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['"', '\\'])).then_some(inner)
}

fn read<T: DeserializeOwned>(value: &str) -> Option<T> {
    T::deserialize(StrDeserializer::<Error>::new(text(value)?)).ok()
}

fn set<T: DeserializeOwned>(field: &mut T, value: &str) -> Option<()> {
    *field = read(value)?;
    Some(())
}

fn set_option<T: DeserializeOwned>(field: &mut Option<T>, value: &str) -> Option<()> {
    *field = if value.trim() == "null" {
        None
    } else {
        Some(read(value)?)
    };
    Some(())
}

fn set_number<T: std::str::FromStr>(field: &mut Option<T>, value: &str) -> Option<()> {
    *field = match value.trim() {
        "null" => None,
        digits => Some(digits.parse().ok()?),
    };
    Some(())
}

fn set_ports(field: &mut Vec<PortCode>, value: &str) -> Option<()> {
    let inner = value.trim().strip_prefix('[')?.strip_suffix(']')?;
    let listed = inner.split(',').filter(|item| !item.trim().is_empty());
    *field = listed.map(read).collect::<Option<_>>()?;
    Some(())
}

/// The digests of a list of documents.
fn digests_in(value: &str) -> Vec<u128> {
    let after = value.split("\"sha256\"").skip(1);
    let digests = after.filter_map(|rest| rest.trim_start().strip_prefix(':')?.split('"').nth(1));
    digests.map(number_of).collect()
}

#[cfg(test)]
mod tests {
    use portbook_domain::{ControlStatus, Lane, Text};

    use super::*;

    fn patched(told: &ToldRow, pointer: &str, value: &str) -> Option<ToldRow> {
        let mut told = told.clone();
        let path: Vec<&str> = pointer.split('/').skip(1).collect();
        told.patch(&path, value).map(|()| told)
    }

    fn cleared() -> ToldRow {
        ToldRow::Cleared {
            declaration_no: "310420250000000001".parse().unwrap(),
            license_no: None,
            control_status: ControlStatus::Controlled,
            destination: "DE".parse().unwrap(),
            lines: vec![GoodsRow {
                line: None,
                hs: "850511".parse().unwrap(),
                control_code: None,
                element: None,
                form: None,
                grams: 5,
            }],
            documents: vec![1],
        }
    }

    #[test]
    fn a_field_takes_the_value_of_a_patch() {
        let told = cleared();
        let Some(ToldRow::Cleared { license_no, .. }) = patched(&told, "/license_no", "\"25DU000001\"")
        else {
            panic!("not patched");
        };
        assert_eq!(license_no.unwrap().as_str(), "25DU000001");
        let Some(ToldRow::Cleared { lines, .. }) = patched(&told, "/lines/0/cleared_g", "7") else {
            panic!("not patched");
        };
        assert_eq!(lines[0].grams, 7);
        let Some(ToldRow::Cleared { documents, .. }) = patched(
            &told,
            "/evidence",
            r#"[{"kind":"invoice","sha256":"00000000000000000000000000000002aa"}]"#,
        ) else {
            panic!("not patched");
        };
        assert_eq!(documents, [2]);
        let status = patched(&told, "/control_status", "\"not_controlled\"");
        assert!(
            matches!(status, Some(ToldRow::Cleared { control_status, .. }) if control_status == ControlStatus::NotControlled)
        );
    }

    #[test]
    fn what_a_row_does_not_hold_is_left_alone() {
        let told = cleared();
        for (pointer, value) in [
            ("/reason", "\"x\""),
            ("/lines/1/cleared_g", "7"),
            ("/lines/0/cleared_g", "seven"),
            ("/destination", "\"Germany\""),
            ("/outcome", "\"refused\""),
        ] {
            assert_eq!(patched(&told, pointer, value), None, "{pointer}");
        }
        let submitted = ToldRow::Submitted {
            destination: "DE".parse().unwrap(),
            applicant: Some(Text::new("a").unwrap()),
            end_user: None,
            lane: Lane::Standard,
            lines: Vec::new(),
        };
        let Some(ToldRow::Submitted { applicant, .. }) = patched(&submitted, "/applicant", "null") else {
            panic!("not patched");
        };
        assert_eq!(applicant, None);
    }
}
