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
