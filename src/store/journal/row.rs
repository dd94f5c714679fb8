//! One row of the journal, and the hash that chains it to the row before.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Declares an enum whose variants have one fixed word each, in JSON and in SQLite.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// The word that stands for it in the journal.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.word().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? {
                    $($word => Ok($name::$variant),)+
                    _ => Err(FromSqlError::InvalidType),
                }
            }
        }
    };
}

words! {
    /// What a person did.
    Action {
        /// The proposed code holds.
        Accept = "accept",
        /// The code does not hold.
        Reject = "reject",
        /// Another code holds instead (`to_code`).
        Change = "change",
        /// A code holds that was not proposed here.
        Add = "add",
        /// The code holds for other sentences (`to_start`, `to_end`).
        Span = "span",
        /// The coder cannot say.
        Unsure = "unsure",
        /// A remark on the segment (`note`); an empty one takes the remark back.
        Memo = "memo",
        /// The coder judged the segment for every code: what is not marked present is absent.
        Done = "done",
        /// Takes back everything of the operation `target`.
        Undo = "undo",
        /// Brings the operation `target` back.
        Redo = "redo",
        /// Settles a code of the segment for the study, after coders differed.
        Settle = "settle",
    }
}

words! {
    /// Whether a code holds for a segment.
    Verdict {
        /// It holds.
        Present = "present",
        /// It does not.
        Absent = "absent",
        /// The coder could not say.
        Unsure = "unsure",
    }
}

words! {
    /// What the coder saw when deciding.
    Shown {
        /// The machine's proposals, with confidence and evidence.
        Suggestion = "suggestion",
        /// The words only.
        Blind = "blind",
    }
}

/// One entry of the journal. Never changed after it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Unique among all rows of all copies of the study: the operation's id, `#` and a number for later steps of it.
    pub op_id: String,
    /// The id that the client made for the operation; all steps of a bulk action share it.
    pub batch: String,
    /// Order of events across copies: larger than every tick that this copy had seen.
    pub tick: u64,
    /// Who decided.
    pub coder: String,
    /// When, RFC 3339 in UTC. Nothing depends on it.
    pub time: String,
    /// The run whose texts the positions refer to.
    pub run: String,
    /// Name of the transcript.
    pub transcript: String,
    /// Place of the turn among all turns.
    pub turn: usize,
    /// First code point of the segment.
    pub start: usize,
    /// First code point after it.
    pub end: usize,
    /// What the segment is, wherever it stands: see [`super::carry::segment_hash`].
    pub segment: String,
    /// The words of the segment.
    pub quote: String,
    /// The code that is decided on; empty for `memo`, `done`, `undo`, `redo`.
    pub code: String,
    /// What was done.
    pub action: Action,
    /// What it says about `code`.
    pub verdict: Option<Verdict>,
    /// The code that holds instead, for `change`.
    pub to_code: Option<String>,
    /// First code point of the sentences that the code holds for, for `span`.
    pub to_start: Option<usize>,
    /// First code point after them.
    pub to_end: Option<usize>,
    /// Free words.
    pub note: Option<String>,
    /// What the coder saw.
    pub shown: Shown,
    /// The confidence that was shown for `code`, if any was.
    pub confidence: Option<f64>,
    /// The operation that `undo` and `redo` speak of.
    pub target: Option<String>,
    /// Digest of the request, so that a repeated request is told from a reused id.
    pub request: String,
    /// Hash of the row written before this one in the same copy; empty for the first.
    pub prev_hash: String,
    /// SHA-256 over all of the above.
    pub hash: String,
}

impl Row {
    /// The hash that this row should carry.
    pub fn expected_hash(&self) -> String {
        let mut hasher = Sha256::new();
        for field in self.fields() {
            // Length first: no two different rows give the same bytes.
            hasher.update((field.len() as u64).to_le_bytes());
            hasher.update(field.as_bytes());
        }
        hex(&hasher.finalize())
    }

    /// Every field but the hash, as words; an absent value differs from an empty one.
    fn fields(&self) -> [String; 24] {
        [
            self.op_id.clone(),
            self.batch.clone(),
            self.tick.to_string(),
            self.coder.clone(),
            self.time.clone(),
            self.run.clone(),
            self.transcript.clone(),
            self.turn.to_string(),
            self.start.to_string(),
            self.end.to_string(),
            self.segment.clone(),
            self.quote.clone(),
            self.code.clone(),
            self.action.word().to_owned(),
            optional(self.verdict.map(Verdict::word)),
            optional(self.to_code.as_deref()),
            optional(self.to_start),
            optional(self.to_end),
            optional(self.note.as_deref()),
            self.shown.word().to_owned(),
            optional(self.confidence.map(f64::to_bits)),
            optional(self.target.as_deref()),
            self.request.clone(),
            self.prev_hash.clone(),
        ]
    }

    /// The sentences that the code holds for: those of `span`, else the segment.
    pub fn held_span(&self) -> (usize, usize) {
        match (self.to_start, self.to_end) {
            (Some(start), Some(end)) => (start, end),
            _ => (self.start, self.end),
        }
    }
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("={}", value.to_string()))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// SHA-256 of these bytes, in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Columns in the order of [`read`] and [`values`].
pub(super) const COLUMNS: &str = "op_id, batch, tick, coder, time, run, transcript, turn, start, \"end\", segment, \
     quote, code, action, verdict, to_code, to_start, to_end, note, shown, confidence, target, request, prev_hash, hash";

/// Reads a row whose columns are [`COLUMNS`].
pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        op_id: row.get(0)?,
        batch: row.get(1)?,
        tick: row.get::<_, i64>(2)? as u64,
        coder: row.get(3)?,
        time: row.get(4)?,
        run: row.get(5)?,
        transcript: row.get(6)?,
        turn: row.get::<_, i64>(7)? as usize,
        start: row.get::<_, i64>(8)? as usize,
        end: row.get::<_, i64>(9)? as usize,
        segment: row.get(10)?,
        quote: row.get(11)?,
        code: row.get(12)?,
        action: row.get(13)?,
        verdict: row.get(14)?,
        to_code: row.get(15)?,
        to_start: row.get::<_, Option<i64>>(16)?.map(|n| n as usize),
        to_end: row.get::<_, Option<i64>>(17)?.map(|n| n as usize),
        note: row.get(18)?,
        shown: row.get(19)?,
        confidence: row.get(20)?,
        target: row.get(21)?,
        request: row.get(22)?,
        prev_hash: row.get(23)?,
        hash: row.get(24)?,
    })
}

/// Writes a row at the end of the table.
pub(super) fn insert(connection: &rusqlite::Connection, row: &Row) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(&format!(
        "INSERT INTO decision ({COLUMNS}) \
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25)"
    ))?;
    statement.execute(rusqlite::params![
        row.op_id,
        row.batch,
        row.tick as i64,
        row.coder,
        row.time,
        row.run,
        row.transcript,
        row.turn as i64,
        row.start as i64,
        row.end as i64,
        row.segment,
        row.quote,
        row.code,
        row.action,
        row.verdict,
        row.to_code,
        row.to_start.map(|n| n as i64),
        row.to_end.map(|n| n as i64),
        row.note,
        row.shown,
        row.confidence,
        row.target,
        row.request,
        row.prev_hash,
        row.hash,
    ])?;
    Ok(())
}
