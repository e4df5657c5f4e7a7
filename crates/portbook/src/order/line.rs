//! The flag `--line`: one line of goods as `1,hs=8505111000,code=1C905.a,element=Dy,kg=840`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use portbook_domain::{ApplicationLine, ClearedLine, Grams, GrantedLine};

use super::word::{grams, kilograms, whole};

/// What a line can say, in the order help shows it.
const FIELDS: &str = "hs, code, element, form, kg, g";

/// One typed line: its number, if any, then `field=value`, in any order, separated by commas.
struct Line<'a> {
    number: Option<u16>,
    fields: BTreeMap<&'a str, &'a str>,
}

/// A line of goods applied for.
pub(super) fn application_line(text: &str) -> Result<ApplicationLine, String> {
    let line = Line::parse(text)?;
    Ok(ApplicationLine {
        line: line.number()?,
        hs: line.needed("hs")?,
        control_code: line.needed("code")?,
        element: line.needed("element")?,
        form: line.optional("form")?,
        net_mass_g: line.mass()?,
    })
}

/// A line of a licence.
pub(super) fn granted_line(text: &str) -> Result<GrantedLine, String> {
    let line = Line::parse(text)?.without_form()?;
    Ok(GrantedLine {
        line: line.number()?,
        hs: line.needed("hs")?,
        control_code: line.needed("code")?,
        element: line.needed("element")?,
        granted_g: line.mass()?,
    })
}

/// A line of declared or cleared goods; uncontrolled goods have neither number nor code nor element.
pub(super) fn cleared_line(text: &str) -> Result<ClearedLine, String> {
    let line = Line::parse(text)?.without_form()?;
    Ok(ClearedLine {
        line: line.number,
        hs: line.needed("hs")?,
        control_code: line.optional("code")?,
        element: line.optional("element")?,
        cleared_g: line.mass()?,
    })
}

impl<'a> Line<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let mut line = Self {
            number: None,
            fields: BTreeMap::new(),
        };
        for (at, part) in text.split(',').enumerate() {
            let Some((field, value)) = part.split_once('=') else {
                if at > 0 {
                    return Err(format!(
                        "{part:?} is neither the line's number, which comes first, nor field=value"
                    ));
                }
                let number = whole(part).filter(|number| *number > 0);
                let rule = || format!("the number of a line is 1 to 65535, found {part:?}");
                line.number = Some(number.ok_or_else(rule)?);
                continue;
            };
            if !FIELDS.split(", ").any(|known| known == field) {
                return Err(format!("a line has no field {field:?}; its fields are {FIELDS}"));
            }
            if line.fields.insert(field, value).is_some() {
                return Err(format!("{field} is stated twice"));
            }
        }
        Ok(line)
    }

    fn without_form(self) -> Result<Self, String> {
        match self.fields.get("form") {
            Some(_) => Err("form belongs to the lines of an application only".to_owned()),
            None => Ok(self),
        }
    }

    fn number(&self) -> Result<u16, String> {
        self.number
            .ok_or_else(|| "the line's number is missing: begin with it, as in 1,hs=8505111000".to_owned())
    }

    fn optional<T: FromStr<Err: Display>>(&self, field: &str) -> Result<Option<T>, String> {
        let value = self.fields.get(field).map(|value| value.parse());
        value.transpose().map_err(|error| format!("{field}: {error}"))
    }

    fn needed<T: FromStr<Err: Display>>(&self, field: &str) -> Result<T, String> {
        self.optional(field)?
            .ok_or_else(|| format!("{field} is missing: add {field}=…"))
    }

    fn mass(&self) -> Result<Grams, String> {
        match (self.fields.get("kg"), self.fields.get("g")) {
            (Some(text), None) => kilograms(text),
            (None, Some(text)) => grams(text),
            (None, None) => Err("the mass is missing: add kg=… or g=…".to_owned()),
            (Some(_), Some(_)) => Err("the mass is stated twice, as kg and as g".to_owned()),
        }
    }
}
