//! The journal of decisions, `study.sqlite`: append-only, chained by hashes, in SQLite with WAL and `synchronous=FULL`.
//!
//! Comes in: operations of coders. Goes out: rows, and the present state that they amount to ([`present`]).
//! Never happens here: a change of a decision or a removal of a row, a guess where a decision belongs, a reading of
//! codings.
//!
//! | file | holds |
//! | --- | --- |
//! | `row.rs` | one row and its hash |
//! | `append.rs` | writing: ids, versions, undo and redo |
//! | `chain.rs` | whether all rows are there, as they were written |
//! | `present.rs` | what a sequence of rows amounts to |
//! | `carry.rs` | what a segment is, and where it stands in a new run |
//! | `merge.rs` | the union of two copies |
//! | `forget.rs` | taking out the words of a participant who withdrew |
//! | `last.rs` | the last row, noted beside the store |
//! | `schema.sql`, `upgrade.rs` | tables and views, version by version |

pub mod append;
pub mod carry;
mod chain;
pub mod clock;
mod forget;
mod last;
mod merge;
pub mod present;
pub mod row;
mod upgrade;

use crate::store::layout::Study;
use append::{AppendError, Ledger, Operation, Receipt};
use chain::Chain;
pub use merge::Merged;
use present::{DecisionRow, Judged, Place};
use row::{Action, Row};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use thiserror::Error;
use upgrade::SCHEMA;

/// Releases of SQLite before this one can damage a WAL store when two connections restart the log at once.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Why the journal could not be opened or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// There is none yet.
    #[error("{0}: no decisions yet; help: make some with `precode review`")]
    Missing(PathBuf),
    /// Written by a later program.
    #[error(
        "{path}: store of version {found}, this program knows {known}; help: use the newer precode that wrote it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The last version that this program knows.
        known: i64,
    },
    /// On a network or shared file system.
    #[error("{path}: lies on {kind}, where SQLite's journal is not safe; help: move the study to a local disk")]
    Network {
        /// The file.
        path: PathBuf,
        /// Name of the file system.
        kind: &'static str,
    },
    /// Not what it should be; nothing was repaired.
    #[error("{path}: damaged: {}", .damage.join("; "))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which rows.
        damage: Vec<String>,
    },
    /// Somebody else reads or writes it, and what must not be left would be.
    #[error("{0}: another program uses the decisions; help: end it, then run this again")]
    InUse(PathBuf),
    /// The bundled SQLite is too old.
    #[error("SQLite {0} has a known fault in its write-ahead log")]
    OldSqlite(&'static str),
    /// SQLite failed.
    #[error("{0}: {1}")]
    Sql(PathBuf, #[source] rusqlite::Error),
    /// The file could not be made.
    #[error("{0}: {1}")]
    Io(PathBuf, #[source] std::io::Error),
}

/// The journal of one study.
#[derive(Debug)]
pub struct Journal {
    connection: Connection,
    path: PathBuf,
    last: Option<File>,
    written: Arc<AtomicUsize>,
}

/// Decisions brought to the texts of the present run.
#[derive(Debug, Default)]
pub struct Carried {
    /// Where they are now.
    pub decisions: Vec<DecisionRow>,
    /// Segments that were judged for every code, where they are now.
    pub judged: Vec<Judged>,
    /// Decisions whose segment is not in the texts any more; they stay in the journal.
    pub orphans: Vec<DecisionRow>,
}

impl Journal {
    /// Opens the journal for writing, making it if it is not there.
    ///
    /// # Errors
    /// See [`JournalError`]; a damaged journal opens, [`Journal::verify`] tells.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        refuse_old_sqlite()?;
        refuse_network(path)?;
        if std::fs::metadata(path).is_ok_and(|found| found.len() > 0) {
            // Looked at before it is opened for writing: SQLite would throw a damaged log away.
            Self::open_read(path)?.refuse_shortened()?;
        }
        make_private(path).map_err(|error| JournalError::Io(path.to_owned(), error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut journal = Self::with_flags(path, flags)?;
        journal.refuse_strange()?;
        journal.prepare().map_err(|error| journal.failure(error))?;
        journal.last = Some(last::open(path).map_err(|error| JournalError::Io(last::path(path), error))?);
        Ok(journal)
    }

    /// Opens the journal for reading.
    ///
    /// # Errors
    /// `Missing` when there is none; see [`JournalError`].
    pub fn open_read(path: &Path) -> Result<Self, JournalError> {
        if !path.exists() {
            return Err(JournalError::Missing(path.to_owned()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let journal = Self::with_flags(path, flags)?;
        journal.refuse_strange()?;
        Ok(journal)
    }

    fn with_flags(path: &Path, flags: OpenFlags) -> Result<Self, JournalError> {
        let failure = |error| JournalError::Sql(path.to_owned(), error);
        let connection = Connection::open_with_flags(path, flags).map_err(failure)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(failure)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Journal { connection, path: path.to_owned(), last: None, written: Arc::default() })
    }

    /// Sets how the file is written, and makes or upgrades its tables.
    fn prepare(&self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.connection.pragma_update(None, "secure_delete", true)?;
        // 64 MB: a step of 100,000 rows touches every page of the indexes, and would else write each of them many times.
        self.connection.pragma_update(None, "cache_size", -65_536)?;
        self.connection.pragma_update(None, "trusted_schema", false)?;
        upgrade::upgrade(&self.connection, &self.path)
    }

    /// Refuses a store of a version that this program does not know.
    fn refuse_strange(&self) -> Result<(), JournalError> {
        match upgrade::version(&self.connection).map_err(|error| self.failure(error))? {
            found if found > SCHEMA => Err(JournalError::Newer { path: self.path.clone(), found, known: SCHEMA }),
            found if found < 0 => Err(self.damaged(vec![format!("version {found}")])),
            _ => Ok(()),
        }
    }

    /// Refuses a store that ends before the last row that was noted.
    fn refuse_shortened(&self) -> Result<(), JournalError> {
        let Some((n_noted, _)) = last::read(&self.path) else { return Ok(()) };
        let n_rows = match upgrade::version(&self.connection).map_err(|error| self.failure(error))? {
            0 => 0,
            _ => self.n_rows().map_err(|error| self.failure(error))?,
        };
        if n_noted <= n_rows { Ok(()) } else { Err(self.damaged(vec![shortened(n_noted, n_rows)])) }
    }

    fn damaged(&self, damage: Vec<String>) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), damage }
    }

    /// A failure of SQLite; a file that is none of SQLite's is damage, and so is a value that no store has.
    fn failure(&self, error: rusqlite::Error) -> JournalError {
        match error.sqlite_error_code() {
            None if is_strange_value(&error) => self.damaged(vec![error.to_string()]),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => self.damaged(vec![error.to_string()]),
            _ => JournalError::Sql(self.path.clone(), error),
        }
    }

    /// Checks the file, every row's hash, the chain, the settings, and that no row is missing at its end.
    ///
    /// # Errors
    /// `Damaged` with what is wrong; nothing is repaired.
    pub fn verify(&self) -> Result<(), JournalError> {
        // Read before the rows: what is written meanwhile is not missing.
        let noted = last::read(&self.path);
        let damage = self.damage(noted).map_err(|error| self.failure(error))?;
        if damage.is_empty() { Ok(()) } else { Err(self.damaged(damage)) }
    }

    /// Everything that is wrong at one moment, whoever writes meanwhile.
    fn damage(&self, noted: Option<(u64, String)>) -> rusqlite::Result<Vec<String>> {
        let _moment = self.connection.unchecked_transaction()?;
        let mut damage = self.integrity_check()?;
        damage.extend(self.check_chain(noted)?);
        damage.extend(upgrade::broken_seals(&self.connection)?);
        Ok(damage)
    }

    /// Not the quick check: a damaged index hides rows.
    fn integrity_check(&self) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.connection.prepare("PRAGMA integrity_check(20)")?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// Every row must have its hash, and name as its forerunner a row that is there.
    fn check_chain(&self, noted: Option<(u64, String)>) -> rusqlite::Result<Vec<String>> {
        let mut chain = Chain::new(forget::emptied(&self.connection)?);
        self.each_line(|seq, row| {
            chain.add(seq, row);
            Ok(())
        })?;
        let mut damage = chain.damage(&append::Head::read(&self.connection)?, noted);
        damage.truncate(50);
        Ok(damage)
    }

    /// Every row in the order in which this copy got it, with its number.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn each_row(&self, mut each: impl FnMut(i64, Row)) -> rusqlite::Result<()> {
        self.each_line(|seq, row| {
            each(seq, row?);
            Ok(())
        })
    }

    /// As [`Journal::each_row`], with rows that cannot be read.
    fn each_line(
        &self,
        mut each: impl FnMut(i64, rusqlite::Result<Row>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let sql = format!("SELECT {}, seq FROM decision ORDER BY seq", row::COLUMNS);
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(row.get(25)?, row::read(row))?;
        }
        Ok(())
    }

    /// The rows of one segment that are not undone, in order.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn segment_rows(&self, transcript: &str, segment: &str) -> rusqlite::Result<Vec<Row>> {
        let sql =
            format!("SELECT {} FROM live WHERE transcript = ?1 AND segment = ?2 ORDER BY tick, op_id", row::COLUMNS);
        self.connection.prepare_cached(&sql)?.query_map([transcript, segment], row::read)?.collect()
    }

    /// True when the coder has ever judged this segment to its end, even if that was undone: what the machine proposed
    /// was shown then, and cannot be unseen.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn was_done(&self, coder: &str, transcript: &str, segment: &str) -> rusqlite::Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM decision \
                   WHERE transcript = ?1 AND segment = ?2 AND coder = ?3 AND action = 'done')";
        self.connection.prepare_cached(sql)?.query_row([transcript, segment, coder], |row| row.get(0))
    }

    /// True when the coder ever decided something in this turn with a proposal in sight.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn was_shown_proposals(&self, coder: &str, transcript: &str, turn: usize) -> rusqlite::Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM decision WHERE transcript = ?1 AND turn = ?2 AND coder = ?3 \
                   AND shown = 'suggestion' AND action IN ('accept', 'reject', 'change', 'add', 'span', 'unsure', 'done'))";
        self.connection.prepare_cached(sql)?.query_row((transcript, turn as i64, coder), |row| row.get(0))
    }

    /// Rows of one operation, whether undone or not.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn operation_rows(&self, batch: &str) -> rusqlite::Result<Vec<Row>> {
        let sql = format!("SELECT {} FROM decision WHERE batch = ?1 ORDER BY tick, op_id", row::COLUMNS);
        self.connection.prepare_cached(&sql)?.query_map([batch], row::read)?.collect()
    }

    /// The last operations of a coder, newest first: the first row of each, its number of rows, and whether it stands.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn history(&self, coder: &str, limit: usize) -> rusqlite::Result<Vec<(Row, usize, bool)>> {
        let sql = format!(
            "SELECT {}, (SELECT count(*) FROM decision b WHERE b.batch = d.batch), \
                    EXISTS (SELECT 1 FROM live l WHERE l.op_id = d.op_id) \
             FROM decision d WHERE coder = ?1 AND op_id = batch ORDER BY tick DESC LIMIT ?2",
            row::COLUMNS
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_map(params![coder, limit as i64], |line| {
            Ok((row::read(line)?, line.get::<_, i64>(25)? as usize, line.get(26)?))
        })?;
        found.collect()
    }

    /// The first row of one operation, and how many it has.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn operation_size(&self, batch: &str) -> rusqlite::Result<Option<(Row, usize)>> {
        let sql = format!(
            "SELECT {}, (SELECT count(*) FROM decision WHERE batch = ?1) FROM decision WHERE op_id = ?1",
            row::COLUMNS
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        statement.query_row([batch], |line| Ok((row::read(line)?, line.get::<_, i64>(25)? as usize))).optional()
    }

    /// Calls `each` once per segment with its rows that are not undone, in order.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn each_segment(&self, mut each: impl FnMut(&[Row])) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT {} FROM live WHERE segment <> '' ORDER BY transcript, segment, tick, op_id",
            row::COLUMNS
        );
        let mut statement = self.connection.prepare(&sql)?;
        by_segment(statement.query([])?, |_, rows| each(rows))
    }

    /// Calls `each` once per segment that the operation speaks of, with its last row and with
    /// its rows that are not undone, in order: none, where the operation was all there was and is undone.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn each_segment_of(&self, batch: &str, mut each: impl FnMut(&Row, &[Row])) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT {}, stands FROM (SELECT DISTINCT transcript AS t, segment AS s FROM decision WHERE batch = ?1 AND segment <> '') \
             JOIN standing ON transcript = t AND segment = s ORDER BY t, s, tick, op_id",
            row::COLUMNS
        );
        let sql = sql.replace(
            "standing",
            "(SELECT *, EXISTS (SELECT 1 FROM live l WHERE l.seq = d.seq) AS stands FROM decision d)",
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        by_segment(statement.query([batch])?, |last, rows| each(last, rows))
    }

    /// All effective decisions, undone ones left out, at the positions of the run that each segment was last decided on.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn decisions(&self) -> rusqlite::Result<Vec<DecisionRow>> {
        let mut all = Vec::new();
        self.each_segment(|rows| {
            if let Some(last) = rows.last() {
                all.extend(present::decisions(rows, &Place::of(last)));
            }
        })?;
        Ok(all)
    }

    /// All segments that a coder judged for every code: a code without a decision is absent there.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn judged(&self) -> rusqlite::Result<Vec<Judged>> {
        let mut all = Vec::new();
        self.each_segment(|rows| {
            if let Some(last) = rows.last() {
                all.extend(present::judged(rows, &Place::of(last)));
            }
        })?;
        Ok(all)
    }

    /// All effective decisions at their places in the texts of the study's present run.
    ///
    /// A decision goes to the same words in the same surroundings, wherever they stand now, and never to others.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn carried(&self, study: &Study, run: &str) -> rusqlite::Result<Carried> {
        let mut carried = Carried::default();
        let mut texts = Texts::of(study);
        self.each_segment(|rows| {
            let Some(last) = rows.last() else { return };
            match texts.place(last, run) {
                Some(place) => {
                    carried.decisions.extend(present::decisions(rows, &place));
                    carried.judged.extend(present::judged(rows, &place));
                }
                None => carried.orphans.extend(present::decisions(rows, &Place::of(last))),
            }
        })?;
        Ok(carried)
    }

    /// The version of a segment: changes with every row that says something about it. `coder`: theirs alone.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn version(&self, transcript: &str, segment: &str, coder: Option<&str>) -> rusqlite::Result<u64> {
        append::version(&self.connection, transcript, segment, coder)
    }

    /// Counts the rows of the operation that is being written, for those who wait for it.
    pub fn written(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.written)
    }

    /// Number of rows.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn n_rows(&self) -> rusqlite::Result<u64> {
        append::Head::read(&self.connection).map(|head| head.n_rows)
    }

    /// Adds every row of another copy that is not here yet; those of forgotten transcripts without their words.
    ///
    /// # Errors
    /// When either copy is damaged, or when both have the same id for different rows.
    pub fn merge(&mut self, other: &Path, forgotten: &BTreeSet<&str>) -> Result<Merged, JournalError> {
        merge::merge(self, other, forgotten)
    }

    /// Takes the words out of every row of these transcripts, out of the pages and the log that held them, and removes
    /// the copies that upgrades left. Returns how many rows had words. Doing it twice changes nothing.
    ///
    /// # Errors
    /// When SQLite fails; [`JournalError::InUse`] when another program keeps the log from being emptied.
    pub fn forget(&mut self, transcripts: &BTreeSet<&str>) -> Result<usize, JournalError> {
        forget::forget(self, transcripts)
    }

    /// Names of all transcripts that rows speak of.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn transcripts(&self) -> rusqlite::Result<BTreeSet<String>> {
        let mut statement =
            self.connection.prepare("SELECT DISTINCT transcript FROM decision WHERE segment <> ''")?;
        statement.query_map([], |row| row.get(0))?.collect()
    }

    /// How the segments are shared out, as last set.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn plan(&self) -> rusqlite::Result<Option<String>> {
        let sql = "SELECT body FROM plan ORDER BY seq DESC LIMIT 1";
        self.connection.query_row(sql, [], |row| row.get(0)).optional()
    }

    /// Sets how the segments are shared out from now on.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_plan(&self, body: &str) -> rusqlite::Result<()> {
        let time = clock::now();
        let values = params![time, body, upgrade::seal(&time, body)];
        self.connection.execute("INSERT INTO plan (time, body, hash) VALUES (?1, ?2, ?3)", values).map(|_| ())
    }

    /// Rules by the generation of results in which they were first seen.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn rules(&self) -> rusqlite::Result<BTreeMap<String, u32>> {
        let mut statement = self.connection.prepare("SELECT id, generation FROM rule")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u32)))?.collect()
    }

    /// Remembers rules that were not seen before.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn add_rules(&mut self, rules: &[String], generation: u32) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for rule in rules {
            transaction
                .prepare_cached("INSERT OR IGNORE INTO rule (id, generation, hash) VALUES (?1, ?2, ?3)")?
                .execute(params![rule, generation, upgrade::seal(rule, generation.to_string())])?;
        }
        transaction.commit()
    }

    /// Writes a whole copy, safe while the journal is in use.
    ///
    /// # Errors
    /// When SQLite fails or `to` exists.
    pub fn back_up(&self, to: &Path) -> rusqlite::Result<()> {
        self.connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map(|_| ())
    }
}

impl Journal {
    /// Notes the last row. What cannot be noted is saved all the same; an older note misses less and is never wrong.
    fn note_last(&self) {
        if let (Some(file), Ok(head)) = (&self.last, append::Head::read(&self.connection)) {
            let _ = last::write(file, &head);
        }
    }
}

/// True for a value that was read and is none that this program writes.
fn is_strange_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, QueryReturnedNoRows, Utf8Error,
    };
    matches!(
        error,
        FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | QueryReturnedNoRows
            | Utf8Error(..)
    )
}

fn shortened(n_noted: u64, n_rows: u64) -> String {
    let written = if n_noted == u64::MAX { "other rows".to_owned() } else { format!("{n_noted} rows") };
    format!(
        "{written} were written and {n_rows} are here, the last one written is not: its log (-wal) is damaged or was \
         left behind; if an older copy was put here on purpose, remove the file that ends in .last"
    )
}

impl Ledger for Journal {
    fn append(&mut self, operation: &Operation) -> Result<Receipt, AppendError> {
        let receipt = append::append(&mut self.connection, operation, &self.written)?;
        self.note_last();
        Ok(receipt)
    }
}

/// Puts rows together that are about one segment, as they come ordered so, and passes on those that stand; a 26th column
/// says which do. `each` is also told the last row of the segment, whether it stands or not.
fn by_segment(mut found: rusqlite::Rows<'_>, mut each: impl FnMut(&Row, &[Row])) -> rusqlite::Result<()> {
    let mut last: Option<Row> = None;
    let mut rows: Vec<Row> = Vec::new();
    while let Some(line) = found.next()? {
        let row = row::read(line)?;
        let stands = line.as_ref().column_count() <= 25 || line.get(25)?;
        if let Some(known) = last.take_if(|l| l.transcript != row.transcript || l.segment != row.segment) {
            each(&known, &rows);
            rows.clear();
        }
        if stands {
            rows.push(row.clone());
        }
        last = Some(row);
    }
    last.iter().for_each(|last| each(last, &rows));
    Ok(())
}

/// Texts of the present run, the last one kept, as rows come ordered by transcript.
struct Texts<'a> {
    study: &'a Study,
    name: String,
    text: Option<String>,
}

impl<'a> Texts<'a> {
    fn of(study: &'a Study) -> Self {
        Texts { study, name: String::new(), text: None }
    }

    /// Where the row's segment stands now. A row of this very run stands where it says.
    fn place(&mut self, row: &Row, run: &str) -> Option<Place> {
        if row.run == run {
            return Some(Place::of(row));
        }
        if self.name != row.transcript {
            self.name.clone_from(&row.transcript);
            self.text = std::fs::read_to_string(self.study.text(&self.name)).ok();
        }
        place_row(row, self.text.as_deref()?)
    }
}

/// Where the row's segment stands in this text. The turn stays the row's: turns are counted by who reads `turns.jsonl`.
pub fn place_row(row: &Row, text: &str) -> Option<Place> {
    let (start_byte, _) = carry::place(text, &row.quote, &row.segment)?;
    let start = text[..start_byte].chars().count();
    Some(Place { start, end: start + row.quote.chars().count(), ..Place::of(row) })
}

/// Makes the file for its owner alone, before SQLite would make it for everybody.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(|_| ())
}

fn refuse_old_sqlite() -> Result<(), JournalError> {
    let found = rusqlite::version_number();
    if found >= OLDEST_SQLITE { Ok(()) } else { Err(JournalError::OldSqlite(rusqlite::version())) }
}

/// SQLite's shared memory does not work between machines.
#[cfg(target_os = "linux")]
fn refuse_network(path: &Path) -> Result<(), JournalError> {
    // Magic numbers of statfs(2).
    const KINDS: [(u32, &str); 5] =
        [(0x6969, "NFS"), (0xFF53_4D42, "SMB"), (0xFE53_4D42, "SMB"), (0x517B, "SMB"), (0x0102_1997, "9p")];
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(found) = rustix::fs::statfs(folder) else { return Ok(()) };
    match KINDS.iter().find(|(magic, _)| *magic == found.f_type as u32) {
        Some((_, kind)) => Err(JournalError::Network { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_: &Path) -> Result<(), JournalError> {
    Ok(())
}

/// Words for people: what a row did.
pub fn describe(row: &Row) -> String {
    match row.action {
        Action::Change => format!("{} → {}", row.code, row.to_code.as_deref().unwrap_or("?")),
        Action::Memo => row.note.clone().unwrap_or_default(),
        Action::Done | Action::Undo | Action::Redo => String::new(),
        _ => row.code.clone(),
    }
}

#[cfg(test)]
mod tests;
