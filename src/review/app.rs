//! The application behind the page: results, decisions and coders, without any HTTP.
//!
//! Comes in: a coder's name and a question or an operation. Goes out: JSON values or a [`Refusal`].
//! Operations run one after the other on one thread, which alone owns the ledger; questions run beside it.

use super::desk::Desk;
use super::passage::Passage;
use super::plan::Plan;
use super::queue::{Filter, Order, View, blind_stratum};
use super::refusal::Refusal;
use super::results::Results;
use crate::store::journal::append::Ledger;
use crate::store::journal::{Journal, JournalError};
use crate::store::layout::Study;
use crate::store::seen::{self, Seen};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc};
use std::thread::JoinHandle;
use thiserror::Error;

/// Transcripts and queues that are kept ready.
const KEPT: usize = 8;

/// Why the review could not begin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The study has no results, or they cannot be read.
    #[error("{0}; help: code the study first: precode code CORPUS --out STUDY")]
    Results(#[from] std::io::Error),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// SQLite failed.
    #[error("the journal cannot be read: {0}")]
    Sql(#[from] rusqlite::Error),
}

impl OpenError {
    /// True when the journal is not what it should be.
    pub fn is_damage(&self) -> bool {
        matches!(self, OpenError::Journal(JournalError::Damaged { .. } | JournalError::Newer { .. }))
    }
}

/// Everything that changes while people work.
pub struct State {
    /// The run that is shown.
    pub results: Arc<Results>,
    /// What is decided.
    pub desk: Desk,
    /// Who judges what.
    pub plan: Plan,
    /// Which segments are judged without proposals.
    pub blind: Vec<bool>,
    /// Changes whenever results or plan do, so that kept queues are not used beyond it.
    pub edition: u64,
}

impl State {
    /// What this coder may see.
    pub fn view<'a>(&'a self, coder: &'a str) -> View<'a> {
        let sheet = self.desk.sheet(coder);
        View { results: &self.results, plan: &self.plan, desk: &self.desk, blind: &self.blind, coder, sheet }
    }
}

/// How far the operation is that is being written.
#[derive(Debug, Default)]
pub(super) struct Underway {
    /// Rows that are written, or taken note of.
    pub done: Arc<AtomicUsize>,
    /// All of them; 0 when there is nothing to wait for.
    pub all: AtomicUsize,
}

impl Underway {
    /// Does something of this size.
    pub fn during<T>(&self, all: usize, work: impl FnOnce() -> T) -> T {
        self.done.store(0, Ordering::Relaxed);
        self.all.store(all, Ordering::Relaxed);
        let result = work();
        self.all.store(0, Ordering::Relaxed);
        result
    }
}

type Job = Box<dyn FnOnce(&mut dyn Ledger) + Send>;

/// Queues as made, the newest last.
type Queues = VecDeque<((u64, String), Arc<Vec<u32>>)>;

/// One study under review.
pub struct App {
    study: Study,
    state: RwLock<State>,
    readers: Mutex<Vec<Journal>>,
    settings: Mutex<Journal>,
    passages: Mutex<VecDeque<(u64, Arc<Passage>)>>,
    queues: Mutex<Queues>,
    seen: Mutex<Option<BTreeSet<Seen>>>,
    sampling: Mutex<()>,
    pub(super) underway: Underway,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    read_only: bool,
}

/// A lock that a panic left behind is used as it is: state is derived and the journal is the truth.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    /// Opens a study, which must have results. `plan` is told the plan in force and says which shall be.
    ///
    /// # Errors
    /// See [`OpenError`]; a damaged journal is refused.
    pub fn open(study: Study, plan: impl FnOnce(Plan) -> Plan) -> Result<Arc<Self>, OpenError> {
        let ledger = Journal::open(&study.journal())?;
        ledger.verify()?;
        let underway = Underway { done: ledger.written(), ..Underway::default() };
        Self::open_all(study, plan, Box::new(ledger), false, underway)
    }

    /// Opens a study whose journal is damaged: everything is shown, nothing is written.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_read_only(study: Study) -> Result<Arc<Self>, OpenError> {
        let ledger = Journal::open_read(&study.journal())?;
        Self::open_with(study, |plan| plan, Box::new(ledger), true)
    }

    /// Opens a study that keeps its operations in this ledger; its rows are read from the study's journal.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(
        study: Study,
        plan: impl FnOnce(Plan) -> Plan,
        ledger: Box<dyn Ledger>,
        read_only: bool,
    ) -> Result<Arc<Self>, OpenError> {
        Self::open_all(study, plan, ledger, read_only, Underway::default())
    }

    fn open_all(
        study: Study,
        plan: impl FnOnce(Plan) -> Plan,
        ledger: Box<dyn Ledger>,
        read_only: bool,
        underway: Underway,
    ) -> Result<Arc<Self>, OpenError> {
        let path = study.journal();
        let mut settings = if read_only { Journal::open_read(&path)? } else { Journal::open(&path)? };
        let before = stored_plan(&settings)?;
        let plan = plan(before.clone().unwrap_or_default());
        if !read_only && before.as_ref() != Some(&plan) {
            store_plan(&settings, &plan)?;
        }
        let results = Arc::new(load_results(&study, &mut settings, read_only)?);
        let desk = Desk::load(&results, &settings)?;
        let blind = blind_stratum(&results, &plan);
        let (jobs, writer) = start_writer(ledger);
        Ok(Arc::new(App {
            study,
            state: RwLock::new(State { results, desk, plan, blind, edition: 0 }),
            readers: Mutex::new(Vec::new()),
            settings: Mutex::new(settings),
            passages: Mutex::new(VecDeque::new()),
            queues: Mutex::new(VecDeque::new()),
            seen: Mutex::new(None),
            sampling: Mutex::new(()),
            underway,
            jobs: Mutex::new(Some(jobs)),
            writer: Mutex::new(Some(writer)),
            read_only,
        }))
    }

    /// True when nothing can be saved.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// The state, for reading.
    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, for the writer.
    pub(super) fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the journal something.
    pub(super) fn read<T>(&self, ask: impl FnOnce(&Journal) -> rusqlite::Result<T>) -> Result<T, Refusal> {
        let kept = locked(&self.readers).pop();
        let journal = match kept {
            Some(journal) => journal,
            None => Journal::open_read(&self.study.journal()).map_err(Refusal::unavailable)?,
        };
        let answer = ask(&journal)?;
        locked(&self.readers).push(journal);
        Ok(answer)
    }

    /// Runs a job on the writer's thread and waits for what it says.
    pub(super) fn write<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&App, &mut dyn Ledger) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let stopped = || Refusal::unavailable("the program is being stopped");
        if self.read_only {
            return Err(Refusal::unavailable("the journal is damaged: nothing can be saved"));
        }
        let (answer, wait) = mpsc::sync_channel(1);
        let app = Arc::clone(self);
        let run: Job = Box::new(move |ledger| {
            // When nobody waits any more the operation is saved all the same.
            let _ = answer.send(job(&app, ledger));
        });
        locked(&self.jobs).as_ref().ok_or_else(stopped)?.send(run).map_err(|_| stopped())?;
        wait.recv().map_err(|_| stopped())?
    }

    /// Lets the writer finish what it has, and ends it.
    pub fn close(&self) {
        locked(&self.jobs).take();
        if let Some(writer) = locked(&self.writer).take() {
            // Whether it panicked does not matter any more.
            let _ = writer.join();
        }
    }

    /// A transcript, kept ready.
    pub(super) fn passage(&self, results: &Results, edition: u64, name: &str) -> Result<Arc<Passage>, Refusal> {
        if let Some((_, kept)) = locked(&self.passages).iter().find(|(e, kept)| *e == edition && kept.name == name) {
            return Ok(Arc::clone(kept));
        }
        let number = results.transcript(name).ok_or_else(|| Refusal::not_found("transcript"))?;
        let passage = Arc::new(Passage::load(results, number)?);
        let mut kept = locked(&self.passages);
        kept.push_back((edition, Arc::clone(&passage)));
        while kept.len() > KEPT {
            kept.pop_front();
        }
        Ok(passage)
    }

    /// The coder's queue in this order, but for the state, which changes with every decision; kept ready.
    pub(super) fn queue(&self, view: &View<'_>, edition: u64, filter: &Filter, order: Order) -> Arc<Vec<u32>> {
        let stateless = Filter { state: super::queue::State::All, ..filter.clone() };
        let words = serde_json::to_string(&(view.coder, order, &stateless)).unwrap_or_default();
        let key = (edition, words);
        if let Some((_, kept)) = locked(&self.queues).iter().find(|(kept, _)| *kept == key) {
            return Arc::clone(kept);
        }
        let queue = Arc::new(view.segments(&stateless, order));
        let mut kept = locked(&self.queues);
        kept.push_back((key, Arc::clone(&queue)));
        while kept.len() > KEPT {
            kept.pop_front();
        }
        queue
    }

    /// Notes answers as seen under this codebook before any of their proposals leaves the server: when the codebook is
    /// changed later, no figure on them passes for validation; when they are drawn for blind judgement later, what this
    /// coder says about them is not blind.
    pub(super) fn note_shown(
        &self,
        view: &View<'_>,
        segments: impl IntoIterator<Item = usize>,
    ) -> Result<(), Refusal> {
        let results = view.results;
        let line = |i: usize| {
            let segment = &results.segments[i];
            Seen {
                transcript: results.name_of(segment).to_owned(),
                turn: segment.turn as usize,
                codebook: results.lexicon.clone(),
                by: "review".to_owned(),
                // A blind segment uncovers its proposals when it is judged: the other segments of the answer stay blind.
                coder: (!view.is_uncovered(i)).then(|| view.coder.to_owned()),
            }
        };
        self.with_seen(|known| {
            let mut new: BTreeSet<Seen> =
                segments.into_iter().map(line).filter(|line| !known.contains(line)).collect();
            match seen::add(&self.study, &new) {
                // What is shown for reading alone may lie where nothing can be written.
                Err(error) if !self.read_only => return Err(error.into()),
                _ => known.append(&mut new),
            }
            Ok(())
        })
    }

    /// True when the coder ever had a proposal of this answer in sight while it was not blind.
    pub(super) fn was_shown(&self, coder: &str, transcript: &str, turn: usize) -> Result<bool, Refusal> {
        self.with_seen(|known| Ok(seen::by_coder(known, coder, transcript, turn)))
    }

    /// What was seen, read once.
    fn with_seen<T>(&self, ask: impl FnOnce(&mut BTreeSet<Seen>) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut kept = locked(&self.seen);
        let known = match kept.take() {
            Some(known) => kept.insert(known),
            None => kept.insert(seen::read(&self.study)?),
        };
        ask(known)
    }

    /// True when `precode code` has published other results.
    pub fn has_new_results(&self) -> bool {
        self.state().results.is_outdated(&self.study)
    }

    /// Shows the results that are published now.
    ///
    /// # Errors
    /// When they cannot be read; the old ones stay.
    pub fn reload(self: &Arc<Self>) -> Result<(), Refusal> {
        let results = Arc::new(load_results(&self.study, &mut locked(&self.settings), self.read_only)?);
        if self.read_only {
            return self.adopt(results);
        }
        // On the writer's thread: a decision written while the journal is read would be missing on the desk.
        self.write(move |app, _| app.adopt(results))
    }

    fn adopt(&self, results: Arc<Results>) -> Result<(), Refusal> {
        let desk = self.read(|journal| Desk::load(&results, journal))?;
        let mut state = self.state_mut();
        state.blind = blind_stratum(&results, &state.plan);
        (state.results, state.desk, state.edition) = (results, desk, state.edition + 1);
        Ok(())
    }

    /// Takes up answers that `precode triage --sample-unseen` has drawn since the results were read. They belong to the
    /// same run: nobody has to be asked.
    ///
    /// # Errors
    /// When they cannot be read; the old ones stay.
    pub(super) fn take_up_sample(self: &Arc<Self>) -> Result<(), Refusal> {
        let is_due = || {
            let results = Arc::clone(&self.state().results);
            results.has_new_sample(&self.study) && !results.is_outdated(&self.study)
        };
        if !is_due() {
            return Ok(());
        }
        // One page reads them; the others wait and find them there.
        let _one = locked(&self.sampling);
        if is_due() { self.reload() } else { Ok(()) }
    }

    /// Adds a coder to the plan.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn enrol(&self, coder: &str) -> Result<(), Refusal> {
        // Settings before state, here and everywhere.
        let settings = locked(&self.settings);
        let mut state = self.state_mut();
        if state.plan.coders.iter().chain(&state.plan.adjudicators).any(|known| known == coder) {
            return Ok(());
        }
        let mut plan = state.plan.clone();
        plan.coders.push(coder.to_owned());
        if !self.read_only {
            store_plan(&settings, &plan)?;
        }
        (state.plan, state.edition) = (plan, state.edition + 1);
        Ok(())
    }
}

fn stored_plan(journal: &Journal) -> rusqlite::Result<Option<Plan>> {
    // A plan that this program cannot read was written by another version: the defaults stand in for it.
    Ok(journal.plan()?.and_then(|body| serde_json::from_str(&body).ok()))
}

fn store_plan(journal: &Journal, plan: &Plan) -> rusqlite::Result<()> {
    journal.set_plan(&serde_json::to_string(plan).unwrap_or_default())
}

fn load_results(study: &Study, settings: &mut Journal, read_only: bool) -> std::io::Result<Results> {
    let rules = settings.rules().map_err(std::io::Error::other)?;
    let mut results = Results::load(study, &rules)?;
    let new = std::mem::take(&mut results.new_rules);
    if !read_only && !new.is_empty() {
        let generation = rules.values().max().map_or(0, |newest| newest + 1);
        settings.add_rules(&new, generation).map_err(std::io::Error::other)?;
    }
    Ok(results)
}

fn start_writer(mut ledger: Box<dyn Ledger>) -> (mpsc::Sender<Job>, JoinHandle<()>) {
    let (jobs, todo) = mpsc::channel::<Job>();
    let run = move || {
        for job in todo {
            job(ledger.as_mut());
        }
    };
    (jobs, std::thread::spawn(run))
}
