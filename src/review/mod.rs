//! The review: people check the proposals in a browser, and nothing that they decide is lost.
//!
//! Comes in: a study folder as `precode code` publishes it. Goes out: rows in the journal.
//! Never happens here: an outgoing connection, a change of results, a reply that says "saved" before it is on disk,
//! a proposal in any answer about a segment that the coder has to judge blind.
//!
//! ```text
//! request ─guard→ who? from where? ─api→ question ─item, queue, adjudication→ JSON
//!                                      └ operation ─decide→ one writer thread ─Ledger→ study.sqlite ─→ desk
//! ```
//!
//! | file | holds |
//! | --- | --- |
//! | `results.rs` | one run, indexed |
//! | `plan.rs` | who judges what, and what blind |
//! | `desk.rs` | what is decided, one byte each |
//! | `queue.rs` | filters and orders |
//! | `item.rs`, `adjudication.rs` | what a coder may see |
//! | `decide.rs` | from a request to an operation |
//! | `guard.rs`, `key.rs` | who may talk to the server |
//! | `head.rs` | headers of every reply |
//! | `assets/` | the page |

pub mod adjudication;
pub mod api;
pub mod app;
pub mod assets;
pub mod decide;
pub mod desk;
pub mod guard;
pub mod head;
pub mod item;
pub mod key;
pub mod passage;
pub mod plan;
pub mod queue;
pub mod refusal;
pub mod results;
pub mod server;
