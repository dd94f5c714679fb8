//! The few distributions that the statistics need.
//!
//! Comes in: numbers. Goes out: probabilities, quantiles and exact bounds for shares. Never happens here: state.

/// An interval, usually of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Interval {
    /// True when the value lies between the bounds, both included.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Distance between the bounds.
    pub fn width(self) -> f64 {
        self.high - self.low
    }
}

/// Probability that a standard normal number is below `z`; exact to about 1e-15.
///
/// ```
/// # use precode::agreement::distribution::normal_below;
/// assert!((normal_below(1.959963984540054) - 0.975).abs() < 1e-12);
/// ```
pub fn normal_below(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

/// The complement of the error function: its series near 0, its continued fraction away from it.
fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    let square = x * x;
    if x < 2.5 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while f64::abs(term) > 1e-17 * f64::abs(sum) {
            n += 1.0;
            term *= -square / n;
            sum += term / (2.0 * n + 1.0);
        }
        return 1.0 - sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    let tail = (1..=60).rev().fold(x, |below, k| x + f64::from(k) / 2.0 / below);
    (-square).exp() / (tail * std::f64::consts::PI.sqrt())
}

/// The number that a standard normal one is below with probability `p`, for `p` in (0, 1).
/// Acklam's rational approximation, then one step of Halley's method with [`normal_below`].
pub fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let rough = rough_quantile(p);
    let error = (normal_below(rough) - p) * (2.0 * std::f64::consts::PI).sqrt() * (rough * rough / 2.0).exp();
    rough - error / (1.0 + rough * error / 2.0)
}

fn rough_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.383_577_518_672_69e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] =
        [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];
    let horner = |terms: &[f64], x: f64| terms.iter().fold(0.0, |sum, term| sum * x + term);
    if p > 0.5 {
        return -rough_quantile(1.0 - p);
    }
    if p < 0.02425 {
        let q = (-2.0 * p.ln()).sqrt();
        return horner(&C, q) / (horner(&D, q) * q + 1.0);
    }
    let q = p - 0.5;
    let r = q * q;
    horner(&A, r) * q / (horner(&B, r) * r + 1.0)
}

/// Natural logarithm of the gamma function for `x > 0` (Lanczos, g = 7, n = 9).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.5203681218851,
        -1259.1392167224028,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507343278686905,
        -0.13857109526572012,
        9.984_369_578_019_572e-6,
        1.5056327351493116e-7,
    ];
    let x = x - 1.0;
    let sum = TERMS.iter().enumerate().skip(1).fold(TERMS[0], |sum, (i, term)| sum + term / (x + i as f64));
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// The regularised incomplete beta function Iₓ(a, b), by its continued fraction (Lentz).
///
/// ```
/// # use precode::agreement::distribution::beta_below;
/// assert!((beta_below(0.5, 2.0, 3.0) - 0.6875).abs() < 1e-12); // 11/16
/// ```
pub fn beta_below(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_below(1.0 - x, b, a);
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln();
    front.exp() * beta_fraction(x, a, b) / a
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let keep = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / keep(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / keep(1.0 + even * d);
        c = keep(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / keep(1.0 + odd * d);
        c = keep(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

/// The x with Iₓ(a, b) = p, by bisection.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if beta_below(middle, a, b) < p { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The exact interval for a share, `hits` of `n`: with probability `level` or more it holds the true one.
/// Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404. With `n = 0` it is all of 0..=1.
///
/// ```
/// # use precode::agreement::distribution::clopper_pearson;
/// let none_of_ten = clopper_pearson(0, 10, 0.95);
/// assert_eq!(none_of_ten.low, 0.0);
/// assert!((none_of_ten.high - (1.0 - 0.025f64.powf(0.1))).abs() < 1e-12); // 0.3085
/// ```
pub fn clopper_pearson(hits: usize, n: usize, level: f64) -> Interval {
    let tail = (1.0 - level) / 2.0;
    Interval { low: share_at_least(hits, n, tail), high: share_at_most(hits, n, tail) }
}

/// The one-sided lower bound that fails with probability `tail` at most.
pub fn share_at_least(hits: usize, n: usize, tail: f64) -> f64 {
    if hits == 0 || n == 0 { 0.0 } else { beta_quantile(tail, hits as f64, (n - hits) as f64 + 1.0) }
}

/// The one-sided upper bound that fails with probability `tail` at most.
pub fn share_at_most(hits: usize, n: usize, tail: f64) -> f64 {
    if n == 0 || hits >= n { 1.0 } else { beta_quantile(1.0 - tail, hits as f64 + 1.0, (n - hits) as f64) }
}

/// The number that Student's t with `freedom` degrees is below with probability `p`, by bisection.
///
/// ```
/// # use precode::agreement::distribution::student_quantile;
/// assert!((student_quantile(0.975, 14.0) - 2.1447866879).abs() < 1e-8);
/// ```
pub fn student_quantile(p: f64, freedom: f64) -> f64 {
    if p < 0.5 {
        return -student_quantile(1.0 - p, freedom);
    }
    let x = beta_quantile(2.0 * (1.0 - p), freedom / 2.0, 0.5);
    (freedom * (1.0 - x) / x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantile_undoes_normal_below() {
        for p in [1e-9, 0.001, 0.025, 0.2, 0.5, 0.77, 0.975, 0.9999] {
            assert!((normal_below(normal_quantile(p)) - p).abs() < 1e-13, "{p}");
        }
        assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-12);
    }

    #[test]
    fn clopper_pearson_is_as_published() {
        // scipy.stats.beta.ppf([0.025, 0.975], [7, 8], [34, 33])
        let bounds = clopper_pearson(7, 40, 0.95);
        assert!((bounds.low - 0.07338273).abs() < 1e-7 && (bounds.high - 0.32779013).abs() < 1e-7, "{bounds:?}");
    }
}
