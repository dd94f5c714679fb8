//! Work on many files at once, results in the order of the files, memory bounded by what is under way.
//!
//! Comes in: a number of jobs with their sizes. Goes out: one result after another, in order, to one taker.
//! Never happens here: an order that depends on the threads, or a queue that grows with the corpus.

use std::any::Any;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Worker threads, at least one.
    pub threads: usize,
    /// Bytes of input claimed and not yet taken; one job alone may be larger.
    pub bytes: u64,
}

/// Bytes of a job that is done while its taker waits, where it is the only one: a thread for it would cost more.
const SMALL: u64 = 1 << 20;

/// The result of one job, or what it panicked with.
pub type Outcome<T> = Result<T, Box<dyn Any + Send>>;

/// Runs jobs `0..n`, of `size` bytes each, on worker threads and hands their results to `take` in order, on the calling thread.
///
/// Each worker makes its own state with `start`, and a new one after a panic. `take` is also called with `None`
/// several times a second while it waits, so that it can stop the work; its first error ends everything. One small job
/// alone is done on the calling thread, and so are all where the system gives no threads.
///
/// # Errors
/// What `take` returned.
pub fn run<S, T: Send, E>(
    n: usize,
    size: impl Fn(usize) -> u64 + Sync,
    bounds: Bounds,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> T + Sync,
    mut take: impl FnMut(Option<(usize, Outcome<T>)>) -> Result<(), E>,
) -> Result<(), E> {
    if n == 1 && size(0) <= SMALL {
        return in_turn(n, start, work, take);
    }
    let n_workers = bounds.threads.clamp(1, n.max(1));
    let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(n_workers).build() else {
        return in_turn(n, start, work, take);
    };
    let line = Line::new(n, &size, bounds);
    // Each worker holds a thread of the pool until all is done: none is left that would wait for a thread.
    pool.in_place_scope(|scope| {
        (0..n_workers).for_each(|_| scope.spawn(|_| line.serve(&start, &work)));
        let result = line.collect(&mut take);
        line.stop();
        result
    })
}

/// Does the jobs on the calling thread: where there is one, and where the system gives no others.
fn in_turn<S, T, E>(
    n: usize,
    start: impl Fn() -> S,
    work: impl Fn(&mut S, usize) -> T,
    mut take: impl FnMut(Option<(usize, Outcome<T>)>) -> Result<(), E>,
) -> Result<(), E> {
    // The work ends with these jobs: to take the state apart would only make it wait.
    let mut own = ManuallyDrop::new(None);
    (0..n).try_for_each(|job| {
        let outcome = attempt(&mut own, &start, &work, job);
        take(None)?;
        take(Some((job, outcome)))
    })
}

/// Does a job; the state is made anew after a panic.
fn attempt<S, T>(
    own: &mut Option<S>,
    start: &impl Fn() -> S,
    work: &impl Fn(&mut S, usize) -> T,
    job: usize,
) -> Outcome<T> {
    let outcome = catch_unwind(AssertUnwindSafe(|| work(own.get_or_insert_with(start), job)));
    if outcome.is_err() {
        *own = None;
    }
    outcome
}

struct Line<'a, T> {
    n: usize,
    size: &'a (dyn Fn(usize) -> u64 + Sync),
    bounds: Bounds,
    state: Mutex<State<T>>,
    /// There may be room for another job.
    room: Condvar,
    /// The result that is waited for may be there.
    arrival: Condvar,
}

struct State<T> {
    next: usize,
    under_way: usize,
    bytes: u64,
    done: BTreeMap<usize, Outcome<T>>,
    /// The job whose result is taken next.
    wanted: usize,
    /// Somebody waits for that result.
    listening: bool,
    /// Workers that wait for room.
    idle: usize,
    stopped: bool,
}

impl<'a, T: Send> Line<'a, T> {
    fn new(n: usize, size: &'a (dyn Fn(usize) -> u64 + Sync), bounds: Bounds) -> Self {
        let state = State {
            next: 0,
            under_way: 0,
            bytes: 0,
            done: BTreeMap::new(),
            wanted: 0,
            listening: false,
            idle: 0,
            stopped: false,
        };
        Line { n, size, bounds, state: Mutex::new(state), room: Condvar::new(), arrival: Condvar::new() }
    }

    /// A panic never happens while the state is held, so that a poisoned lock still guards a whole state.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve<S>(&self, start: &impl Fn() -> S, work: &impl Fn(&mut S, usize) -> T) {
        let mut own = None;
        let mut next = self.claim(self.state());
        while let Some(job) = next {
            let outcome = attempt(&mut own, start, work, job);
            let mut state = self.state();
            state.done.insert(job, outcome);
            next = self.claim(state);
        }
    }

    /// The next job, as soon as there is room for it. Results that wait are told before this worker waits or goes.
    fn claim(&self, mut state: MutexGuard<'_, State<T>>) -> Option<usize> {
        while !state.stopped && state.next < self.n {
            if self.has_room(&state) {
                let enough = state.done.len() >= self.places() / 2;
                self.tell(&mut state, enough);
                return Some(self.begin(&mut state));
            }
            self.tell(&mut state, true);
            state.idle += 1;
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        self.tell(&mut state, true);
        None
    }

    /// Wakes the taker if the result that it waits for is there and enough others are: small results are handed over in
    /// larger pieces, as every waking costs as much as coding a page.
    fn tell(&self, state: &mut State<T>, enough: bool) {
        if enough && state.listening && state.done.contains_key(&state.wanted) {
            state.listening = false;
            self.arrival.notify_one();
        }
    }

    fn begin(&self, state: &mut State<T>) -> usize {
        let job = state.next;
        state.next += 1;
        state.under_way += 1;
        state.bytes += (self.size)(job);
        job
    }

    /// Most jobs under way.
    fn places(&self) -> usize {
        self.bounds.threads.max(1) * 8
    }

    fn has_room(&self, state: &State<T>) -> bool {
        let few = state.under_way < self.places();
        let small = state.bytes + (self.size)(state.next) <= self.bounds.bytes;
        state.under_way == 0 || (few && small)
    }

    fn collect<E>(&self, take: &mut impl FnMut(Option<(usize, Outcome<T>)>) -> Result<(), E>) -> Result<(), E> {
        for job in 0..self.n {
            let outcome = loop {
                if let Some(outcome) = self.arrived(job) {
                    break outcome;
                }
                take(None)?;
            };
            take(Some((job, outcome)))?;
            self.release(job);
        }
        Ok(())
    }

    /// Waits a moment for this job's result.
    fn arrived(&self, job: usize) -> Option<Outcome<T>> {
        let mut state = self.state();
        state.wanted = job;
        if !state.done.contains_key(&job) {
            state.listening = true;
            let waited = self.arrival.wait_timeout(state, Duration::from_millis(100));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.listening = false;
        }
        state.done.remove(&job)
    }

    fn release(&self, job: usize) {
        let mut state = self.state();
        state.under_way -= 1;
        state.bytes -= (self.size)(job);
        let idle = state.idle > 0;
        drop(state);
        if idle {
            self.room.notify_all();
        }
    }

    fn stop(&self) {
        self.state().stopped = true;
        self.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 7] {
            let mut seen = Vec::new();
            let work = |_: &mut (), i: usize| {
                std::thread::sleep(Duration::from_micros((i as u64 * 7919) % 300));
                i * i
            };
            let Ok(()) = run(
                100,
                |_| 1,
                Bounds { threads, bytes: 5 },
                || (),
                work,
                |got| {
                    seen.extend(got.map(|(_, outcome)| outcome.unwrap()));
                    Ok::<(), Infallible>(())
                },
            );
            assert_eq!(seen, (0..100).map(|i| i * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_under_way_stays_within_the_bytes() {
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = |_: &mut (), _| {
            most.fetch_max(now.fetch_add(10, Ordering::SeqCst) + 10, Ordering::SeqCst);
            std::thread::sleep(Duration::from_micros(100));
        };
        let Ok(()) = run(
            60,
            |_| 10,
            Bounds { threads: 8, bytes: 30 },
            || (),
            work,
            |got| {
                if got.is_some() {
                    now.fetch_sub(10, Ordering::SeqCst);
                }
                Ok::<(), Infallible>(())
            },
        );
        assert!(most.into_inner() <= 30);
    }

    #[test]
    fn a_panic_is_the_outcome_of_its_job_alone() {
        let work = |state: &mut usize, i: usize| {
            *state += 1;
            assert!(i != 3, "job three");
            i
        };
        let mut failed = Vec::new();
        let Ok(()) = run(
            6,
            |_| 1,
            Bounds { threads: 2, bytes: 9 },
            || 0,
            work,
            |got| {
                failed.extend(got.and_then(|(i, outcome)| outcome.is_err().then_some(i)));
                Ok::<(), Infallible>(())
            },
        );
        assert_eq!(failed, [3]);
    }

    #[test]
    fn one_small_job_needs_no_thread() {
        let here = std::thread::current().id();
        for (n, bytes, own) in [(1, SMALL, true), (1, SMALL + 1, false), (2, 1, false)] {
            let work = |_: &mut (), i: usize| (i, std::thread::current().id() == here);
            let mut seen = Vec::new();
            let bounds = Bounds { threads: 2, bytes: SMALL };
            let Ok(()) = run(
                n,
                |_| bytes,
                bounds,
                || (),
                work,
                |got| {
                    seen.extend(got.map(|(_, outcome)| outcome.unwrap()));
                    Ok::<(), Infallible>(())
                },
            );
            assert_eq!(seen, (0..n).map(|i| (i, own)).collect::<Vec<_>>());
        }
        let panics = |got: Option<(usize, Outcome<()>)>| got.map_or(Ok(()), |(_, outcome)| outcome.map_err(drop));
        assert_eq!(run(1, |_| 1, Bounds { threads: 2, bytes: 9 }, || (), |_, _| panic!("alone"), panics), Err(()));
    }

    #[test]
    fn an_error_of_the_taker_ends_the_work() {
        let result = run(
            1000,
            |_| 1,
            Bounds { threads: 2, bytes: 4 },
            || (),
            |_, i| i,
            |got| match got {
                Some((5, _)) => Err("enough"),
                _ => Ok(()),
            },
        );
        assert_eq!(result, Err("enough"));
    }
}
