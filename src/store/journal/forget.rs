//! Taking the words out of rows: a participant withdrew.
//!
//! Comes in: names of transcripts. Goes out: a store, and a log, in which none of their words stand. Never happens here:
//! the removal of a row. It keeps its hash, which other rows name as that of their forerunner, and the hash of what is
//! left of it is noted beside: whoever checks the chain finds it whole, and knows which rows were emptied.

use super::row::{self, Row};
use super::upgrade::{self, SCHEMA};
use super::{Journal, JournalError};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, ffi, params};
use std::collections::{BTreeSet, HashMap};

/// By the hash of each row that was emptied, the hash of what is left of it.
pub(super) type Emptied = HashMap<String, String>;

/// Every row that was emptied; none in a store of an earlier version.
pub(super) fn emptied(connection: &Connection) -> rusqlite::Result<Emptied> {
    if upgrade::version(connection)? < 3 {
        return Ok(Emptied::new());
    }
    let mut statement = connection.prepare("SELECT hash, emptied FROM forgotten")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Notes what is left of a row.
pub(super) fn note(connection: &Connection, hash: &str, emptied: &str) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO forgotten (hash, emptied) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute([hash, emptied]).map(|_| ())
}

/// Empties every row of these transcripts and clears the pages, the log and the copies of earlier versions that held
/// them. Returns how many rows had words.
pub(super) fn forget(journal: &mut Journal, transcripts: &BTreeSet<&str>) -> Result<usize, JournalError> {
    let cleared =
        empty_all(&mut journal.connection, transcripts).and_then(|n| clear(&journal.connection).map(|()| n));
    let n = cleared.map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::InUse(journal.path.clone()),
        _ => journal.failure(error),
    })?;
    for copy in upgrade::copies(&journal.path, SCHEMA) {
        match std::fs::remove_file(&copy) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(JournalError::Io(copy, error)),
            _ => {}
        }
    }
    Ok(n)
}

fn empty_all(connection: &mut Connection, transcripts: &BTreeSet<&str>) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // What keeps rows from being changed is put back as it was, in the same transaction.
    const KEEPER: &str = "decision_is_never_changed";
    let sql = "SELECT sql FROM sqlite_schema WHERE name = ?1";
    let keeper: String = transaction.query_row(sql, [KEEPER], |row| row.get(0))?;
    transaction.execute_batch(&format!("DROP TRIGGER {KEEPER}"))?;
    let mut n = 0;
    for transcript in transcripts {
        n += empty(&transaction, transcript)?;
    }
    transaction.execute_batch(&keeper)?;
    transaction.commit()?;
    Ok(n)
}

/// Empties the rows of one transcript that have words.
fn empty(transaction: &Transaction<'_>, transcript: &str) -> rusqlite::Result<usize> {
    let sql =
        format!("SELECT {} FROM decision WHERE transcript = ?1 AND quote || coalesce(note, '') <> ''", row::COLUMNS);
    let rows: Vec<Row> = transaction.prepare(&sql)?.query_map([transcript], row::read)?.collect::<Result<_, _>>()?;
    for row in &rows {
        let left = without_words(row);
        let sql = "UPDATE decision SET quote = ?2, note = ?3 WHERE hash = ?1";
        transaction.prepare_cached(sql)?.execute(params![row.hash, left.quote, left.note])?;
        note(transaction, &row.hash, &left.expected_hash())?;
    }
    Ok(rows.len())
}

/// What is left of a row whose participant withdrew.
pub(super) fn without_words(row: &Row) -> Row {
    Row { quote: String::new(), note: row.note.as_ref().map(|_| String::new()), ..row.clone() }
}

/// Writes the store anew and empties its log: neither holds a page any more that was given up.
fn clear(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("VACUUM")?;
    let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_busy { Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None)) } else { Ok(()) }
}
