//! Keys and values of a load, from a seed: the same seed gives the same load.

use bytes::{BufMut, Bytes, BytesMut};

/// A seeded generator (SplitMix64: Steele, Lea, Flood 2014), chosen for its cost: one value of
/// 256 bytes takes 32 steps of a few instructions.
#[derive(Clone, Debug)]
pub struct Source(u64);

impl Source {
    /// A generator of its own for each `stream` of one seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut mixed = Self(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self(mixed.next())
    }

    #[expect(clippy::should_implement_trait, reason = "endless, so not an iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be 0; the bias is below 2^-32 for bounds below 2^32.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// `length` bytes that no compression makes smaller.
    pub fn value(&mut self, length: usize) -> Bytes {
        let mut value = BytesMut::with_capacity(length);
        self.append(&mut value, length);
        value.freeze()
    }

    pub fn append(&mut self, value: &mut BytesMut, length: usize) {
        for _ in 0..length / 8 {
            value.put_u64_le(self.next());
        }
        value.put_slice(&self.next().to_le_bytes()[..length % 8]);
    }
}

/// The keys `PREFIX0000` to `PREFIXnnnn`, all of one length, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct KeySpace {
    prefix: String,
    digits: usize,
    keys: u64,
}

/// The prefix and the highest number do not fit into the wanted length.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{keys} keys with prefix {prefix:?} need at least {needed} bytes each, not {wanted}")]
pub struct KeyTooShort {
    pub keys: u64,
    pub prefix: String,
    pub needed: usize,
    pub wanted: usize,
}

impl KeySpace {
    /// `keys` keys of `key_bytes` bytes; at least one key.
    pub fn new(prefix: &str, keys: u64, key_bytes: usize) -> Result<Self, KeyTooShort> {
        let keys = keys.max(1);
        let needed = prefix.len() + (keys - 1).to_string().len();
        if needed > key_bytes {
            let prefix = prefix.to_owned();
            return Err(KeyTooShort {
                keys,
                prefix,
                needed,
                wanted: key_bytes,
            });
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            digits: key_bytes - prefix.len(),
            keys,
        })
    }

    /// How many keys there are.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// Key `number`, counted round the space.
    pub fn key(&self, number: u64) -> Bytes {
        self.edge(number % self.keys)
    }

    /// The end of the range of keys before `number`, for ranges `[key(a), edge(b))`.
    pub fn edge(&self, number: u64) -> Bytes {
        let mut key = BytesMut::with_capacity(self.prefix.len() + self.digits);
        key.put_slice(self.prefix.as_bytes());
        key.put_bytes(b'0', self.digits);
        let mut rest = number;
        for digit in key[self.prefix.len()..].iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).expect("a digit");
            rest /= 10;
        }
        // All digits are used up by 10^digits: the next byte after '9' sorts behind every key.
        if rest > 0 {
            key.truncate(self.prefix.len());
            key.put_u8(b'9' + 1);
        }
        key.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_same_values_and_other_stream_gives_others() {
        let value = |seed, stream| Source::new(seed, stream).value(67);
        assert_eq!(value(1, 2), value(1, 2));
        assert_ne!(value(1, 2), value(1, 3));
        assert_ne!(value(1, 2), value(2, 2));
        assert_eq!(value(1, 2).len(), 67);
    }

    #[test]
    fn values_of_one_stream_differ_from_each_other() {
        let mut source = Source::new(7, 0);
        let first = source.value(256);
        assert_ne!(first, source.value(256));
        let distinct: std::collections::BTreeSet<u8> = first.iter().copied().collect();
        assert!(distinct.len() > 100, "{}", distinct.len());
    }

    #[test]
    fn keys_have_one_length_and_the_order_of_their_numbers() {
        let space = KeySpace::new("bench/", 1000, 10).expect("fits");
        assert_eq!(space.key(7), "bench/0007");
        assert_eq!(space.key(1007), "bench/0007");
        assert!((0..999).all(|number| space.key(number) < space.key(number + 1)));
    }

    #[test]
    fn edge_behind_the_last_key_sorts_behind_it() {
        let space = KeySpace::new("b/", 10, 3).expect("fits");
        assert_eq!(space.edge(10), "b/:");
        assert!(space.edge(10) > space.key(9));
        assert_eq!(space.edge(5), "b/5");
    }

    #[test]
    fn prefix_and_numbers_that_do_not_fit_say_what_is_needed() {
        let error = KeySpace::new("bench/", 1001, 9).expect_err("needs 10");
        assert_eq!((error.needed, error.wanted), (10, 9));
    }
}
