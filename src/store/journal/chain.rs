//! Whether the rows of a copy are those that were written, and all of them.
//!
//! Comes in: every row, in the order in which this copy got it, and where the chain ends. Goes out: what is wrong. Never
//! happens here: a repair.

use super::append::Head;
use super::forget::Emptied;
use super::row::Row;
use std::collections::HashSet;

/// What the rows so far amount to. Copies that were merged make the chain a tree; its end is a row of this copy.
#[derive(Debug, Default)]
pub(super) struct Chain {
    emptied: Emptied,
    damage: Vec<String>,
    known: HashSet<String>,
    /// Rows whose forerunner has not come yet, with its hash.
    waiting: Vec<(i64, String)>,
    n_rows: u64,
    tick: u64,
}

impl Chain {
    /// No rows yet, of a copy in which these were emptied.
    pub(super) fn new(emptied: Emptied) -> Self {
        Chain { emptied, ..Chain::default() }
    }

    /// Takes the next row, with its number.
    pub(super) fn add(&mut self, seq: i64, row: rusqlite::Result<Row>) {
        self.n_rows += 1;
        let row = match row {
            Ok(row) => row,
            Err(error) => return self.damage.push(format!("row {seq} cannot be read: {error}")),
        };
        let is = row.expected_hash();
        if is != row.hash && self.emptied.get(&row.hash) != Some(&is) {
            self.damage.push(format!("row {seq} (operation {}) was changed after it was written", row.op_id));
        }
        if !self.knows(&row.prev_hash) {
            self.waiting.push((seq, row.prev_hash));
        }
        self.known.insert(row.hash);
        self.tick = self.tick.max(row.tick);
    }

    /// Before the first row there is nothing, which has no hash.
    fn knows(&self, hash: &str) -> bool {
        hash.is_empty() || self.known.contains(hash)
    }

    /// What is wrong, when the chain is to end so, and this was noted of its last row.
    pub(super) fn damage(mut self, head: &Head, noted: Option<(u64, String)>) -> Vec<String> {
        let mut damage = std::mem::take(&mut self.damage);
        let missing = self.waiting.iter().filter(|(_, hash)| !self.knows(hash));
        damage.extend(missing.map(|(seq, _)| format!("the row before row {seq} is missing")));
        let n_rows = self.n_rows;
        if head.n_rows != n_rows || !self.knows(&head.hash) {
            damage.push(format!("{n_rows} rows found, {} were written", head.n_rows));
        }
        if head.tick != self.tick {
            damage.push(format!("the rows go up to tick {}, the end of the chain to {}", self.tick, head.tick));
        }
        if let Some((n_noted, hash)) = noted
            && (n_noted > n_rows || !self.knows(&hash))
        {
            damage.push(super::shortened(n_noted, n_rows));
        }
        damage
    }
}
