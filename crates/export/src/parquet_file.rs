//! Parquet: one row group per buffer of rows, compressed, with the manifest in the file's metadata.

use std::io::Write;
use std::sync::Arc;

use jiff::civil::Date;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::column::{COLUMNS, Cell, Column, Kind};
use crate::entry::Entry;
use crate::error::ExportError;
use crate::export::{File, inside};
use crate::manifest::{About, Tally};
use crate::row::Row;

/// Rows held before they are written as a row group.
const ROWS_HELD: usize = 16_384;
/// Key of the manifest in the file's metadata.
const MANIFEST_KEY: &str = "portbook.manifest";
/// Key of the checkpoint, as it was published.
const CHECKPOINT_KEY: &str = "portbook.checkpoint";
/// Digits of a mass in kilograms, three of them decimals.
const DECIMAL: (i32, i32) = (18, 3);

/// A Parquet file in the making.
pub(crate) struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Held>,
    held: usize,
    rows: u64,
}

/// Values of a column that are not written yet; a row without a value has only its level.
struct Held {
    values: Values,
    levels: Vec<i16>,
}

enum Values {
    Int64(Vec<i64>),
    Int32(Vec<i32>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
    Bool(Vec<bool>),
}

impl<W: Write + Send> ParquetFile<W> {
    pub(crate) fn begin(out: W) -> Result<Self, ExportError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("portbook {}", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            writer: SerializedFileWriter::new(out, schema()?, Arc::new(properties))?,
            columns: COLUMNS.iter().map(Held::of).collect(),
            held: 0,
            rows: 0,
        })
    }

    fn write_group(&mut self) -> Result<(), ExportError> {
        if self.held == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (held, column) in self.columns.iter_mut().zip(COLUMNS) {
            if let Some(mut writer) = group.next_column()? {
                held.write(&mut writer, column.required)?;
                writer.close()?;
            }
        }
        group.close()?;
        self.held = 0;
        Ok(())
    }
}

impl<W: Write + Send> File for ParquetFile<W> {
    fn take(&mut self, _: &Entry, row: &Row<'_>) -> Result<(), ExportError> {
        for (held, column) in self.columns.iter_mut().zip(COLUMNS) {
            held.take(column.cell(row));
        }
        self.held += 1;
        self.rows += 1;
        if self.held == ROWS_HELD {
            self.write_group()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, about: &About, tally: &Tally) -> Result<u64, ExportError> {
        self.write_group()?;
        let manifest = inside(about, self.rows, tally)?;
        for (key, value) in [
            (MANIFEST_KEY, manifest),
            (CHECKPOINT_KEY, about.checkpoint_note.clone()),
        ] {
            self.writer
                .append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        self.writer.close()?;
        Ok(self.rows)
    }
}

impl Held {
    fn of(column: &Column) -> Self {
        let values = match column.kind {
            Kind::Int64 | Kind::Micros | Kind::Kilograms => Values::Int64(Vec::new()),
            Kind::Int32 | Kind::Day => Values::Int32(Vec::new()),
            Kind::Text | Kind::Json => Values::Bytes(Vec::new()),
            Kind::Hash => Values::Fixed(Vec::new()),
            Kind::Bool => Values::Bool(Vec::new()),
        };
        Self {
            values,
            levels: Vec::new(),
        }
    }

    /// Takes a value. Kind and cell of a column always fit, and what would not is absent, not wrong.
    fn take(&mut self, cell: Option<Cell<'_>>) {
        let taken = match (&mut self.values, cell) {
            (Values::Int64(values), Some(Cell::Int(value) | Cell::Grams(value))) => push(values, Some(value)),
            (Values::Int64(values), Some(Cell::Moment(at))) => push(values, Some(at.as_microsecond())),
            (Values::Int32(values), Some(Cell::Int(value))) => push(values, i32::try_from(value).ok()),
            (Values::Int32(values), Some(Cell::Day(day))) => push(values, days_since_1970(day)),
            (Values::Bytes(values), Some(Cell::Text(text))) => push(values, Some(ByteArray::from(text))),
            (Values::Fixed(values), Some(Cell::Hash(hash))) => {
                push(values, Some(ByteArray::from(hash.as_bytes().to_vec()).into()))
            }
            (Values::Bool(values), Some(Cell::Bool(value))) => push(values, Some(value)),
            (_, _) => false,
        };
        self.levels.push(i16::from(taken));
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>, required: bool) -> Result<(), ExportError> {
        let levels = (!required).then_some(self.levels.as_slice());
        match &mut self.values {
            Values::Int64(values) => {
                writer.typed::<Int64Type>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Int32(values) => {
                writer.typed::<Int32Type>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Bytes(values) => {
                writer
                    .typed::<ByteArrayType>()
                    .write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Fixed(values) => {
                writer
                    .typed::<FixedLenByteArrayType>()
                    .write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Bool(values) => {
                writer.typed::<BoolType>().write_batch(values, levels, None)?;
                values.clear();
            }
        }
        self.levels.clear();
        Ok(())
    }
}

fn push<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    let is_there = value.is_some();
    values.extend(value);
    is_there
}

fn days_since_1970(day: Date) -> Option<i32> {
    i32::try_from(day.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24).ok()
}

fn schema() -> Result<TypePtr, ExportError> {
    let mut fields = Vec::new();
    for column in COLUMNS {
        fields.push(Arc::new(field(column)?));
    }
    let schema = Type::group_type_builder("portbook").with_fields(fields).build()?;
    Ok(Arc::new(schema))
}

fn field(column: &Column) -> Result<Type, ExportError> {
    let (physical, logical) = match column.kind {
        Kind::Int64 => (Physical::INT64, None),
        Kind::Int32 => (Physical::INT32, None),
        Kind::Text | Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Micros => {
            let utc = LogicalType::timestamp(true, TimeUnit::MICROS);
            (Physical::INT64, Some(utc))
        }
        Kind::Day => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Kilograms => {
            let (precision, scale) = DECIMAL;
            (Physical::INT64, Some(LogicalType::decimal(scale, precision)))
        }
        Kind::Bool => (Physical::BOOLEAN, None),
        Kind::Hash => (Physical::FIXED_LEN_BYTE_ARRAY, None),
    };
    let repetition = if column.required {
        Repetition::REQUIRED
    } else {
        Repetition::OPTIONAL
    };
    let mut field = Type::primitive_type_builder(column.name, physical)
        .with_repetition(repetition)
        .with_converted_type(ConvertedType::NONE)
        .with_logical_type(logical);
    if column.kind == Kind::Hash {
        field = field.with_length(32);
    }
    if column.kind == Kind::Kilograms {
        let (precision, scale) = DECIMAL;
        field = field.with_precision(precision).with_scale(scale);
    }
    Ok(field.build()?)
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    use portbook_domain::{CaseId, EventId, PortCode};
    use portbook_ledger::{Chain, Hash, RecordKind};
    use portbook_wire::{Envelope, Source, decode_event, encode};

    use super::*;
    use crate::entry::Content;

    const CLEARED: &str = r#"{"declaration_no":"310420250000000001","port":"CNNBG","control_status":"controlled","destination":"NA","lines":[{"hs":"8505111000","element":"Dy","cleared_g":1500},{"hs":"8505111000","element":"Tb","cleared_g":2}]}"#;

    fn entry(index: u64, kind: RecordKind) -> Entry {
        let envelope = Envelope::observed(
            EventId::new("371cd45b-31ce-56ec-8194-64fb67c689b1").unwrap(),
            Source::outside("test").unwrap(),
            CaseId::new("2025DU000001").unwrap(),
            PortCode::new("CNNBG").unwrap(),
            "2025-04-01T01:04:30.123456789Z".parse().unwrap(),
        );
        let cleared = portbook_domain::EventData::ShipmentCleared(serde_json::from_str(CLEARED).unwrap());
        let body = encode(&envelope, &cleared).unwrap();
        Entry {
            index,
            hash: Hash::from_bytes([7; 32]),
            chain: Chain::port("CNNBG").unwrap(),
            chain_seq: index + 1,
            kind,
            refers_to: None,
            recorded_at_ns: 1_743_469_470_000_000_000,
            content: Content::Event(Box::new(decode_event(&body).unwrap())),
            body,
        }
    }

    fn about() -> About {
        About {
            file: "a.parquet".to_owned(),
            scope: "CNNBG".to_owned(),
            origin: "portbook.example/test".to_owned(),
            checkpoint_size: 2,
            checkpoint_root: String::new(),
            checkpoint_note: "the note\n".to_owned(),
            references: std::collections::BTreeMap::new(),
            policies: std::collections::BTreeMap::new(),
            command: String::new(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut bytes = Vec::new();
        let mut file = Box::new(ParquetFile::begin(&mut bytes).unwrap());
        let mut tally = Tally::default();
        // More than a row group: the levels of each group begin anew.
        let count = u64::try_from(ROWS_HELD).unwrap() + 1;
        for index in 0..count {
            let kind = if index == 0 {
                RecordKind::Conflict
            } else {
                RecordKind::Event
            };
            let entry = entry(index, kind);
            let row = Row::of(&entry);
            tally.count(&entry, &row).unwrap();
            file.take(&entry, &row).unwrap();
        }
        assert_eq!(file.finish(&about(), &tally).unwrap(), count);

        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        assert_eq!(reader.num_row_groups(), 2);
        let pairs = reader
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .unwrap()
            .clone();
        let value = |key: &str| {
            pairs
                .iter()
                .find(|it| it.key == key)
                .unwrap()
                .value
                .clone()
                .unwrap()
        };
        assert_eq!(value(CHECKPOINT_KEY), "the note\n");
        let manifest: serde_json::Value = serde_json::from_str(&value(MANIFEST_KEY)).unwrap();
        assert_eq!(manifest["rows"], count);
        let mut sum = 0;
        for (row, nth) in reader.get_row_iter(None).unwrap().zip(0..) {
            let row = row.unwrap();
            let field = |name: &str| {
                row.get_column_iter()
                    .find(|(it, _)| *it == name)
                    .unwrap()
                    .1
                    .clone()
            };
            assert_eq!(field("leaf"), Field::Long(nth));
            assert_eq!(field("destination"), Field::Str("NA".to_owned()));
            assert_eq!(field("element"), Field::Str("Dy;Tb".to_owned()));
            assert_eq!(
                field("occurred_at"),
                Field::TimestampMicros(1_743_469_470_123_456)
            );
            if let Field::Long(grams) = field("mass_g") {
                sum += grams;
            } else {
                let absent = (field("mass_g"), field("mass_kg"));
                assert_eq!((nth, absent), (0, (Field::Null, Field::Null)));
            }
        }
        assert_eq!(sum, 1502 * i64::try_from(count - 1).unwrap());
        assert_eq!(tally.mass_g["shipment.cleared"], 1502 * (count - 1));
    }
}
