//! One plain sentence where figures of the same table disagree.
//!
//! Comes in: a two-coder table. Goes out: a sentence, or nothing when agreement, kappa and AC1 tell the same story.

use super::pair::{Table, cohen_kappa, percent, positive};
use super::{Undefined, many};

/// Kappa and AC1 that are further apart than this tell different stories.
const APART: f64 = 0.3;

/// Why the figures disagree, or why there is no kappa, in words for people who do not live in statistics.
///
/// ```
/// # use precode::agreement::{explain::explain, pair::Table};
/// let rare = Table { both: 2, first_only: 4, second_only: 3, neither: 91 };
/// let sentence = explain(rare).unwrap();
/// assert!(sentence.starts_with("The two agree on 93 % of 100 units, yet kappa is only 0.33 (AC1 0.92): the code is rare"));
/// ```
pub fn explain(table: Table) -> Option<String> {
    let n = table.n();
    let kappa = match cohen_kappa(table.counts()) {
        Ok(kappa) => kappa,
        Err(Undefined::NoVariation) => return Some(no_variation(table)),
        Err(_) => return None,
    };
    let agreed = percent(table.counts()).ok()?;
    let ac1 = many::gwet_ac1(&rows(table)).ok()?;
    if ac1 - kappa < APART {
        return None;
    }
    let base = table.base_rate().ok()?;
    let said = table.both + table.first_only + table.second_only;
    let not_said = table.neither + table.first_only + table.second_only;
    let (kind, meant, shared, either) = if base <= 0.5 {
        ("rare", "the code", table.both, said)
    } else {
        ("nearly everywhere", "its absence", table.neither, not_said)
    };
    let mut sentence = format!(
        "The two agree on {:.0} % of {n} units, yet kappa is only {kappa:.2} (AC1 {ac1:.2}): the code is {kind} \
         ({:.1} % of judgements), so that most of that agreement would come by chance; of the {either} units where \
         either of them saw {meant}, both did in {shared}.",
        100.0 * agreed,
        100.0 * base,
    );
    if let Some(bias) = bias(table) {
        sentence.push_str(&bias);
    } else if let Ok(positive) = positive(table) {
        sentence.push_str(&format!(" Positive agreement, {positive:.2}, says how far to trust the code itself."));
    }
    Some(sentence)
}

fn no_variation(table: Table) -> String {
    let what = if table.both > 0 { "has" } else { "lacks" };
    format!(
        "Both say of all {} units that each {what} the code, so kappa, pi and alpha have no meaning here; more units \
         are needed before agreement on this code can be judged.",
        table.n()
    )
}

/// Said when one coder uses the code at least twice as often as the other.
fn bias(table: Table) -> Option<String> {
    let first = table.both + table.first_only;
    let second = table.both + table.second_only;
    (first.max(second) >= 2 * first.min(second) && first.abs_diff(second) >= 5).then(|| {
        format!(" They also differ in habit: the first gave the code {first} times, the second {second} times.")
    })
}

/// A two-coder table as the rows that the statistics for many coders take.
pub fn rows(table: Table) -> [many::Row<2>; 3] {
    [([2, 0], table.both), ([1, 1], table.first_only + table.second_only), ([0, 2], table.neither)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_nothing_when_figures_agree() {
        assert_eq!(explain(Table { both: 45, first_only: 3, second_only: 2, neither: 50 }), None);
        assert_eq!(explain(Table::default()), None);
    }

    #[test]
    fn names_the_reason_when_there_is_no_kappa() {
        let sentence = explain(Table { neither: 12, ..Table::default() }).unwrap();
        assert!(sentence.starts_with("Both say of all 12 units that each lacks the code"), "{sentence}");
    }

    #[test]
    fn names_a_difference_in_habit() {
        let sentence = explain(Table { both: 2, first_only: 1, second_only: 12, neither: 185 }).unwrap();
        assert!(sentence.ends_with("the first gave the code 3 times, the second 14 times."), "{sentence}");
    }
}
