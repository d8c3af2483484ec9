//! A list's file with some rows changed: the old one is read through once, and the new one takes its place whole.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::Changes;
use crate::app::row::exported_fields;
use crate::commands::whole_file::WholeFile;
use crate::consent::list::List;
use crate::journeys::export::Format;
use crate::journeys::export::format::Shape;

const BUFFER: usize = 256 * 1024;

/// What is asked of a line of JSON.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "ref")]
    reference: String,
}

/// Writes the file anew: rows that are not among the changes as they were, and after them those that came or are
/// otherwise.
pub fn rewrite(path: &Path, format: Format, list: &List, changes: &Changes) -> anyhow::Result<()> {
    let mut new = WholeFile::create(path)?;
    let mut to = BufWriter::with_capacity(BUFFER, &mut new);
    let damaged = || format!("{} is damaged: remove it, and it is made anew", path.display());
    match format {
        Format::Jsonl => keep_lines(path, changes, &mut to).with_context(damaged)?,
        _ => keep_records(path, changes, &mut to).with_context(damaged)?,
    }
    let shape = Shape::new(format, exported_fields(list));
    let mut part = shape.part(false)?;
    for row in changes.values().flatten() {
        shape.write(row, &mut part)?;
    }
    to.write_all(&part.bytes()?)?;
    to.flush()?;
    drop(to);
    new.finish()
}

fn keep_lines(path: &Path, changes: &Changes, to: &mut impl Write) -> anyhow::Result<()> {
    let mut old = BufReader::with_capacity(BUFFER, File::open(path)?);
    let mut line = Vec::new();
    while old.read_until(b'\n', &mut line)? > 0 {
        let Line { reference } = serde_json::from_slice(&line)?;
        if !changes.contains_key(&reference) {
            to.write_all(&line)?;
        }
        line.clear();
    }
    Ok(())
}

fn keep_records(path: &Path, changes: &Changes, to: &mut impl Write) -> anyhow::Result<()> {
    let mut old = csv::ReaderBuilder::new().buffer_capacity(BUFFER).from_path(path)?;
    let header = old.byte_headers()?.clone();
    let place = header.iter().position(|name| name == b"ref").context("it has no column `ref`")?;
    let mut writer = csv::Writer::from_writer(to);
    writer.write_byte_record(&header)?;
    let mut record = csv::ByteRecord::new();
    while old.read_byte_record(&mut record)? {
        let reference = std::str::from_utf8(record.get(place).unwrap_or_default())?;
        if !changes.contains_key(reference) {
            writer.write_byte_record(&record)?;
        }
    }
    Ok(writer.flush()?)
}
