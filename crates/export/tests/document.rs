//! The page about exports names every column, in order, with its type.

use portbook_export::{COLUMNS, Kind};

const PAGE: &str = include_str!("../../../docs/exports.md");

#[test]
fn the_page_names_every_column_with_its_type() {
    let (_, table) = PAGE.split_once("| column | type | content |").unwrap();
    let table = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let named: Vec<String> = table
        .map(|line| {
            let cells: Vec<&str> = line.split('|').skip(1).take(2).map(str::trim).collect();
            cells.join(" ")
        })
        .collect();
    let expected: Vec<String> = COLUMNS
        .iter()
        .map(|column| {
            let kind = match column.kind {
                Kind::Int64 => "int64",
                Kind::Int32 => "int32",
                Kind::Text => "text",
                Kind::Json => "json",
                Kind::Micros => "moment",
                Kind::Day => "day",
                Kind::Kilograms => "decimal(18,3)",
                Kind::Bool => "bool",
                Kind::Hash => "32 bytes",
            };
            let always = if column.required { ", always" } else { "" };
            format!("`{}` {kind}{always}", column.name)
        })
        .collect();
    assert_eq!(named, expected);
}
