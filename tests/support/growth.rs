//! Whether what costs time costs in step with its size.

/// Seconds that this thread spent at work: other programs on the machine do not count.
pub fn worked(work: impl FnOnce()) -> f64 {
    let clock = || {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        told.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).map(|ns| ns / 1e9)
    };
    let (began, first) = (std::time::Instant::now(), clock());
    work();
    first.zip(clock()).map_or(began.elapsed().as_secs_f64(), |(first, last)| last - first)
}

/// True when four times the size costs more than doubling it twice may: 2.5 times 2.5. `cost` says the seconds of a
/// size in bytes.
pub fn outgrows(bytes: usize, cost: impl Fn(usize) -> f64) -> bool {
    // The clock of a thread may stand still for 4 ms.
    let too_much = || cost(4 * bytes) > 2.5 * 2.5 * cost(bytes).max(0.012);
    // A busy machine may spoil one measurement, not three.
    (0..3).all(|_| too_much())
}
