//! The rows of a query, row by row: nothing but the first screenfuls of a table is ever held.

use rusqlite::types::ValueRef;
use rusqlite::{Row, Rows, Statement};
use serde_json::Value;

use super::look::Look;
use super::text::{left, plain, right, width};
use super::{csv, json};
use crate::console::Console;

/// The schema of an answer in JSON.
const SCHEMA: &str = "dwell.sql/1";

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// A JSON object a row
    Ndjson,
    /// Comma-separated values with a header
    Csv,
}

/// By so many rows the widths of a table are chosen.
const MEASURED: usize = 1000;
/// Between columns.
const GAP: usize = 2;

/// Runs a statement, and writes its rows as they come. One JSON document is finished well, whatever happens: it has an
/// `error` then.
///
/// # Errors
/// SQLite's, in the middle of them as well.
pub(crate) fn rows(
    statement: &mut Statement<'_>,
    format: Format,
    console: &mut Console,
) -> rusqlite::Result<()> {
    let columns = names(statement);
    let count = columns.len();
    let mut rows = statement.query([])?;
    let mut table = Table::new(&columns, console.look);
    match format {
        Format::Table => {}
        Format::Csv => console.say(&csv::record(columns.iter().map(String::as_str))),
        Format::Json => {
            let columns = json::line(&columns);
            console.write(format!("{{\"schema\":\"{SCHEMA}\",\"columns\":{columns},\"rows\":[").as_bytes());
        }
        Format::Ndjson => {}
    }
    let mut written = 0_u64;
    loop {
        let cells = match next(&mut rows, count) {
            Ok(Some(cells)) => cells,
            Ok(None) => break,
            Err(why) => {
                if format == Format::Json {
                    let why = json::line(&why.to_string());
                    console.say(&format!("],\"error\":{why}}}"));
                }
                return Err(why);
            }
        };
        match format {
            Format::Table => table.put(&cells, console),
            Format::Csv => {
                let texts: Vec<String> = cells.iter().map(text).collect();
                console.say(&csv::record(texts.iter().map(String::as_str)));
            }
            Format::Json => {
                console.write(if written > 0 { b"," } else { b"" });
                console.write(json::line(&cells).as_bytes());
            }
            Format::Ndjson => {
                let object: Vec<String> = columns
                    .iter()
                    .zip(&cells)
                    .map(|(name, cell)| format!("{}:{}", json::line(name), json::line(cell)))
                    .collect();
                console.say(&format!("{{{}}}", object.join(",")));
            }
        }
        written += 1;
        if console.is_closed() {
            return Ok(());
        }
    }
    match format {
        Format::Table => table.finish(console),
        Format::Json => console.say("]}"),
        Format::Csv | Format::Ndjson => {}
    }
    Ok(())
}

/// The columns' names; one that comes again is told apart by a number, for an object has each key once.
fn names(statement: &Statement<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in statement.column_names() {
        let mut told = name.to_owned();
        let mut number = 1;
        while names.contains(&told) {
            number += 1;
            told = format!("{name}_{number}");
        }
        names.push(told);
    }
    names
}

/// The next row; `None` after the last.
fn next(rows: &mut Rows<'_>, count: usize) -> rusqlite::Result<Option<Vec<Value>>> {
    rows.next()?.map(|row| cells(row, count)).transpose()
}

fn cells(row: &Row<'_>, count: usize) -> rusqlite::Result<Vec<Value>> {
    let cell = |column| {
        Ok(match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => number.into(),
            // What is no number has no place in JSON.
            ValueRef::Real(number) => number.into(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
            ValueRef::Blob(bytes) => {
                bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
            }
        })
    };
    (0..count).map(cell).collect()
}

fn text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A table whose widths are those of its first rows.
struct Table {
    header: Vec<String>,
    look: Look,
    held: Vec<Vec<Value>>,
    /// Once they are chosen; and whether a column holds numbers.
    widths: Option<Vec<(usize, bool)>>,
}

impl Table {
    fn new(columns: &[String], look: Look) -> Self {
        Self { header: columns.to_vec(), look, held: Vec::new(), widths: None }
    }

    fn put(&mut self, cells: &[Value], console: &mut Console) {
        match &self.widths {
            Some(widths) => console.say(&line(cells, widths)),
            None => {
                self.held.push(cells.to_vec());
                if self.held.len() >= MEASURED {
                    self.finish(console);
                }
            }
        }
    }

    /// Shows what is held.
    fn finish(&mut self, console: &mut Console) {
        if self.widths.is_some() {
            return;
        }
        let numbers = |column: usize| {
            let mut cells = self.held.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_null());
            cells.next().is_some_and(Value::is_number) && cells.all(Value::is_number)
        };
        let wide = |column: usize, name: &String| {
            let cells =
                self.held.iter().filter_map(|row| row.get(column)).map(|cell| width(&plain(&text(cell))));
            cells.max().unwrap_or(0).max(width(&plain(name)))
        };
        let wanted = self.header.iter().enumerate().map(|(column, name)| wide(column, name)).collect();
        let fitted = fit(wanted, self.look.width);
        let widths: Vec<_> = fitted.into_iter().enumerate().map(|(n, wide)| (wide, numbers(n))).collect();
        let header: Vec<Value> = self.header.iter().map(|name| name.as_str().into()).collect();
        console.say(&line(&header, &widths));
        let rule: Vec<Value> = widths.iter().map(|(wide, _)| "─".repeat(*wide).into()).collect();
        console.say(&line(&rule, &widths));
        self.held.drain(..).for_each(|cells| console.say(&line(&cells, &widths)));
        self.widths = Some(widths);
    }
}

fn line(cells: &[Value], widths: &[(usize, bool)]) -> String {
    let cell = |(cell, (wide, number)): (&Value, &(usize, bool))| {
        let text = text(cell);
        let text = plain(&text);
        if *number { right(&text, *wide) } else { left(&text, *wide) }
    };
    let cells: Vec<String> = cells.iter().zip(widths).map(cell).collect();
    cells.join(&" ".repeat(GAP)).trim_end().to_owned()
}

/// Takes from the widest columns until all of them fit.
fn fit(mut widths: Vec<usize>, columns: usize) -> Vec<usize> {
    let room = columns.saturating_sub(GAP * widths.len().saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        let Some(widest) = widths.iter_mut().max() else { break };
        if *widest <= 3 {
            break;
        }
        *widest -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_columns_give_way() {
        assert_eq!(fit(vec![5, 40, 9], 80), [5, 40, 9]);
        assert_eq!(fit(vec![5, 40, 9], 30), [5, 12, 9]);
        assert_eq!(fit(vec![50, 40, 9], 30), [9, 9, 8]);
        assert_eq!(fit(vec![5; 9], 20), [3; 9]);
        assert!(fit(Vec::new(), 20).is_empty());
    }
}
