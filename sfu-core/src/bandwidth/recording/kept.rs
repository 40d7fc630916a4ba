//! State as bytes, to the bit: what an estimator and the allotments remember when a recording begins.
//!
//! A type names its fields once, by `kept!`, and one that is left out does not compile.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

/// What is written; times are kept by their distance from `epoch`.
#[derive(Debug)]
pub(crate) struct Out {
    pub(crate) bytes: Vec<u8>,
    pub(crate) epoch: Instant,
}

/// What is read, of a file that nobody vouches for.
pub(crate) struct In<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) epoch: Instant,
}

/// A value that is kept and restored.
pub(crate) trait Kept: Sized {
    fn keep(&self, out: &mut Out);
    /// `None` where the bytes are no such value, or end too soon.
    fn restore(from: &mut In<'_>) -> Option<Self>;
}

impl Out {
    pub(crate) const fn new(epoch: Instant) -> Self {
        Self {
            bytes: Vec::new(),
            epoch,
        }
    }

    /// How many, and each: what [`Vec`] restores.
    pub(crate) fn all<'v, T: Kept + 'v>(
        &mut self,
        values: impl IntoIterator<Item = &'v T, IntoIter: ExactSizeIterator>,
    ) {
        let values = values.into_iter();
        self.number(values.len() as u64);
        values.for_each(|value| value.keep(self));
    }

    /// A number in as few bytes as it needs, seven bits each.
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }
}

impl<'a> In<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    /// What [`Out::number`] wrote.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// The next bytes, as many as a number before them says.
    pub(crate) fn counted(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (taken, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(taken)
    }
}

/// Keeps a struct by its fields. For tuple structs `kept!(Name(0))`; for enums without fields
/// `kept!(enum Name { A, B })`, which with a comment in front is the enum's definition too; for
/// those with, numbers for their variants.
macro_rules! kept {
    (
        $(#[$about:meta])+
        $visibility:vis enum $name:ident { $($(#[$on_variant:meta])* $variant:ident),+ $(,)? }
    ) => {
        $(#[$about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name { $($(#[$on_variant])* $variant),+ }
        kept!(enum $name { $($variant),+ });
    };
    (enum $name:ty { $($variant:ident),+ $(,)? }) => {
        impl $crate::bandwidth::recording::kept::Kept for $name {
            fn keep(&self, out: &mut $crate::bandwidth::recording::kept::Out) {
                let all = [$(Self::$variant),+];
                // Every one is listed: a new one would not match.
                match self { $(Self::$variant)|+ => {} }
                let place = all.iter().position(|one| one == self).unwrap_or_default();
                out.bytes.push(place as u8);
            }
            fn restore(from: &mut $crate::bandwidth::recording::kept::In<'_>) -> Option<Self> {
                let all = [$(Self::$variant),+];
                all.get(usize::from(from.byte()?)).copied()
            }
        }
    };
    ($name:ident: $($place:literal => $variant:ident { $($field:ident),* }),+ $(,)?) => {
        impl $crate::bandwidth::recording::kept::Kept for $name {
            fn keep(&self, out: &mut $crate::bandwidth::recording::kept::Out) {
                match self { $(
                    Self::$variant { $($field),* } => {
                        out.bytes.push($place);
                        $($crate::bandwidth::recording::kept::Kept::keep($field, out);)*
                    }
                )+ }
            }
            fn restore(from: &mut $crate::bandwidth::recording::kept::In<'_>) -> Option<Self> {
                match from.byte()? {
                    $($place => Some(Self::$variant {
                        $($field: $crate::bandwidth::recording::kept::Kept::restore(from)?,)*
                    }),)+
                    _ => None,
                }
            }
        }
    };
    ($name:ident($field:tt)) => {
        impl $crate::bandwidth::recording::kept::Kept for $name {
            fn keep(&self, out: &mut $crate::bandwidth::recording::kept::Out) {
                $crate::bandwidth::recording::kept::Kept::keep(&self.$field, out);
            }
            fn restore(from: &mut $crate::bandwidth::recording::kept::In<'_>) -> Option<Self> {
                Some(Self($crate::bandwidth::recording::kept::Kept::restore(from)?))
            }
        }
    };
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::bandwidth::recording::kept::Kept for $name {
            fn keep(&self, out: &mut $crate::bandwidth::recording::kept::Out) {
                $($crate::bandwidth::recording::kept::Kept::keep(&self.$field, out);)+
            }
            fn restore(from: &mut $crate::bandwidth::recording::kept::In<'_>) -> Option<Self> {
                Some(Self {
                    $($field: $crate::bandwidth::recording::kept::Kept::restore(from)?,)+
                })
            }
        }
    };
}
pub(crate) use kept;

macro_rules! kept_numbers {
    ($($number:ty),+) => { $(
        impl Kept for $number {
            fn keep(&self, out: &mut Out) {
                out.bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn restore(from: &mut In<'_>) -> Option<Self> {
                let (bytes, rest) = from.bytes.split_first_chunk()?;
                from.bytes = rest;
                Some(Self::from_le_bytes(*bytes))
            }
        }
    )+ };
}
kept_numbers!(u8, u16, u32, u64, i32, i64, f32, f64);

impl Kept for usize {
    fn keep(&self, out: &mut Out) {
        (*self as u64).keep(out);
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        u64::restore(from)?.try_into().ok()
    }
}

impl Kept for bool {
    fn keep(&self, out: &mut Out) {
        out.bytes.push(u8::from(*self));
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        Some(from.byte()? != 0)
    }
}

impl Kept for Duration {
    fn keep(&self, out: &mut Out) {
        (self.as_secs(), self.subsec_nanos()).keep(out);
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        let (seconds, nanos) = <(u64, u32)>::restore(from)?;
        (nanos < 1_000_000_000).then(|| Self::new(seconds, nanos))
    }
}

impl Kept for Instant {
    fn keep(&self, out: &mut Out) {
        let after = self.checked_duration_since(out.epoch);
        let before = out.epoch.saturating_duration_since(*self);
        (after.is_some(), after.unwrap_or(before)).keep(out);
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        match <(bool, Duration)>::restore(from)? {
            (true, after) => from.epoch.checked_add(after),
            (false, before) => from.epoch.checked_sub(before),
        }
    }
}

impl<T: Kept> Kept for Option<T> {
    fn keep(&self, out: &mut Out) {
        self.is_some().keep(out);
        if let Some(value) = self {
            value.keep(out);
        }
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        match bool::restore(from)? {
            true => Some(Some(T::restore(from)?)),
            false => Some(None),
        }
    }
}

impl<A: Kept, B: Kept> Kept for (A, B) {
    fn keep(&self, out: &mut Out) {
        self.0.keep(out);
        self.1.keep(out);
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        Some((A::restore(from)?, B::restore(from)?))
    }
}

impl<T: Kept> Kept for Vec<T> {
    fn keep(&self, out: &mut Out) {
        out.all(self.iter());
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        let len = usize::try_from(from.number()?).ok()?;
        // Each value has a byte at least: what cannot be there is not made room for.
        if len > from.bytes.len() {
            return None;
        }
        (0..len).map(|_| T::restore(from)).collect()
    }
}

impl<T: Kept> Kept for Box<[T]> {
    fn keep(&self, out: &mut Out) {
        out.all(self.iter());
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        Vec::restore(from).map(Vec::into_boxed_slice)
    }
}

impl<T: Kept> Kept for VecDeque<T> {
    fn keep(&self, out: &mut Out) {
        out.all(self.iter());
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        Vec::restore(from).map(Self::from)
    }
}

impl<T: Kept, const N: usize> Kept for [T; N] {
    fn keep(&self, out: &mut Out) {
        self.iter().for_each(|value| value.keep(out));
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        let all: Option<ArrayVec<T, N>> = (0..N).map(|_| T::restore(from)).collect();
        all?.into_inner().ok()
    }
}

impl<T: Kept, const N: usize> Kept for ArrayVec<T, N> {
    fn keep(&self, out: &mut Out) {
        out.all(self.iter());
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        let len = usize::try_from(from.number()?).ok()?;
        if len > N {
            return None;
        }
        (0..len).map(|_| T::restore(from)).collect()
    }
}
