//! What two words side by side are, remembered by the sets of terms that they meet.
//!
//! Comes in: two sets. Goes out: the notes of the plan on them. Never happens here: a look at where words stand.
//!
//! A common word is the first of dozens of pairs, and another the second of as many: most of what would be looked up is
//! nothing, and the same two words come again and again.

use crate::lexicon::plan::{Pairs, Plan};
use crate::token::{Forms, SetId};

/// Sets remembered at once; a power of two.
const SLOTS: usize = 1 << 13;

/// Notes kept before all is forgotten: those of forgotten slots are among them.
const MOST_NOTES: usize = 1 << 16;

/// Two sets, and where the places of their notes begin and end.
type Slot = [u32; 4];

/// No two sets: none has this number.
const EMPTY: Slot = [u32::MAX, u32::MAX, 0, 0];

/// Notes by two sets. Reused from segment to segment.
#[derive(Default)]
pub struct Besides {
    /// That of the forms whose sets these are.
    era: u64,
    slots: Vec<Slot>,
    /// Places of notes.
    notes: Vec<u32>,
}

impl Besides {
    /// Takes up sets of these forms.
    pub fn begin(&mut self, forms: &Forms) {
        if self.era != forms.era() || self.notes.len() > MOST_NOTES {
            self.era = forms.era();
            self.notes.clear();
            self.slots.clear();
            self.slots.resize(SLOTS, EMPTY);
        }
    }

    /// Places of the notes on a word of the one set right before a word of the other.
    #[inline]
    pub fn of(&mut self, plan: &Plan, forms: &Forms, left: SetId, right: SetId) -> &[u32] {
        let both = u64::from(left) << 32 | u64::from(right);
        let place = (both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % SLOTS;
        let [known_left, known_right, ..] = self.slots[place];
        if (known_left, known_right) != (left, right) {
            self.slots[place] = self.look_up(&plan.pairs, forms, left, right);
        }
        let [_, _, begin, end] = self.slots[place];
        &self.notes[begin as usize..end as usize]
    }

    fn look_up(&mut self, pairs: &Pairs, forms: &Forms, left: SetId, right: SetId) -> Slot {
        let begin = self.notes.len() as u32;
        let (rights, bits) = (forms.rights(right), forms.hint(right).rights);
        let lefts = forms.lefts(left).iter().filter(|&&left| pairs.follow[left as usize] & bits != 0);
        self.notes.extend(lefts.flat_map(|&left| rights.iter().filter_map(move |&right| pairs.note(left, right))));
        [left, right, begin, self.notes.len() as u32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon;
    use crate::span::Span;
    use crate::token::tokenize;

    /// How many notes there are on each word and the next one.
    fn counts(besides: &mut Besides, forms: &mut Forms, plan: &Plan, text: &str) -> Vec<usize> {
        let mut tokens = Vec::new();
        tokenize(text, Span::new(0, text.len()), forms, &mut tokens);
        besides.begin(forms);
        let sets: Vec<SetId> = tokens.iter().map(|token| forms.brief(token.form).set).collect();
        sets.windows(2).map(|two| besides.of(plan, forms, two[0], two[1]).len()).collect()
    }

    #[test]
    fn sets_of_other_forms_are_told_apart() {
        let lexicon = lexicon::with_pattern(None, "(guinea pig | pig tail | new guinea pig) goes").unwrap();
        let mut besides = Besides::default();
        let mut count = |texts: &[&str]| {
            let mut forms = Forms::new(lexicon.language, &lexicon);
            texts.iter().map(|text| counts(&mut besides, &mut forms, &lexicon.plan, text)).collect::<Vec<_>>()
        };
        // The second forms give the numbers of the first to other sets.
        assert_eq!(count(&["guinea pig tail", "guinea pig tail"]), [[1, 1], [1, 1]]);
        assert_eq!(count(&["tail guinea pig", "pig guinea tail"]), [[0, 1], [0, 0]]);
    }
}
