//! Long lists of numbers as a cache keeps them: their bytes, many at once, which takes no longer to read than to copy.
//!
//! Comes in: numbers, or what consists of a few. Goes out: the same. Never happens here: a number that takes fewer bytes
//! because it is small; a piece that is larger than a part of a block.

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserializer, Serialize, Serializer};
use smallvec::SmallVec;
use std::fmt;
use std::marker::PhantomData;

/// Bytes of a piece, about.
const PIECE: usize = 1 << 12;

/// Pieces for which room is made before they have come.
const EXPECTED: usize = 1 << 12;

/// What always takes the same number of bytes.
pub trait Number: Copy {
    /// That number of bytes.
    type Bytes: Bytes;

    /// Its bytes.
    fn bytes(self) -> Self::Bytes;

    /// What these bytes say.
    fn of(bytes: &Self::Bytes) -> Self;
}

/// A fixed number of bytes.
pub trait Bytes: AsRef<[u8]> + Sized {
    /// How many.
    const COUNT: usize;

    /// As many of them as there are, and what is left.
    fn all(bytes: &[u8]) -> (&[Self], &[u8]);
}

impl<const N: usize> Bytes for [u8; N] {
    const COUNT: usize = N;

    #[inline]
    fn all(bytes: &[u8]) -> (&[Self], &[u8]) {
        bytes.as_chunks()
    }
}

macro_rules! arrays {
    ($([$number:ty; $n:literal]),*) => { $(
        impl Number for [$number; $n] {
            type Bytes = [u8; $n * size_of::<$number>()];

            fn bytes(self) -> Self::Bytes {
                let mut bytes = [0; $n * size_of::<$number>()];
                let (places, _) = bytes.as_chunks_mut();
                places.iter_mut().zip(self).for_each(|(place, number)| *place = number.to_le_bytes());
                bytes
            }

            #[inline]
            fn of(bytes: &Self::Bytes) -> Self {
                let (numbers, _) = bytes.as_chunks();
                std::array::from_fn(|i| <$number>::from_le_bytes(numbers[i]))
            }
        }
    )* };
}

arrays!([i16; 8], [u32; 2], [u32; 3], [u32; 4], [u64; 2]);

macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl Number for $number {
            type Bytes = [u8; size_of::<$number>()];

            fn bytes(self) -> Self::Bytes {
                self.to_le_bytes()
            }

            #[inline]
            fn of(bytes: &Self::Bytes) -> Self {
                <$number>::from_le_bytes(*bytes)
            }
        }
    )* };
}

numbers!(u32, u64);

/// Numbers in a piece.
fn in_piece<T: Number>() -> usize {
    (PIECE / T::Bytes::COUNT).max(1)
}

/// Writes numbers in pieces.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Number, S: Serializer>(numbers: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(numbers.chunks(in_piece::<T>()).map(Piece))
}

/// Reads them again.
///
/// # Errors
/// Those of the deserializer, and when there is a part of a number.
pub fn deserialize<'d, T: Number, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Pieces(PhantomData))
}

struct Piece<'n, T>(&'n [T]);

impl<T: Number> Serialize for Piece<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = vec![0; self.0.len() * T::Bytes::COUNT];
        let places = bytes.chunks_exact_mut(T::Bytes::COUNT);
        places.zip(self.0).for_each(|(place, number)| place.copy_from_slice(number.bytes().as_ref()));
        serializer.serialize_bytes(&bytes)
    }
}

struct Pieces<T>(PhantomData<T>);

impl<'d, T: Number> Visitor<'d> for Pieces<T> {
    type Value = Vec<T>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("numbers in pieces")
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut pieces: A) -> Result<Vec<T>, A::Error> {
        let expected = pieces.size_hint().unwrap_or(0).min(EXPECTED);
        let mut numbers = Vec::with_capacity(expected * in_piece::<T>());
        while pieces.next_element_seed(Taker(&mut numbers))?.is_some() {}
        Ok(numbers)
    }
}

/// Adds the numbers of a piece.
struct Taker<'v, T>(&'v mut Vec<T>);

impl<'d, T: Number> DeserializeSeed<'d> for Taker<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'d>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_byte_buf(self)
    }
}

impl<T: Number> Visitor<'_> for Taker<'_, T> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("the bytes of numbers")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        let (numbers, rest) = T::Bytes::all(bytes);
        self.0.extend(numbers.iter().map(T::of));
        if rest.is_empty() { Ok(()) } else { Err(E::invalid_length(bytes.len(), &self)) }
    }
}

/// What consists of numbers, of more or of fewer.
pub trait Run: Sized {
    /// Adds them.
    fn put(&self, into: &mut Vec<u32>);

    /// What the next numbers say.
    fn take(from: &mut Numbers) -> Option<Self>;
}

/// Numbers that are taken one after another.
#[derive(Debug)]
pub struct Numbers<'n>(&'n [u32]);

impl<'n> Numbers<'n> {
    /// All of these.
    pub fn new(numbers: &'n [u32]) -> Self {
        Numbers(numbers)
    }

    /// The next one.
    #[inline]
    pub fn one(&mut self) -> Option<u32> {
        let (one, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*one)
    }

    /// The next ones, so many.
    #[inline]
    pub fn some(&mut self, n: u32) -> Option<&'n [u32]> {
        let (some, rest) = self.0.split_at_checked(n as usize)?;
        self.0 = rest;
        Some(some)
    }

    /// True when all were taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const N: usize> Run for SmallVec<[u32; N]>
where
    [u32; N]: smallvec::Array<Item = u32>,
{
    fn put(&self, into: &mut Vec<u32>) {
        into.push(self.len() as u32);
        into.extend_from_slice(self);
    }

    #[inline]
    fn take(from: &mut Numbers) -> Option<Self> {
        let n = from.one()?;
        from.some(n).map(SmallVec::from_slice)
    }
}

/// Runs as a cache keeps them: in pieces that each hold so many, or the last ones.
pub mod runs {
    use super::{Numbers, Piece, Run};
    use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
    use serde::{Deserializer, Serializer};
    use std::fmt;
    use std::marker::PhantomData;

    /// Runs in a piece: about as many bytes as the other pieces have.
    const IN_PIECE: usize = 1 << 6;

    /// Writes the numbers of all.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Run, S: Serializer>(runs: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = |runs: &[T]| {
            let mut numbers = Vec::new();
            runs.iter().for_each(|run| run.put(&mut numbers));
            numbers
        };
        let pieces: Vec<Vec<u32>> = runs.chunks(IN_PIECE).map(numbers).collect();
        serializer.collect_seq(pieces.iter().map(|numbers| Piece(numbers)))
    }

    /// Reads them again.
    ///
    /// # Errors
    /// Those of the deserializer, and when there is a part of a run.
    pub fn deserialize<'d, T: Run, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(Pieces(PhantomData))
    }

    struct Pieces<T>(PhantomData<T>);

    impl<'d, T: Run> Visitor<'d> for Pieces<T> {
        type Value = Vec<T>;

        fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
            out.write_str("runs in pieces")
        }

        fn visit_seq<A: SeqAccess<'d>>(self, mut pieces: A) -> Result<Vec<T>, A::Error> {
            let expected = pieces.size_hint().unwrap_or(0).min(super::EXPECTED);
            let mut all = Taker { numbers: Vec::new(), runs: Vec::with_capacity(expected * IN_PIECE) };
            while pieces.next_element_seed(&mut all)?.is_some() {}
            Ok(all.runs)
        }
    }

    /// Adds the runs of a piece.
    struct Taker<T> {
        /// Those of the piece; a place for them.
        numbers: Vec<u32>,
        runs: Vec<T>,
    }

    impl<'d, T: Run> DeserializeSeed<'d> for &mut Taker<T> {
        type Value = ();

        fn deserialize<D: Deserializer<'d>>(self, deserializer: D) -> Result<(), D::Error> {
            self.numbers.clear();
            super::Taker(&mut self.numbers).deserialize(deserializer)?;
            let mut left = Numbers::new(&self.numbers);
            while !left.is_empty() {
                self.runs.push(T::take(&mut left).ok_or_else(|| D::Error::custom("a part of a run"))?);
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        #[serde(with = "super")]
        small: Vec<[i16; 8]>,
        #[serde(with = "super")]
        three: Vec<[u32; 3]>,
        #[serde(with = "super")]
        large: Vec<u64>,
        #[serde(with = "super::runs")]
        runs: Vec<SmallVec<[u32; 4]>>,
    }

    #[test]
    fn numbers_come_back_however_many_there_are() {
        for n in [0, 1, 340, 341, 342, 100_000] {
            let three = (0..n).map(|i| [i, u32::MAX - i, i << 9]).collect();
            let small = (0..n).map(|i| std::array::from_fn(|place| (i as i16).wrapping_sub(place as i16))).collect();
            let runs = (0..n).map(|i| (0..i % 7).map(|place| i << place).collect()).collect();
            let all = All { small, three, large: (0..u64::from(n)).map(|i| i << 40).collect(), runs };
            let bytes = postcard::to_stdvec(&all).unwrap();
            assert!(postcard::from_bytes::<All>(&bytes).unwrap() == all, "{n}");
        }
    }

    #[test]
    fn a_part_of_a_number_is_none() {
        let piece = |n: u8| [&[1, n], &[7; 12][..usize::from(n)]].concat();
        let read = |bytes: &[u8]| deserialize::<u32, _>(&mut postcard::Deserializer::from_bytes(bytes));
        assert_eq!(read(&piece(8)).unwrap(), [0x0707_0707; 2]);
        assert!(read(&piece(7)).is_err() && read(&piece(9)).is_err());
        let run = |n: u32| <SmallVec<[u32; 4]>>::take(&mut Numbers::new(&[n, 5, 6]));
        assert_eq!((run(2).unwrap().to_vec(), run(3)), (vec![5, 6], None));
    }
}
