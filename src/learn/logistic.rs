//! Regularised logistic regression: each weight has its own prior.
//!
//! Comes in: sparse examples, and for each weight the value to shrink towards and how strongly. Goes out: the weights
//! of the one minimum. Never happens here: randomness, threads.
//!
//! Own code and no crate: the crates at hand (linfa-logistic, smartcore) shrink every weight equally and towards 0.
//! Here a weight is shrunk towards what it replaces (slope 1 on the shipped log-odds), rules more than codes; with
//! few decisions the fit then *is* the shipped confidence. The objective is strictly convex, so Newton's method with
//! conjugate gradients reaches its one minimum; a test holds it to a gradient below 1e-8.

/// One example: places of its features with their values, an offset that has no weight, and what is true.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Features that are not 0.
    pub features: Vec<(usize, f64)>,
    /// Added to the log-odds as it is.
    pub offset: f64,
    /// What is true.
    pub holds: bool,
}

/// What a weight is drawn to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// The value without any data.
    pub mean: f64,
    /// Standard deviation around it: small is strong.
    pub spread: f64,
}

/// 1 / (1 + e^−x), without overflow.
///
/// ```
/// # use precode::learn::logistic::sigmoid;
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert_eq!(sigmoid(-1000.0), 0.0);
/// ```
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// ln(1 + eˣ), without overflow.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The most likely weights under their priors.
///
/// Minimises −Σ ln P(holds | features) + Σ (w − mean)² / 2 spread² by Newton's method, each step by conjugate
/// gradients, halved while it does not descend.
pub fn fit(cases: &[Case], priors: &[Prior]) -> Vec<f64> {
    fit_from(cases, priors, priors.iter().map(|prior| prior.mean).collect(), EXACT)
}

/// Length of the gradient at which weights are exact for every purpose.
pub const EXACT: f64 = 1e-9;

/// As [`fit`], from weights that may be near already, until the gradient is as short as this.
pub fn fit_from(cases: &[Case], priors: &[Prior], start: Vec<f64>, enough: f64) -> Vec<f64> {
    const STEPS: usize = 100;
    let problem = Problem { cases, priors };
    let mut weights = start;
    let mut loss = problem.loss(&weights);
    for _ in 0..STEPS {
        let (gradient, curvature) = problem.gradient(&weights);
        if norm(&gradient) < enough {
            break;
        }
        let step = problem.newton(&gradient, &curvature);
        let Some((next, lower)) = problem.descend(&weights, &step, loss) else { break };
        (weights, loss) = (next, lower);
    }
    weights
}

/// The log-odds of a case.
pub fn log_odds(case: &Case, weights: &[f64]) -> f64 {
    case.offset + case.features.iter().map(|&(j, x)| weights[j] * x).sum::<f64>()
}

/// The length of the gradient at these weights: 0 at the minimum.
pub fn gradient_norm(cases: &[Case], priors: &[Prior], weights: &[f64]) -> f64 {
    norm(&Problem { cases, priors }.gradient(weights).0)
}

struct Problem<'a> {
    cases: &'a [Case],
    priors: &'a [Prior],
}

impl Problem<'_> {
    fn loss(&self, weights: &[f64]) -> f64 {
        let misfit = |case: &Case| {
            let z = log_odds(case, weights);
            if case.holds { softplus(-z) } else { softplus(z) }
        };
        let strain = |(w, prior): (&f64, &Prior)| ((w - prior.mean) / prior.spread).powi(2) / 2.0;
        self.cases.iter().map(misfit).sum::<f64>() + weights.iter().zip(self.priors).map(strain).sum::<f64>()
    }

    /// The gradient, and p(1 − p) of every case.
    fn gradient(&self, weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let pull = |(w, prior): (&f64, &Prior)| (w - prior.mean) / (prior.spread * prior.spread);
        let mut gradient: Vec<f64> = weights.iter().zip(self.priors).map(pull).collect();
        let mut curvature = Vec::with_capacity(self.cases.len());
        for case in self.cases {
            let p = sigmoid(log_odds(case, weights));
            let error = p - f64::from(u8::from(case.holds));
            case.features.iter().for_each(|&(j, x)| gradient[j] += error * x);
            curvature.push(p * (1.0 - p));
        }
        (gradient, curvature)
    }

    /// H·v, H = Xᵀ diag(p(1 − p)) X + diag(1 / spread²).
    fn times(&self, v: &[f64], curvature: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = v.iter().zip(self.priors).map(|(v, p)| v / (p.spread * p.spread)).collect();
        for (case, c) in self.cases.iter().zip(curvature) {
            let along = c * case.features.iter().map(|&(j, x)| v[j] * x).sum::<f64>();
            case.features.iter().for_each(|&(j, x)| out[j] += along * x);
        }
        out
    }

    /// Solves H·step = −gradient by conjugate gradients, scaled by the priors.
    fn newton(&self, gradient: &[f64], curvature: &[f64]) -> Vec<f64> {
        let scaled =
            |r: &[f64]| -> Vec<f64> { r.iter().zip(self.priors).map(|(r, p)| r * p.spread * p.spread).collect() };
        let mut step = vec![0.0; gradient.len()];
        let mut rest: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut z = scaled(&rest);
        let mut direction = z.clone();
        let mut size = dot(&rest, &z);
        // Far from the minimum a rough direction will do; near it the steps must be exact to converge.
        let enough = norm(gradient).powi(2).clamp(1e-20, 1e-4) * size;
        for _ in 0..4 * gradient.len().max(8) {
            if size <= enough {
                break;
            }
            let image = self.times(&direction, curvature);
            let length = size / dot(&direction, &image);
            add(&mut step, length, &direction);
            add(&mut rest, -length, &image);
            z = scaled(&rest);
            let next = dot(&rest, &z);
            direction.iter_mut().zip(&z).for_each(|(d, z)| *d = z + next / size * *d);
            size = next;
        }
        step
    }

    /// The first of the full step, its half, its quarter … that lowers the loss.
    fn descend(&self, weights: &[f64], step: &[f64], loss: f64) -> Option<(Vec<f64>, f64)> {
        let mut length = 1.0;
        for _ in 0..40 {
            let mut next = weights.to_vec();
            add(&mut next, length, step);
            let lower = self.loss(&next);
            if lower < loss {
                return Some((next, lower));
            }
            length /= 2.0;
        }
        None
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::random::Random;

    /// Sparse cases whose truth follows known weights.
    fn cases(n: usize, truth: &[f64], seed: u64) -> Vec<Case> {
        let mut random = Random::new(seed);
        let one = |random: &mut Random| {
            let mut features = vec![(0, 1.0)];
            for j in 1..truth.len() {
                if random.chance(0.3) {
                    features.push((j, random.normal()));
                }
            }
            let case = Case { features, offset: 0.0, holds: false };
            let holds = random.chance(sigmoid(log_odds(&case, truth)));
            Case { holds, ..case }
        };
        (0..n).map(|_| one(&mut random)).collect()
    }

    #[test]
    fn reaches_the_minimum_for_any_strength_of_the_priors() {
        for (n, spread) in [(5, 0.1), (40, 1.0), (400, 10.0), (400, 100.0)] {
            let cases = cases(n, &[-1.0, 2.0, 0.0, 0.5, -3.0], 7);
            let priors = vec![Prior { mean: 0.3, spread }; 5];
            let weights = fit(&cases, &priors);
            let left = gradient_norm(&cases, &priors, &weights);
            assert!(left < 1e-8, "{n} cases, spread {spread}: gradient {left}");
        }
    }

    #[test]
    fn more_weights_than_cases_and_separable_cases_still_have_a_minimum() {
        let cases: Vec<Case> =
            (0..20).map(|i| Case { features: vec![(i, 1.0), (50, 1.0)], offset: 0.0, holds: i % 2 == 0 }).collect();
        let priors = vec![Prior { mean: 0.0, spread: 2.0 }; 51];
        let weights = fit(&cases, &priors);
        assert!(gradient_norm(&cases, &priors, &weights) < 1e-8);
        assert!(weights[0] > 0.0 && weights[1] < 0.0);
    }

    #[test]
    fn many_cases_give_back_the_truth_and_none_give_back_the_prior() {
        let truth = [-0.5, 1.0, -2.0];
        let priors = [Prior { mean: 0.0, spread: 10.0 }; 3];
        let weights = fit(&cases(20_000, &truth, 3), &priors);
        weights.iter().zip(truth).for_each(|(w, t)| assert!((w - t).abs() < 0.12, "{weights:?}"));
        assert_eq!(fit(&[], &[Prior { mean: 1.0, spread: 0.5 }]), [1.0]);
    }
}
