//! What the program asks of the operating system for itself: private files, no core dumps, signals, quiet panics.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Files are for this user alone, whatever the shell's umask; a crash writes no memory with transcripts to the disk;
/// a panic says where it was and never with which data.
pub fn harden() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // A kernel without it would only lose a second line of defence.
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
    std::panic::set_hook(Box::new(|panic| {
        use std::io::Write as _;
        let place = panic.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        let _ = writeln!(std::io::stderr(), "internal error{place}: this is a bug, please report it");
    }));
}

static SIGNAL: AtomicUsize = AtomicUsize::new(0);

/// How long a command may take to end by itself after a signal.
const GRACE: Duration = Duration::from_millis(1500);

/// The signal that asked the program to stop, once [`watch`] was called.
pub fn signal() -> Option<u8> {
    match SIGNAL.load(Ordering::SeqCst) {
        0 => None,
        number => Some(number as u8),
    }
}

/// From now on SIGINT and SIGTERM let the command end by itself. One that does not within [`GRACE`], or a second
/// signal, ends the program at once: that is as safe as a kill.
///
/// # Errors
/// When the system does not let signals be caught.
pub fn watch() -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for number in signals.forever() {
            if SIGNAL.swap(number as usize, Ordering::SeqCst) != 0 {
                std::process::exit(128 + number);
            }
            std::thread::spawn(move || {
                std::thread::sleep(GRACE);
                std::process::exit(128 + number);
            });
        }
    });
    Ok(())
}
