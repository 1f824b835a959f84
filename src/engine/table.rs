//! A hash table that never stops the world, and that can be walked a page at a time.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::SeedableRandomState;
use hashbrown::HashTable;

use super::key::Hashed;

/// A hash table in shards of a few hundred entries each, which grows and shrinks by one shard at a time
/// (linear hashing: Litwin, 1980).
///
/// Three things follow from it. No insert rehashes more than one shard. In the order of the reversed hash, a
/// shard is one contiguous stretch, also after it has been split or merged, so a walk in this order that
/// remembers how far it came misses and repeats nothing that stays. And the
/// memory of what was removed comes back.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    shards: Vec<HashTable<(K, V)>>,
    len: usize,
    hasher: SeedableRandomState,
}

/// Where a key is in a table, or that it is not there. True until the table changes.
///
/// Looked up in two tables before either is changed, the two wait for memory at the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket<K> {
    at: Hashed<K>,
    shard: usize,
    index: Option<usize>,
}

impl<K: Copy> Bucket<K> {
    pub(crate) const fn key(&self) -> Hashed<K> {
        self.at
    }
}

/// How far a walk came: a place in the order of the reversed hash.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cursor(u64);

/// What [`Table::pick`] picked.
#[derive(Debug)]
pub(crate) struct Picked<K> {
    pub(crate) keys: Vec<K>,
    /// How many entries it looked at: a shard of those of which `pick` approves no more takes a while too (CB-7).
    pub(crate) looks: usize,
    /// Where to go on: the next shard, or the same one when there was no room for all.
    pub(crate) next: Option<Cursor>,
}

/// Entries per shard, on average; a shard that waits for its split has up to twice as many. So few shards
/// that the list of them stays in the cache, and so small ones that to split one takes microseconds.
const SHARD: usize = 448;

/// Entries of a shard that are one page (EN-4). What has more is handed out in [`PAGES`] pages: with 112
/// entries on average at most, a page stays below this with more than ten standard deviations to spare.
const PAGE: usize = 256;

/// The pages of a large shard, as a power of two.
const PAGES: u32 = 3;

impl<K: Copy + Eq + Hash, V> Table<K, V> {
    pub(crate) fn new(hasher: SeedableRandomState) -> Self {
        Self { shards: vec![HashTable::new()], len: 0, hasher }
    }

    #[cfg(test)]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn get(&self, at: Hashed<K>) -> Option<&V> {
        self.at(self.find(at))
    }

    pub(crate) fn get_mut(&mut self, at: Hashed<K>) -> Option<&mut V> {
        self.at_mut(self.find(at))
    }

    pub(crate) fn insert(&mut self, at: Hashed<K>, value: V) {
        self.set(self.find(at), Some(value));
    }

    pub(crate) fn remove(&mut self, at: Hashed<K>) -> Option<V> {
        let Bucket { shard, index, .. } = self.find(at);
        self.take(shard, index?)
    }

    /// Where `at` is, or would be.
    pub(crate) fn find(&self, at: Hashed<K>) -> Bucket<K> {
        let shard = self.shard_of(at.hash);
        let index = self
            .shards
            .get(shard)
            .and_then(|shard| shard.find_bucket_index(spread(at.hash), |(key, _)| *key == at.key));
        Bucket { at, shard, index }
    }

    pub(crate) fn at(&self, bucket: Bucket<K>) -> Option<&V> {
        self.shards.get(bucket.shard)?.get_bucket(bucket.index?).map(|(_, value)| value)
    }

    pub(crate) fn at_mut(&mut self, bucket: Bucket<K>) -> Option<&mut V> {
        self.shards.get_mut(bucket.shard)?.get_bucket_mut(bucket.index?).map(|(_, value)| value)
    }

    /// Writes the value in a bucket, or takes it away.
    pub(crate) fn set(&mut self, bucket: Bucket<K>, value: Option<V>) {
        match (value, bucket.index) {
            (Some(value), None) => self.add(bucket, value),
            (Some(new), Some(_)) => {
                if let Some(value) = self.at_mut(bucket) {
                    *value = new;
                }
            }
            (None, Some(index)) => {
                self.take(bucket.shard, index);
            }
            (None, None) => {}
        }
    }

    fn add(&mut self, bucket: Bucket<K>, value: V) {
        let Some(shard) = self.shards.get_mut(bucket.shard) else { return };
        let rehash = |(key, _): &(K, V)| spread(self.hasher.hash_one(key));
        let _entry = shard.insert_unique(spread(bucket.at.hash), (bucket.at.key, value), rehash);
        self.len += 1;
        if self.len > self.shards.len() * SHARD {
            self.split();
        }
    }

    fn take(&mut self, shard: usize, index: usize) -> Option<V> {
        let entry = self.shards.get_mut(shard)?.get_bucket_entry(index).ok()?;
        let ((_, value), _) = entry.remove();
        self.len -= 1;
        if self.len == 0 {
            self.shards = vec![HashTable::new()];
        } else if self.len < self.shards.len() * SHARD / 4 {
            self.merge();
        }
        Some(value)
    }

    /// All entries, for whoever may hold everybody up that long.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.shards.iter().flatten().map(|(key, value)| (*key, value))
    }

    /// The entries of the page at `cursor`, and where the next page begins, if there is one.
    pub(crate) fn page(&self, cursor: Cursor) -> (impl Iterator<Item = (K, &V)>, Option<Cursor>) {
        let index = self.shard_of(cursor.0.reverse_bits());
        let shard = self.shards.get(index);
        let pages = if shard.is_some_and(|shard| shard.len() > PAGE) { PAGES } else { 0 };
        let last = cursor.0 | u64::MAX.checked_shr(self.bits_of(index) + pages).unwrap_or_default();
        let page = shard
            .into_iter()
            .flatten()
            .filter(move |(key, _)| (cursor.0..=last).contains(&self.hasher.hash_one(key).reverse_bits()))
            .map(|(key, value)| (*key, value));
        (page, last.checked_add(1).map(Cursor))
    }

    /// Picks keys of which `pick` approves from the shard at `cursor`, as many as there is `room` for.
    ///
    /// For whoever changes all that is picked, so that it is not picked again. It needs no hash of what it looks at.
    pub(crate) fn pick(&self, cursor: Cursor, pick: impl Fn(K, &V) -> bool, room: usize) -> Picked<K> {
        let index = self.shard_of(cursor.0.reverse_bits());
        let mut picked = Picked { keys: Vec::new(), looks: 0, next: Some(cursor) };
        for (key, value) in self.shards.get(index).into_iter().flatten() {
            picked.looks += 1;
            if pick(*key, value) {
                if picked.keys.len() >= room {
                    return picked;
                }
                picked.keys.push(*key);
            }
        }
        let last = cursor.0 | u64::MAX.checked_shr(self.bits_of(index)).unwrap_or_default();
        picked.next = last.checked_add(1).map(Cursor);
        picked
    }

    /// The shard for a hash: its low bits, as many as the shards that there are need.
    fn shard_of(&self, hash: u64) -> usize {
        let shards = self.shards.len();
        let mask = shards.next_power_of_two() - 1;
        let index = low_bits(hash) & mask;
        if index < shards { index } else { index & (mask >> 1) }
    }

    /// How many low bits of a hash say that it belongs to this shard.
    fn bits_of(&self, index: usize) -> u32 {
        let shards = self.shards.len();
        let half = shards.next_power_of_two() / 2;
        let unsplit = index < half && index + half >= shards;
        shards.next_power_of_two().ilog2() - u32::from(unsplit)
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
            let hasher = SeedableRandomState::default();
            let mut table = Table::new(hasher.clone());
            let mut model = BTreeMap::new();
            for (add, key, value) in steps {
                let at = Hashed::new(&hasher, key);
                if add && table.get(at).is_none() {
                    table.set(table.find(at), Some(value));
                    model.insert(key, value);
                } else {
                    prop_assert_eq!(table.get(at).copied(), model.remove(&key));
                    table.set(table.find(at), None);
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
        let hasher = SeedableRandomState::default();
        let mut table = Table::new(hasher.clone());
        for key in 0..20_000_u32 {
            table.set(table.find(Hashed::new(&hasher, key)), Some(()));
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
                    table.set(table.find(Hashed::new(&hasher, grown)), Some(()));
                } else {
                    table.set(table.find(Hashed::new(&hasher, grown - 100 * 400)), None);
                    table.set(table.find(Hashed::new(&hasher, (round - 100) * 400 + step + 1000)), None);
                }
            }
        }
        let stayed: Vec<u32> = (0..1400).collect();
        let mut seen: Vec<u32> = seen.into_iter().filter(|key| *key < 1400).collect();
        seen.sort_unstable();
        assert_eq!(seen, stayed);
    }

    #[test]
    fn cb_7_what_picks_nothing_says_how_much_it_has_looked_at() {
        let hasher = SeedableRandomState::default();
        let mut table = Table::new(hasher.clone());
        for key in 0..5_000_u32 {
            table.insert(Hashed::new(&hasher, key), ());
        }
        let (mut cursor, mut looks) = (Some(Cursor::default()), 0);
        while let Some(at) = cursor {
            let picked = table.pick(at, |_, ()| false, 1);
            assert!(picked.looks <= 2 * SHARD, "no more than one shard");
            looks += picked.looks;
            cursor = picked.next;
        }
        assert_eq!(looks, 5_000);
    }

    #[test]
    fn what_was_removed_gives_its_shards_back() {
        let hasher = SeedableRandomState::default();
        let mut table = Table::new(hasher.clone());
        for key in 0..10_000_u32 {
            table.set(table.find(Hashed::new(&hasher, key)), Some(()));
        }
        let (full, few) = (10_000_usize.div_ceil(SHARD), 500 / (SHARD / 4));
        assert_eq!(table.shards.len(), full);
        for key in 500..10_000 {
            table.remove(Hashed::new(&hasher, key));
        }
        assert_eq!((table.len(), table.shards.len()), (500, few));
        for key in 500..10_000 {
            table.insert(Hashed::new(&hasher, key), ());
        }
        for key in 0..10_000 {
            table.remove(Hashed::new(&hasher, key));
        }
        assert_eq!((table.len(), table.shards.len()), (0, 1));
    }
}
