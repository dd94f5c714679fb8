//! Writing: one operation of one coder is one transaction, and what is answered is on disk.

use super::clock;
use super::row::{self, Action, Row, Shown, Verdict};
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use thiserror::Error;

/// A segment as it stands in the texts of the run that the coder sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRef {
    /// Name of the transcript.
    pub transcript: String,
    /// Place of the turn among all turns.
    pub turn: usize,
    /// First code point.
    pub start: usize,
    /// First code point after it.
    pub end: usize,
    /// See [`super::carry::segment_hash`].
    pub hash: String,
    /// The words.
    pub quote: String,
}

/// One step of an operation: becomes one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it is about.
    pub segment: SegmentRef,
    /// What was done.
    pub action: Action,
    /// The code, or nothing.
    pub code: String,
    /// What the step says about the code.
    pub verdict: Option<Verdict>,
    /// The code instead, for `change`.
    pub to_code: Option<String>,
    /// The sentences, for `span`.
    pub to_span: Option<(usize, usize)>,
    /// Free words.
    pub note: Option<String>,
    /// What the coder saw.
    pub shown: Shown,
    /// The confidence that was shown.
    pub confidence: Option<f64>,
}

impl Step {
    /// A step on a segment that says nothing yet about any code.
    pub fn new(segment: SegmentRef, action: Action, shown: Shown) -> Self {
        let code = String::new();
        Step {
            segment,
            action,
            code,
            verdict: None,
            to_code: None,
            to_span: None,
            note: None,
            shown,
            confidence: None,
        }
    }

    /// The same step, saying this about a code.
    pub fn on(self, code: impl Into<String>, verdict: Verdict) -> Self {
        Step { code: code.into(), verdict: Some(verdict), ..self }
    }
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Decides; all steps or none are written.
    Steps(Vec<Step>),
    /// Takes back an operation of the same coder: this one, or the last that stands.
    Undo(Option<String>),
    /// Brings back an operation of the same coder: this one, or the last that was undone.
    Redo(Option<String>),
}

/// The state that the client saw of its coder's own rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// Name of the transcript.
    pub transcript: String,
    /// Hash of the segment.
    pub segment: String,
    /// [`super::Journal::version`] at that time.
    pub version: u64,
}

/// Something that one coder does at once, and takes back at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Made by the client; the same id with the same request is the same operation.
    pub id: String,
    /// Who.
    pub coder: String,
    /// The run whose texts the positions refer to.
    pub run: String,
    /// Digest of the request.
    pub request: String,
    /// Refuse when the segment has changed since.
    pub expect: Option<Expect>,
    /// What to do.
    pub what: What,
}

/// What was written, or had been written by the same operation before.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// True when the operation was there already and nothing was written.
    pub repeated: bool,
    /// The operation that was undone or brought back.
    pub target: Option<String>,
    /// Rows of this operation.
    pub n_rows: usize,
    /// Tick of its last row.
    pub tick: u64,
}

/// Why an operation was not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The id was used for something else.
    #[error("operation id was used before for another request")]
    Reused,
    /// The segment changed since the client saw it.
    #[error("the segment was changed since it was shown")]
    Stale {
        /// Its version now.
        version: u64,
    },
    /// There is no such operation to undo or to bring back.
    #[error("nothing to undo or redo")]
    Nothing,
    /// No space left, or quota reached. Nothing was taken for written: ask again with the same id.
    #[error("no space left on the disk of the study")]
    Full,
    /// Another program holds the store. Nothing was written.
    #[error("another program holds the store")]
    Busy,
    /// It is not known whether the operation was written: ask again with the same id.
    #[error("the store could not be written: {0}")]
    Unknown(rusqlite::Error),
}

impl From<rusqlite::Error> for AppendError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => AppendError::Full,
            Some(ErrorCode::SystemIoFailure) if wanted_room() => AppendError::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => AppendError::Busy,
            _ => AppendError::Unknown(error),
        }
    }
}

/// True when what the operating system last refused on this thread is room. SQLite tells of a full disk, but calls a
/// quota that is reached, or a disk that is found full when it is synced, a failure like any other.
fn wanted_room() -> bool {
    is_no_room(&io::Error::last_os_error())
}

/// True for a disk that is full and for a quota that is reached.
pub fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Something that keeps operations: the journal, or in tests a journal with a planted fault.
pub trait Ledger: Send {
    /// Writes the operation and returns when it is on disk.
    ///
    /// # Errors
    /// See [`AppendError`].
    fn append(&mut self, operation: &Operation) -> Result<Receipt, AppendError>;
}

/// Writes the operation in one transaction; `written` says how many of its rows there are so far.
pub(super) fn append(
    connection: &mut Connection,
    operation: &Operation,
    written: &AtomicUsize,
) -> Result<Receipt, AppendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(receipt) = repeated(&transaction, operation)? {
        return Ok(receipt);
    }
    check(&transaction, operation)?;
    let (steps, target) = resolve(&transaction, operation)?;
    let mut head = Head::read(&transaction)?;
    for (i, step) in steps.iter().enumerate() {
        head.write(&transaction, operation, step, target.as_deref(), i)?;
        written.store(i + 1, Ordering::Relaxed);
    }
    head.save(&transaction)?;
    transaction.commit()?;
    Ok(Receipt { repeated: false, target, n_rows: steps.len(), tick: head.tick })
}

/// The receipt of the same operation, if it was written before.
fn repeated(connection: &Connection, operation: &Operation) -> Result<Option<Receipt>, AppendError> {
    let sql = "SELECT request, coder, target, count(*), max(tick) FROM decision WHERE batch = ?1 GROUP BY batch";
    let found = connection
        .prepare_cached(sql)?
        .query_row([&operation.id], |row| {
            let (request, coder): (String, String) = (row.get(0)?, row.get(1)?);
            let (n_rows, tick) = (row.get::<_, i64>(3)? as usize, row.get::<_, i64>(4)? as u64);
            Ok((request, coder, Receipt { repeated: true, target: row.get(2)?, n_rows, tick }))
        })
        .optional()?;
    match found {
        Some((request, coder, receipt)) if request == operation.request && coder == operation.coder => {
            Ok(Some(receipt))
        }
        Some(_) => Err(AppendError::Reused),
        None => Ok(None),
    }
}

fn check(connection: &Connection, operation: &Operation) -> Result<(), AppendError> {
    let Some(expect) = &operation.expect else { return Ok(()) };
    let version = version(connection, &expect.transcript, &expect.segment, Some(&operation.coder))?;
    if version == expect.version { Ok(()) } else { Err(AppendError::Stale { version }) }
}

/// The largest tick of any row that says something about the segment, undo and redo included; 0 when there is none.
pub(super) fn version(
    connection: &Connection,
    transcript: &str,
    segment: &str,
    coder: Option<&str>,
) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(
        "WITH own AS (SELECT batch, tick FROM decision \
           WHERE transcript = ?1 AND segment = ?2 AND (?3 IS NULL OR coder = ?3)) \
         SELECT coalesce(max(tick), 0) FROM ( \
           SELECT tick FROM own UNION ALL \
           SELECT d.tick FROM decision d WHERE d.target IN (SELECT batch FROM own))",
    )?;
    statement.query_row(params![transcript, segment, coder], |row| row.get::<_, i64>(0)).map(|tick| tick as u64)
}

/// The steps to write and the operation that they speak of.
fn resolve(connection: &Connection, operation: &Operation) -> Result<(Vec<Step>, Option<String>), AppendError> {
    let (action, target) = match &operation.what {
        What::Steps(steps) => return Ok((steps.clone(), None)),
        What::Undo(wanted) => (Action::Undo, undoable(connection, &operation.coder, wanted.as_deref())?),
        What::Redo(wanted) => (Action::Redo, redoable(connection, &operation.coder, wanted.as_deref())?),
    };
    let target = target.ok_or(AppendError::Nothing)?;
    Ok((vec![Step::new(nowhere(), action, Shown::Suggestion)], Some(target)))
}

/// `undo` and `redo` speak of an operation, not of a segment.
fn nowhere() -> SegmentRef {
    let empty = String::new;
    SegmentRef { transcript: empty(), turn: 0, start: 0, end: 0, hash: empty(), quote: empty() }
}

fn undoable(connection: &Connection, coder: &str, wanted: Option<&str>) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT batch FROM live WHERE coder = ?1 AND (?2 IS NULL OR batch = ?2) ORDER BY tick DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row(params![coder, wanted], |row| row.get(0)).optional()
}

/// Without a wish: the last undone operation, unless something new was decided after it was undone.
fn redoable(connection: &Connection, coder: &str, wanted: Option<&str>) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT target FROM decision u WHERE coder = ?1 AND action = 'undo' \
         AND (?2 = target OR (?2 IS NULL AND tick > (SELECT coalesce(max(tick), 0) FROM decision \
              WHERE coder = ?1 AND action NOT IN ('undo', 'redo')))) \
         AND NOT EXISTS (SELECT 1 FROM decision r WHERE r.target = u.target AND r.tick > u.tick) \
         ORDER BY tick DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row(params![coder, wanted], |row| row.get(0)).optional()
}

/// The end of the chain: count of rows, hash of the last row, largest tick.
pub(super) struct Head {
    pub(super) n_rows: u64,
    pub(super) hash: String,
    pub(super) tick: u64,
}

impl Head {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        connection.query_row("SELECT n_rows, hash, tick FROM head", [], |row| {
            Ok(Head { n_rows: row.get::<_, i64>(0)? as u64, hash: row.get(1)?, tick: row.get::<_, i64>(2)? as u64 })
        })
    }

    pub(super) fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "UPDATE head SET n_rows = ?1, hash = ?2, tick = ?3";
        connection.prepare_cached(sql)?.execute(params![self.n_rows as i64, self.hash, self.tick as i64])?;
        Ok(())
    }

    fn write(
        &mut self,
        connection: &Connection,
        operation: &Operation,
        step: &Step,
        target: Option<&str>,
        number: usize,
    ) -> rusqlite::Result<()> {
        let mut row = new_row(operation, step, target, number);
        (row.tick, row.prev_hash) = (self.tick + 1, std::mem::take(&mut self.hash));
        row.hash = row.expected_hash();
        row::insert(connection, &row)?;
        *self = Head { n_rows: self.n_rows + 1, hash: row.hash, tick: row.tick };
        Ok(())
    }
}

/// The row of a step, not yet chained.
fn new_row(operation: &Operation, step: &Step, target: Option<&str>, number: usize) -> Row {
    let op_id = if number == 0 { operation.id.clone() } else { format!("{}#{number}", operation.id) };
    let segment = step.segment.clone();
    Row {
        op_id,
        batch: operation.id.clone(),
        tick: 0,
        coder: operation.coder.clone(),
        time: clock::now(),
        run: operation.run.clone(),
        transcript: segment.transcript,
        turn: segment.turn,
        start: segment.start,
        end: segment.end,
        segment: segment.hash,
        quote: segment.quote,
        code: step.code.clone(),
        action: step.action,
        verdict: step.verdict,
        to_code: step.to_code.clone(),
        to_start: step.to_span.map(|span| span.0),
        to_end: step.to_span.map(|span| span.1),
        note: step.note.clone(),
        shown: step.shown,
        confidence: step.confidence,
        target: target.map(str::to_owned),
        request: operation.request.clone(),
        prev_hash: String::new(),
        hash: String::new(),
    }
}
