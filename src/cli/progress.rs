//! The bar that shows how far a run is; silent when the standard error is no terminal.

use super::process;
use crate::store::corpus::Corpus;
use crate::store::run::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bar over the bytes of the corpus.
pub struct Progress {
    bar: ProgressBar,
    n_files: usize,
    files: AtomicUsize,
    codings: AtomicUsize,
}

impl Progress {
    /// A bar at its beginning.
    pub fn new(corpus: &Corpus, quiet: bool) -> Self {
        let bytes = corpus.inputs.sizes().sum();
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(bytes), target);
        let template = "coding {bar:24} {percent:>3} %  {bytes_per_sec}  {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress { bar, n_files: corpus.inputs.len(), files: AtomicUsize::new(0), codings: AtomicUsize::new(0) }
    }
}

impl Watch for Progress {
    fn coded(&self, bytes: u64, codings: usize) {
        let files = self.files.fetch_add(1, Ordering::Relaxed) + 1;
        let codings = self.codings.fetch_add(codings, Ordering::Relaxed) + codings;
        self.bar.set_message(format!("{files} of {} files, {codings} codings", self.n_files));
        self.bar.inc(bytes);
        if files == self.n_files {
            self.bar.finish_and_clear();
        }
    }

    fn is_stopped(&self) -> bool {
        process::signal().is_some()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
