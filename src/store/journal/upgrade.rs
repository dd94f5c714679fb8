//! Stores of earlier versions: copied, then brought to this version in one transaction, or left as they were.
//!
//! A new store is made as version 1 and brought up the same way, so that every step is taken whenever a study begins.

use super::row::digest;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Takes a store from one version to the next.
type Step = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// `STEPS[n]` takes version `n + 1` to `n + 2`.
const STEPS: &[Step] = &[seal_settings, note_forgotten];

/// Version of the tables that this program writes.
pub(super) const SCHEMA: i64 = 1 + STEPS.len() as i64;

/// The version of a store; 0 for one that has no tables yet.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Makes the tables of a new store, or brings those of an earlier version to this one.
pub(super) fn upgrade(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    if version(connection)? == SCHEMA {
        return Ok(());
    }
    let found = version(connection)?;
    if found > 0 {
        keep_copy(connection, &copy_path(path, found))?;
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Another program may have done it while this one waited.
    let found = version(&transaction)?;
    if found == 0 {
        transaction.execute_batch(include_str!("schema.sql"))?;
    }
    for step in STEPS.iter().skip((found - 1).max(0) as usize) {
        step(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()
}

/// Where the store stays as it was in an earlier version.
pub(super) fn copy_path(path: &Path, version: i64) -> PathBuf {
    with_suffix(path, &format!(".version-{version}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Every copy that an upgrade to a version may have left, whole or not.
pub(super) fn copies(path: &Path, version: i64) -> impl Iterator<Item = PathBuf> {
    let whole = (1..version).map(|earlier| copy_path(path, earlier));
    whole.flat_map(|copy| [with_suffix(&copy, PARTIAL), copy])
}

/// What the name of a copy ends in before it is whole.
const PARTIAL: &str = ".partial";

/// Writes a whole copy under another name first, so that a copy with the right name is always whole.
fn keep_copy(connection: &Connection, to: &Path) -> rusqlite::Result<()> {
    let failed = |error: io::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    let partial = with_suffix(to, PARTIAL);
    // SQLite writes into an empty file, and this one is for its owner alone.
    super::make_private(&partial)
        .and_then(|()| File::options().write(true).open(&partial)?.set_len(0))
        .map_err(failed)?;
    connection.execute("VACUUM INTO ?1", [partial.to_string_lossy()])?;
    let publish = || {
        File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, to)?;
        File::open(to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
    };
    publish().map_err(failed)
}

/// Version 2: what is kept beside the decisions carries a digest too, and who saw what in an answer is found at once.
fn seal_settings(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "ALTER TABLE plan ADD COLUMN hash TEXT NOT NULL DEFAULT '';
         ALTER TABLE rule ADD COLUMN hash TEXT NOT NULL DEFAULT '';
         CREATE INDEX decision_turn ON decision (transcript, turn, coder);",
    )?;
    let plans = sealed(transaction, "SELECT seq, time, body FROM plan")?;
    for (seq, hash) in plans {
        transaction.execute("UPDATE plan SET hash = ?2 WHERE seq = ?1", params![seq, hash])?;
    }
    let rules = sealed(transaction, "SELECT rowid, id, generation FROM rule")?;
    for (row, hash) in rules {
        transaction.execute("UPDATE rule SET hash = ?2 WHERE rowid = ?1", params![row, hash])?;
    }
    Ok(())
}

/// Version 3: rows whose words were taken out keep their hash, and that of what is left of them is noted here; settings
/// are counted, so that one cut off their end is missed.
fn note_forgotten(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("CREATE TABLE forgotten (hash TEXT PRIMARY KEY, emptied TEXT NOT NULL) STRICT;")?;
    SETTINGS.iter().try_for_each(|(table, _)| {
        transaction.execute_batch(&format!(
            "ALTER TABLE head ADD COLUMN n_{table} INTEGER NOT NULL DEFAULT 0;
             UPDATE head SET n_{table} = (SELECT count(*) FROM {table});
             CREATE TRIGGER {table}_is_counted AFTER INSERT ON {table} BEGIN UPDATE head SET n_{table} = n_{table} + 1; END;"
        ))
    })
}

/// Tables of settings, with what identifies a row and what is sealed of it.
const SETTINGS: [(&str, &str); 2] = [("plan", "seq, time, body"), ("rule", "rowid, id, generation")];

/// Row numbers and seals of a table of two words a row.
fn sealed(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut statement = connection.prepare(sql)?;
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, seal(bytes(row.get_ref(1)?), bytes(row.get_ref(2)?)))))?;
    rows.collect()
}

/// The digest of a row that is in no chain.
pub(super) fn seal(first: impl AsRef<[u8]>, second: impl AsRef<[u8]>) -> String {
    let (first, second) = (first.as_ref(), second.as_ref());
    digest(&[format!("{}:", first.len()).as_bytes(), first, second].concat())
}

/// What is wrong with the settings: rows that do not have their seal, rows that do not follow each other, and rows that
/// are missing, as none is ever taken away. Nothing is looked for in a store of version 1, nor counted in one of 2.
pub(super) fn broken_seals(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let (version, mut broken) = (version(connection)?, Vec::new());
    for (table, columns) in SETTINGS.iter().filter(|_| version >= 2) {
        broken.extend(broken_in(connection, table, columns)?);
        broken.extend(if version >= 3 { missing_in(connection, table)? } else { None });
    }
    Ok(broken)
}

/// What is wrong with the number of rows.
fn missing_in(connection: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let sql = format!("SELECT (SELECT count(*) FROM {table}), n_{table} FROM head");
    let (is, was): (i64, i64) = connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((is != was).then(|| format!("{is} {table}s found, {was} were written")))
}

fn broken_in(connection: &Connection, table: &str, columns: &str) -> rusqlite::Result<Vec<String>> {
    let mut broken = Vec::new();
    let mut statement = connection.prepare(&format!("SELECT {columns}, hash FROM {table} ORDER BY 1"))?;
    let (mut rows, mut next) = (statement.query([])?, 1);
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        if number != next {
            broken.push(format!("row {number} of the {table}s stands where row {next} belongs"));
        }
        // Read as bytes: what was changed need not be text any more.
        let [first, second, hash] = [row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?];
        if hash != ValueRef::Text(seal(bytes(first), bytes(second)).as_bytes()) {
            broken.push(format!("row {number} of the {table}s was changed after it was written"));
        }
        next = number.saturating_add(1);
    }
    Ok(broken)
}

/// What is sealed of a value.
fn bytes(value: ValueRef<'_>) -> Cow<'_, [u8]> {
    match value {
        ValueRef::Text(text) => text.into(),
        ValueRef::Integer(number) => number.to_string().into_bytes().into(),
        // No column of the settings holds anything else.
        other => format!("{other:?}").into_bytes().into(),
    }
}
