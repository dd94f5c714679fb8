//! The `precode` program: hands the arguments to the command line and ends with its exit code.

/// The memory of a codebook is many small pieces, and those of a transcript come and go on every core. Huge pages are
/// left out (`no_thp`): they would hold more than twice the memory.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    precode::cli::main()
}
