//! Who judges which answers, and which of them blind.
//!
//! Comes in: shares, a seed and names. Goes out: yes or no for every turn. The same plan always says the same.
//! The unit is the turn: if one segment of an answer is blind, every segment of it is, since they may overlap.

use serde::{Deserialize, Serialize};

/// How the segments are shared out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Changes which turns are drawn.
    pub seed: u64,
    /// Share of the turns that everybody sees without proposals, 0..=1.
    pub blind_share: f64,
    /// Share of the turns that go to two coders while the rest goes to one; none: everybody gets everything.
    pub double_share: Option<f64>,
    /// Transcripts (`b01`) and turns (`b01:12`) that go to two coders, whatever the share.
    pub double_list: Vec<String>,
    /// Everybody who has signed in, in the order in which they came.
    pub coders: Vec<String>,
    /// People who only settle what others differed about, and have no queue.
    #[serde(default)]
    pub adjudicators: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            seed: 1,
            blind_share: 0.1,
            double_share: None,
            double_list: Vec::new(),
            coders: Vec::new(),
            adjudicators: Vec::new(),
        }
    }
}

impl Plan {
    /// True when this turn is judged without proposals.
    pub fn is_blind(&self, transcript: &str, turn: usize) -> bool {
        share(self.seed, "blind", transcript, turn) < self.blind_share
    }

    /// True when this turn is in the coder's queue.
    pub fn is_assigned(&self, coder: &str, transcript: &str, turn: usize) -> bool {
        if self.adjudicators.iter().any(|name| name == coder) {
            return false;
        }
        if !self.divides() {
            return true;
        }
        // Each coder draws a number for the turn; the highest one or two get it. A further coder takes turns from
        // others and moves none between them.
        let draw = |name: &str| share(self.seed, name, transcript, turn);
        let mine = draw(coder);
        let ahead = self.coders.iter().filter(|name| *name != coder && (draw(name), name.as_str()) > (mine, coder));
        ahead.count() < if self.is_double(transcript, turn) { 2 } else { 1 }
    }

    /// Coders in whose queue this turn is.
    pub fn assigned<'a>(&'a self, transcript: &'a str, turn: usize) -> impl Iterator<Item = &'a str> + 'a {
        self.coders.iter().map(String::as_str).filter(move |coder| self.is_assigned(coder, transcript, turn))
    }

    fn divides(&self) -> bool {
        self.double_share.is_some() || !self.double_list.is_empty()
    }

    fn is_double(&self, transcript: &str, turn: usize) -> bool {
        let listed = |entry: &String| match entry.rsplit_once(':') {
            Some((name, number)) if number.parse() == Ok(turn) => name == transcript,
            _ => entry == transcript,
        };
        self.double_list.iter().any(listed)
            || share(self.seed, "double\u{0}", transcript, turn) < self.double_share.unwrap_or(0.0)
    }
}

/// A number in 0..1 that looks random and depends on these words alone.
pub fn share(seed: u64, purpose: &str, transcript: &str, turn: usize) -> f64 {
    let words = purpose.bytes().chain([0xFF]).chain(transcript.bytes()).chain((turn as u64).to_le_bytes());
    // FNV-1a, then the finaliser of SplitMix64: FNV alone leaves the high bits of short words too alike.
    let hash = words.fold(0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(coders: &[&str], double_share: Option<f64>) -> Plan {
        Plan { coders: coders.iter().map(|&c| c.to_owned()).collect(), double_share, ..Plan::default() }
    }

    fn turns() -> impl Iterator<Item = (String, usize)> {
        (0..200).flat_map(|t| (0..20).map(move |turn| (format!("t{t}"), turn)))
    }

    #[test]
    fn a_tenth_is_blind_and_the_same_tenth_for_everybody() {
        let plan = plan(&["ana", "ben"], Some(0.3));
        let n = turns().filter(|(t, turn)| plan.is_blind(t, *turn)).count();
        assert!((340..460).contains(&n), "{n} of 4000");
    }

    #[test]
    fn every_turn_goes_to_one_coder_and_the_double_share_to_two() {
        let plan = plan(&["ana", "ben", "cho"], Some(0.25));
        let counts: Vec<usize> = turns().map(|(t, turn)| plan.assigned(&t, turn).count()).collect();
        assert!(counts.iter().all(|&n| n == 1 || n == 2));
        let twice = counts.iter().filter(|&&n| n == 2).count();
        assert!((900..1100).contains(&twice), "{twice} of 4000");
        for coder in ["ana", "ben", "cho"] {
            let n = turns().filter(|(t, turn)| plan.is_assigned(coder, t, *turn)).count();
            assert!((1500..1850).contains(&n), "{coder}: {n}");
        }
    }

    #[test]
    fn another_coder_moves_nothing_between_the_others() {
        let (two, three) = (plan(&["ana", "ben"], Some(0.0)), plan(&["ana", "ben", "cho"], Some(0.0)));
        for (t, turn) in turns() {
            let (before, after) = (two.assigned(&t, turn).next(), three.assigned(&t, turn).next());
            assert!(after == before || after == Some("cho"));
        }
    }

    #[test]
    fn a_list_names_transcripts_and_turns() {
        let mut plan = plan(&["ana", "ben"], None);
        plan.double_list = vec!["t1".into(), "t2:7".into()];
        assert_eq!(plan.assigned("t1", 3).count(), 2);
        assert_eq!(plan.assigned("t2", 7).count(), 2);
        assert_eq!(plan.assigned("t2", 8).count(), 1);
    }

    #[test]
    fn without_double_coding_everybody_gets_everything() {
        let plan = plan(&["ana", "ben"], None);
        assert_eq!(plan.assigned("t1", 3).count(), 2);
    }
}
