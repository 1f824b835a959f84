//! A hash table that never stops the world, and that can be walked a page at a time.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::key::Hashed;

/// A hash table in shards of a few dozen entries each, which grows and shrinks by one shard at a time
/// (linear hashing: Litwin, 1980).
///
/// Three things follow from it. No insert rehashes more than one shard. A shard is a page: walking in
/// the order of the reversed hash, a shard is one contiguous stretch, also after it has been split or
/// merged, so a walk that remembers how far it came misses and repeats nothing that stays. And the
/// memory of what was removed comes back.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    shards: Vec<HashTable<(K, V)>>,
    len: usize,
    hasher: RandomState,
}

/// How far a walk came: a place in the order of the reversed hash.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cursor(u64);

/// Entries per shard, on average. A shard that waits for its split has twice as many, so that a page
/// stays below the 256 entries of EN-4 with more than ten standard deviations to spare.
const SHARD: usize = 48;

impl<K: Copy + Eq + Hash, V> Table<K, V> {
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self { shards: vec![HashTable::new()], len: 0, hasher }
    }

    #[cfg(test)]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, at: Hashed<K>) -> Option<&V> {
        self.shards
            .get(self.shard_of(at.hash))?
            .find(spread(at.hash), |(key, _)| *key == at.key)
            .map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, at: Hashed<K>) -> Option<&mut V> {
        let shard = self.shard_of(at.hash);
        self.shards
            .get_mut(shard)?
            .find_mut(spread(at.hash), |(key, _)| *key == at.key)
            .map(|(_, value)| value)
    }

    /// Adds what is known to be absent.
    pub(crate) fn insert(&mut self, at: Hashed<K>, value: V) {
        let shard = self.shard_of(at.hash);
        let hasher = &self.hasher;
        if let Some(shard) = self.shards.get_mut(shard) {
            let _entry = shard
                .insert_unique(spread(at.hash), (at.key, value), |(key, _)| spread(hasher.hash_one(key)));
            self.len += 1;
        }
        if self.len > self.shards.len() * SHARD {
            self.split();
        }
    }

    pub(crate) fn remove(&mut self, at: Hashed<K>) -> Option<V> {
        let shard = self.shard_of(at.hash);
        let found =
            self.shards.get_mut(shard)?.find_entry(spread(at.hash), |(key, _)| *key == at.key).ok()?;
        let ((_, value), _) = found.remove();
        self.len -= 1;
        if self.len < self.shards.len() * SHARD / 4 {
            self.merge();
        }
        Some(value)
    }

    /// Hands every entry to `keep`, and removes those for which it says no.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(K, &mut V) -> bool) {
        self.len = 0;
        for shard in &mut self.shards {
            shard.retain(|(key, value)| keep(*key, value));
            self.len += shard.len();
        }
        while self.shards.len() > 1 && self.len < self.shards.len() * SHARD / 4 {
            self.merge();
        }
    }

    /// The entries of the page at `cursor`, and where the next page begins, if there is one.
    pub(crate) fn page(&self, cursor: Cursor) -> (impl Iterator<Item = (K, &V)>, Option<Cursor>) {
        let index = self.shard_of(cursor.0.reverse_bits());
        let (start, width) = self.stretch(index);
        // A shard that was merged since the last page starts before the cursor.
        let seen = (cursor.0 != start).then_some(cursor.0);
        let rest =
            self.shards.get(index).into_iter().flatten().filter(move |(key, _)| {
                seen.is_none_or(|seen| self.hasher.hash_one(key).reverse_bits() >= seen)
            });
        let next = width.and_then(|width| start.checked_add(width)).map(Cursor);
        (rest.map(|(key, value)| (*key, value)), next)
    }

    /// The shard for a hash: its low bits, as many as the shards that there are need.
    fn shard_of(&self, hash: u64) -> usize {
        let shards = self.shards.len();
        let mask = shards.next_power_of_two() - 1;
        let index = low_bits(hash) & mask;
        if index < shards { index } else { index & (mask >> 1) }
    }

    /// Where the stretch of a shard begins in the order of the reversed hash, and its width; a single
    /// shard has everything, which is wider than a number can say.
    fn stretch(&self, index: usize) -> (u64, Option<u64>) {
        let shards = self.shards.len();
        let half = shards.next_power_of_two() / 2;
        let unsplit = index < half && index + half >= shards;
        let bits = shards.next_power_of_two().ilog2() - u32::from(unsplit);
        (wide(index).reverse_bits(), 1_u64.checked_shl(u64::BITS - bits))
    }

    fn split(&mut self) {
        let new = self.shards.len();
        let old = partner_of(new);
        self.shards.push(HashTable::new());
        let hasher = &self.hasher;
        let rehash = |(key, _): &(K, V)| spread(hasher.hash_one(key));
        let Some([old, .., new_shard]) = self.shards.get_mut(old..) else { return };
        for entry in old.extract_if(|(key, _)| low_bits(hasher.hash_one(key)) & (new ^ partner_of(new)) != 0)
        {
            let _entry = new_shard.insert_unique(rehash(&entry), entry, rehash);
        }
        old.shrink_to_fit(rehash);
    }

    fn merge(&mut self) {
        if self.shards.len() == 1 {
            return;
        }
        let Some(last) = self.shards.pop() else { return };
        let hasher = &self.hasher;
        let rehash = |(key, _): &(K, V)| spread(hasher.hash_one(key));
        let partner = partner_of(self.shards.len());
        let Some(partner) = self.shards.get_mut(partner) else { return };
        for entry in last {
            let _entry = partner.insert_unique(rehash(&entry), entry, rehash);
        }
    }
}

/// The shard that a shard was split from: its number without the highest bit.
const fn partner_of(shard: usize) -> usize {
    shard ^ 1 << shard.ilog2()
}

/// The low bits chose the shard: inside, where a table uses the lowest and the highest, the others serve.
const fn spread(hash: u64) -> u64 {
    hash.rotate_right(32)
}

#[expect(clippy::as_conversions, reason = "only the low bits are used; there are fewer than 2^32 shards")]
const fn low_bits(hash: u64) -> usize {
    hash as usize
}

#[expect(clippy::as_conversions, reason = "usize has at most 64 bits")]
const fn wide(index: usize) -> u64 {
    index as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn walk(table: &Table<u32, u32>, between: &mut dyn FnMut(usize)) -> Vec<u32> {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), Some(Cursor::default()), 0);
        while let Some(at) = cursor {
            let (page, next) = table.page(at);
            seen.extend(page.map(|(key, _)| key));
            cursor = next;
            pages += 1;
            between(pages);
        }
        seen
    }

    proptest! {
        #[test]
        fn it_agrees_with_an_ordered_map(steps in prop::collection::vec((any::<bool>(), 0..600_u32, any::<u32>()), 0..3000)) {
            let hasher = RandomState::default();
            let mut table = Table::new(hasher.clone());
            let mut model = BTreeMap::new();
            for (add, key, value) in steps {
                let at = Hashed::new(&hasher, key);
                if add && table.get(at).is_none() {
                    table.insert(at, value);
                    model.insert(key, value);
                } else {
                    prop_assert_eq!(table.remove(at), model.remove(&key));
                }
            }
            prop_assert_eq!(table.len(), model.len());
            let mut walked = walk(&table, &mut |_| ());
            walked.sort_unstable();
            prop_assert_eq!(walked, model.keys().copied().collect::<Vec<_>>());
            for (key, value) in model {
                prop_assert_eq!(table.get(Hashed::new(&hasher, key)), Some(&value));
            }
        }
    }

    #[test]
    fn en_4_a_walk_misses_and_repeats_nothing_that_stays_while_the_table_grows_and_shrinks() {
        let hasher = RandomState::default();
        let mut table = Table::new(hasher.clone());
        for key in 0..20_000_u32 {
            table.insert(Hashed::new(&hasher, key), ());
        }
        let (mut seen, mut cursor, mut round) = (Vec::new(), Some(Cursor::default()), 0_u32);
        while let Some(at) = cursor {
            let (page, next) = table.page(at);
            let before = seen.len();
            seen.extend(page.map(|(key, ())| key));
            assert!(seen.len() - before <= 256, "a page has at most 256 entries");
            cursor = next;
            round += 1;
            // Grow to three times the size in the first pages, then fall below a quarter of it.
            for step in 0..400 {
                let grown = 20_000 + round * 400 + step;
                if round <= 100 {
                    table.insert(Hashed::new(&hasher, grown), ());
                } else {
                    table.remove(Hashed::new(&hasher, grown - 100 * 400));
                    table.remove(Hashed::new(&hasher, (round - 100) * 400 + step + 1000));
                }
            }
        }
        let stayed: Vec<u32> = (0..1400).collect();
        let mut seen: Vec<u32> = seen.into_iter().filter(|key| *key < 1400).collect();
        seen.sort_unstable();
        assert_eq!(seen, stayed);
    }

    #[test]
    fn what_was_removed_gives_its_shards_back() {
        let hasher = RandomState::default();
        let mut table = Table::new(hasher.clone());
        for key in 0..10_000_u32 {
            table.insert(Hashed::new(&hasher, key), ());
        }
        let (full, few) = (10_000_usize.div_ceil(SHARD), 500 / (SHARD / 4));
        assert_eq!(table.shards.len(), full);
        table.retain(|key, ()| key < 5_000);
        assert_eq!((table.len(), table.shards.len()), (5_000, full), "it may fill again");
        for key in 500..5_000 {
            table.remove(Hashed::new(&hasher, key));
        }
        assert_eq!((table.len(), table.shards.len()), (500, few));
        for key in 500..10_000 {
            table.insert(Hashed::new(&hasher, key), ());
        }
        table.retain(|key, ()| key < 500);
        assert_eq!((table.len(), table.shards.len()), (500, few));
        table.retain(|_, ()| false);
        assert_eq!((table.len(), table.shards.len()), (0, 1));
    }
}
