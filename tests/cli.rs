//! The program as a user types it: arguments, output, exit code, case by case in `tests/cmd`.
//!
//! After a wanted change, `TRYCMD=overwrite cargo test --test cli` writes the cases anew: read the difference.

#[test]
fn every_case_ends_as_written() {
    trycmd::TestCases::new().env("COLUMNS", "100").env("PRECODE_CACHE", "off").case("tests/cmd/*.toml");
}
