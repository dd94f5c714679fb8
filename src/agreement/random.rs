//! A small, fixed source of pseudo-random numbers.
//!
//! Comes in: a seed. Goes out: the same numbers on every machine, for ever (`tests/fixtures/agreement/make.py` holds
//! the same lines in Python). Never happens here: the clock, the system's randomness, anything secret.

/// SplitMix64. Steele, Lea and Flood (2014), doi:10.1145/2660193.2660195.
///
/// ```
/// # use precode::agreement::random::Random;
/// assert_eq!(Random::new(1234567).next(), 6457827717110365317);
/// ```
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The sequence that belongs to this seed.
    pub fn new(seed: u64) -> Self {
        Random { state: seed }
    }

    /// The next 64 bits.
    // Not an iterator: the sequence never ends, and `for` over it would not either.
    #[expect(clippy::should_implement_trait, reason = "an endless sequence is no iterator to loop over")]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A whole number below `n`; 0 when `n` is 0. The bias of the multiplication is below n/2⁶⁴.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// A number in `[0, 1)`, a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A standard normal number, by the quantile of a uniform one.
    pub fn normal(&mut self) -> f64 {
        let open = (self.next() >> 11) as f64 + 0.5;
        super::distribution::normal_quantile(open / (1u64 << 53) as f64)
    }

    /// Puts the items into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_order() {
        let order = |seed| {
            let mut items: Vec<u32> = (0..20).collect();
            Random::new(seed).shuffle(&mut items);
            items
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
    }

    #[test]
    fn numbers_below_n_are_even_and_stay_below() {
        let mut random = Random::new(1);
        let mut counts = [0u32; 5];
        (0..50_000).for_each(|_| counts[random.below(5)] += 1);
        assert!(counts.iter().all(|&n| (9_700..10_300).contains(&n)), "{counts:?}");
    }
}
