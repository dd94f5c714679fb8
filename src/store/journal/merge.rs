//! The union of two copies of a study's journal.
//!
//! Rows are immutable and have ids of their own, so merging is a set union: doing it twice changes nothing, and the
//! order does not matter. A row brings its hash and its forerunner's with it.

use super::append::Head;
use super::forget;
use super::row::{self, Row};
use super::{Journal, JournalError};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::collections::BTreeSet;
use std::path::Path;

/// What a merge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Rows that came from the other copy.
    pub n_added: usize,
    /// Rows of the other copy that were here already.
    pub n_known: usize,
}

pub(super) fn merge(journal: &mut Journal, other: &Path, forgotten: &BTreeSet<&str>) -> Result<Merged, JournalError> {
    let theirs = Journal::open_read(other)?;
    theirs.verify()?;
    journal.verify()?;
    let mut rows = Vec::new();
    theirs.each_row(|_, row| rows.push(row)).map_err(|error| theirs.failure(error))?;
    let added = add_all(&mut journal.connection, &rows, forgotten).map_err(|error| journal.failure(error))?;
    journal.note_last();
    match added {
        Ok(n_added) => Ok(Merged { n_added, n_known: rows.len() - n_added }),
        Err(op_id) => {
            let damage = vec![format!("operation {op_id} is here with other content than in {}", other.display())];
            Err(JournalError::Damaged { path: journal.path.clone(), damage })
        }
    }
}

/// Adds all rows or none, those of forgotten transcripts without their words; the inner error is the id of a row that is
/// here with other content.
fn add_all(
    connection: &mut Connection,
    rows: &[Row],
    forgotten: &BTreeSet<&str>,
) -> rusqlite::Result<Result<usize, String>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut head = Head::read(&transaction)?;
    let mut n_added = 0;
    for row in rows {
        match hash_of(&transaction, &row.op_id)? {
            Some(hash) if hash == row.hash => continue,
            Some(_) => return Ok(Err(row.op_id.clone())),
            None => add(&transaction, row, forgotten)?,
        }
        n_added += 1;
        head.n_rows += 1;
        head.tick = head.tick.max(row.tick);
        if head.hash.is_empty() {
            head.hash.clone_from(&row.hash);
        }
    }
    head.save(&transaction)?;
    transaction.commit()?;
    Ok(Ok(n_added))
}

/// Adds a row; of one that has no words any more, here or there, what is left is noted.
fn add(connection: &Connection, row: &Row, forgotten: &BTreeSet<&str>) -> rusqlite::Result<()> {
    let gone = forgotten.contains(row.transcript.as_str()).then(|| forget::without_words(row));
    let row = gone.as_ref().unwrap_or(row);
    row::insert(connection, row)?;
    let is = row.expected_hash();
    if is == row.hash { Ok(()) } else { forget::note(connection, &row.hash, &is) }
}

fn hash_of(connection: &Connection, op_id: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT hash FROM decision WHERE op_id = ?1")?;
    statement.query_row([op_id], |row| row.get(0)).optional()
}
