//! A map by key ranges that finds those holding a key without looking at all of them.
//!
//! Each range is filed under its cover, the longest prefix that all its keys have in common. A key
//! is looked up under each of its own prefixes that is as long as some cover, so only ranges with
//! that very cover are compared with it. For ranges that are prefixes, which is what nearly all
//! are, those are the hits; of many ranges within one prefix that are none, each is compared.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::core::kv::request::KeyRange;

#[derive(Clone, Debug)]
pub(super) struct RangeMap<V> {
    singles: BTreeMap<Bytes, V>,
    covered: BTreeMap<Bytes, BTreeMap<KeyRange, V>>,
    /// How many covers have each length.
    lengths: BTreeMap<usize, usize>,
}

impl<V> Default for RangeMap<V> {
    fn default() -> Self {
        Self {
            singles: BTreeMap::new(),
            covered: BTreeMap::new(),
            lengths: BTreeMap::new(),
        }
    }
}

impl<V: Default> RangeMap<V> {
    pub(super) fn is_empty(&self) -> bool {
        self.singles.is_empty() && self.covered.is_empty()
    }

    pub(super) fn get(&self, keys: &KeyRange) -> Option<&V> {
        if keys.is_single() {
            return self.singles.get(&keys.start);
        }
        self.covered.get(cover(keys))?.get(keys)
    }

    /// The value of a range, made if there is none.
    pub(super) fn entry(&mut self, keys: &KeyRange) -> &mut V {
        if keys.is_single() {
            return self.singles.entry(keys.start.clone()).or_default();
        }
        let cover = keys.start.slice_ref(cover(keys));
        let length = cover.len();
        let ranges = self.covered.entry(cover).or_insert_with(|| {
            *self.lengths.entry(length).or_default() += 1;
            BTreeMap::new()
        });
        ranges.entry(keys.clone()).or_default()
    }

    pub(super) fn remove(&mut self, keys: &KeyRange) {
        if keys.is_single() {
            self.singles.remove(&keys.start);
            return;
        }
        let cover = cover(keys);
        let Some(ranges) = self.covered.get_mut(cover) else {
            return;
        };
        ranges.remove(keys);
        if !ranges.is_empty() {
            return;
        }
        self.covered.remove(cover);
        if let Some(covers) = self.lengths.get_mut(&cover.len()) {
            *covers -= 1;
            if *covers == 0 {
                self.lengths.remove(&cover.len());
            }
        }
    }

    /// The values of the ranges that hold a key.
    pub(super) fn holding(&self, key: &[u8]) -> impl Iterator<Item = &V> {
        let ranges = self.compared(key);
        let ranges = ranges.filter(move |(range, _)| range.contains(key));
        let single = self.singles.get(key).into_iter();
        single.chain(ranges.map(|(_, value)| value))
    }

    /// Shows the values of the ranges that hold a key.
    pub(super) fn change_holding(&mut self, key: &[u8], mut change: impl FnMut(&mut V)) {
        self.singles.get_mut(key).into_iter().for_each(&mut change);
        for (length, _) in self.lengths.range(..=key.len()) {
            let ranges = self.covered.get_mut(&key[..*length]);
            for (range, value) in ranges.into_iter().flatten() {
                if range.contains(key) {
                    change(value);
                }
            }
        }
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        let ranges = self.covered.values_mut().flat_map(BTreeMap::values_mut);
        self.singles.values_mut().chain(ranges)
    }

    /// The ranges that are compared with a key.
    fn compared(&self, key: &[u8]) -> impl Iterator<Item = (&KeyRange, &V)> {
        let lengths = self.lengths.range(..=key.len());
        let covers = lengths.filter_map(move |(length, _)| self.covered.get(&key[..*length]));
        covers.flatten()
    }
}

/// The longest prefix that all keys of a range have, a beginning of its start.
fn cover(keys: &KeyRange) -> &[u8] {
    let (start, end) = (keys.start.as_ref(), keys.end.as_ref());
    if keys.is_open() {
        return &[];
    }
    let shared = start.iter().zip(end).take_while(|(a, b)| a == b).count();
    // Up to the key that follows all with the prefix, as [ab, ac) is: that prefix is shared too,
    // with what of the start sorts last in it.
    let follows = start.get(shared).and_then(|byte| byte.checked_add(1));
    if follows.is_none_or(|follows| end[shared..] != [follows]) {
        return &start[..shared];
    }
    let rest = start[shared + 1..].iter();
    let last = rest.take_while(|byte| **byte == u8::MAX).count();
    &start[..shared + 1 + last]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kv::model::Numbers;

    fn prefix(prefix: &str) -> KeyRange {
        let mut end = prefix.as_bytes().to_vec();
        *end.last_mut().expect("not empty") += 1;
        KeyRange {
            start: Bytes::copy_from_slice(prefix.as_bytes()),
            end: end.into(),
        }
    }

    #[test]
    fn of_five_thousand_prefixes_a_key_is_compared_with_its_own() {
        let mut map: RangeMap<usize> = RangeMap::default();
        let name = |agent: usize| format!("/coracle/fleet/job/machine-{agent:04}/");
        (0..5_000).for_each(|agent| *map.entry(&prefix(&name(agent))) = agent);
        // And who watches everything, or all of one kind.
        *map.entry(&prefix("/coracle/")) = 5_000;
        for agent in 0..5_000 {
            let key = name(agent) + "web.service";
            assert_eq!(map.compared(key.as_bytes()).count(), 2);
            let holding: Vec<usize> = map.holding(key.as_bytes()).copied().collect();
            assert_eq!(holding, [5_000, agent]);
        }
    }

    fn random_bytes(numbers: &mut Numbers) -> Bytes {
        let letters = [0, 1, b'a', b'b', 254, 255];
        let length = numbers.below(4);
        let bytes = (0..length).map(|_| letters[numbers.below(6) as usize]);
        bytes.collect::<Vec<u8>>().into()
    }

    #[test]
    fn any_ranges_hold_the_keys_that_a_look_at_all_of_them_finds() {
        for seed in 0..200 {
            let mut numbers = Numbers::new(seed);
            let mut map: RangeMap<BTreeMap<KeyRange, usize>> = RangeMap::default();
            let mut all: Vec<KeyRange> = Vec::new();
            for _ in 0..60 {
                if !all.is_empty() && numbers.one_in(3) {
                    let gone = all.remove(numbers.below(all.len() as u64) as usize);
                    assert!(map.get(&gone).is_some());
                    map.remove(&gone);
                } else {
                    let (start, end) = (random_bytes(&mut numbers), random_bytes(&mut numbers));
                    let range = KeyRange { start, end };
                    map.entry(&range).insert(range.clone(), 0);
                    all.push(range);
                    all.sort();
                    all.dedup();
                }
                let key = random_bytes(&mut numbers);
                let wanted: Vec<&KeyRange> = all.iter().filter(|it| it.contains(&key)).collect();
                let mut found: Vec<&KeyRange> =
                    map.holding(&key).flat_map(BTreeMap::keys).collect();
                found.sort();
                assert_eq!(found, wanted, "seed {seed}, key {key:?}");
                let mut changed = 0;
                map.change_holding(&key, |_| changed += 1);
                assert_eq!(changed, wanted.len());
            }
            all.iter().for_each(|range| map.remove(range));
            assert!(map.is_empty() && map.lengths.is_empty());
        }
    }
}
