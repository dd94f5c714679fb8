//! The statistics by name, with formula and source, as one table.
//!
//! Comes in: nothing. Goes out: what a methods section says of a figure.

use serde::Serialize;

/// A figure that `precode agree` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// See [`ALL`].
    Percent,
    /// See [`ALL`].
    Positive,
    /// See [`ALL`].
    Negative,
    /// See [`ALL`].
    CohenKappa,
    /// See [`ALL`].
    PooledKappa,
    /// See [`ALL`].
    MeanKappa,
    /// See [`ALL`].
    ScottPi,
    /// See [`ALL`].
    FleissKappa,
    /// See [`ALL`].
    Alpha,
    /// See [`ALL`].
    Ac1,
    /// See [`ALL`].
    Pabak,
    /// See [`ALL`].
    Rho,
    /// See [`ALL`].
    Precision,
    /// See [`ALL`].
    Recall,
    /// See [`ALL`].
    F1,
    /// See [`ALL`].
    AlphaU,
    /// See [`ALL`].
    UAlpha,
    /// See [`ALL`].
    UAlphaBinary,
    /// See [`ALL`].
    CuAlpha,
}

/// Name, formula and source of one statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Which one.
    pub statistic: Statistic,
    /// As in a paper.
    pub name: &'static str,
    /// As short as it can be said.
    pub formula: &'static str,
    /// Who said so.
    pub source: &'static str,
}

const fn described(
    statistic: Statistic,
    name: &'static str,
    formula: &'static str,
    source: &'static str,
) -> Described {
    Described { statistic, name, formula, source }
}

/// Every statistic, in the order in which they are shown.
pub const ALL: [Described; 19] = [
    described(Statistic::Percent, "percent agreement", "p_o = agreed / units", "-"),
    described(
        Statistic::Positive,
        "positive agreement",
        "2 both / (yes of A + yes of B)",
        "Cicchetti & Feinstein 1990",
    ),
    described(
        Statistic::Negative,
        "negative agreement",
        "2 neither / (no of A + no of B)",
        "Cicchetti & Feinstein 1990",
    ),
    described(
        Statistic::CohenKappa,
        "Cohen's kappa",
        "(p_o - p_e) / (1 - p_e), p_e from each coder's margins",
        "Cohen 1960",
    ),
    described(
        Statistic::PooledKappa,
        "pooled kappa",
        "kappa of the codes' mean p_o and mean p_e",
        "De Vries, Elliott, Kanouse & Teleki 2008",
    ),
    described(Statistic::MeanKappa, "mean kappa", "mean of the codes' kappas, of those that have one", "-"),
    described(Statistic::ScottPi, "Scott's pi", "(p_o - p_e) / (1 - p_e), p_e from the mean margins", "Scott 1955"),
    described(
        Statistic::FleissKappa,
        "Fleiss' kappa",
        "(P - P_e) / (1 - P_e), any number of coders, none missing",
        "Fleiss 1971",
    ),
    described(
        Statistic::Alpha,
        "Krippendorff's alpha (nominal)",
        "1 - D_o / D_e over pairable judgements, missing ones allowed",
        "Krippendorff 2011, 2019",
    ),
    described(
        Statistic::Ac1,
        "Gwet's AC1",
        "(p_a - p_e) / (1 - p_e), p_e = sum pi(1 - pi) / (K - 1)",
        "Gwet 2008, 2014",
    ),
    described(Statistic::Pabak, "PABAK", "2 p_o - 1", "Byrt, Bishop & Carlin 1993"),
    described(
        Statistic::Rho,
        "Shaffer's rho",
        "share of coder pairs below the threshold whose test set shows this kappa or more",
        "Shaffer 2017; Eagan et al. 2020",
    ),
    described(Statistic::Precision, "precision", "both / yes of the coder, against the reference", "-"),
    described(Statistic::Recall, "recall", "both / yes of the reference", "-"),
    described(Statistic::F1, "F1", "harmonic mean of precision and recall", "-"),
    described(
        Statistic::AlphaU,
        "Krippendorff's alpha_U (2004)",
        "1 - D_o / D_e of squared distances between passages",
        "Krippendorff 1995, 2004",
    ),
    described(
        Statistic::UAlpha,
        "u-alpha",
        "1 - D_o / D_e over lengths of intersections, codes and boundaries",
        "Krippendorff, Mathet, Bouvry & Widlöcher 2016",
    ),
    described(
        Statistic::UAlphaBinary,
        "|u-alpha",
        "u-alpha of marked against unmarked text",
        "Krippendorff, Mathet, Bouvry & Widlöcher 2016",
    ),
    described(
        Statistic::CuAlpha,
        "cu-alpha",
        "u-alpha of the codes where both coders marked",
        "Krippendorff, Mathet, Bouvry & Widlöcher 2016",
    ),
];

impl Statistic {
    /// The least value that it can have, if there is one; the largest of each is 1.
    pub fn least(self) -> f64 {
        use Statistic::{AlphaU, CuAlpha, F1, Negative, Percent, Positive, Precision, Recall, UAlpha, UAlphaBinary};
        match self {
            Percent | Positive | Negative | Precision | Recall | F1 => 0.0,
            AlphaU | UAlpha | UAlphaBinary | CuAlpha => f64::NEG_INFINITY,
            _ => -1.0,
        }
    }

    /// Its line in [`ALL`].
    pub fn described(self) -> Described {
        ALL[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statistic_stands_at_its_place() {
        ALL.iter().enumerate().for_each(|(i, line)| assert_eq!(line.statistic as usize, i, "{}", line.name));
    }
}
