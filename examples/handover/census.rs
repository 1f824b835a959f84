//! What all the packets of a capture were, so that none passes in silence.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::hash::Hash;

use captured_packets::Unread;
use etherparse::{IpNumber, LaxIpSlice};

/// How many packets there were, and of what kinds.
#[derive(Debug, Default)]
pub(crate) struct Census {
    pub(crate) reports: usize,
    pub(crate) malformed: usize,
    /// Fragments that wait for others, and those whose packet is whole by now.
    pub(crate) fragments: usize,
    /// Of these, the ones whose packet never became whole.
    pub(crate) fragments_left_over: usize,
    /// Reports on more links than are told apart.
    pub(crate) beyond_links: usize,
    /// Blocks of a capture that are of an unknown type.
    pub(crate) unknown_blocks: usize,
    other_ip: Tally<IpNumber>,
    unread: Tally<Unread>,
}

/// How many there are of each kind.
#[derive(Debug)]
struct Tally<K> {
    counts: HashMap<K, usize>,
    /// Of kinds that came when there were too many already.
    beyond: usize,
}

const MOST_KINDS: usize = 1000;

impl Census {
    /// Counts an IP packet that is no report.
    pub(crate) fn other_ip(&mut self, packet: &[u8]) {
        if let Ok((ip, _)) = LaxIpSlice::from_slice(packet) {
            self.other_ip.count(ip.payload_ip_number());
        }
    }

    /// Counts a frame that has not been looked into.
    pub(crate) fn unread(&mut self, unread: Unread) {
        self.unread.count(unread);
    }

    pub(crate) fn packets(&self) -> usize {
        let ours = self.reports + self.malformed + self.fragments + self.beyond_links;
        ours + self.other_ip.all() + self.unread.all()
    }
}

impl<K: Copy + Eq + Hash> Tally<K> {
    fn count(&mut self, kind: K) {
        if self.counts.len() < MOST_KINDS || self.counts.contains_key(&kind) {
            *self.counts.entry(kind).or_default() += 1;
        } else {
            self.beyond += 1;
        }
    }

    fn all(&self) -> usize {
        self.counts.values().sum::<usize>() + self.beyond
    }

    /// The most frequent kinds by name, and how many there are of all others.
    fn list(&self, name: impl Fn(K) -> String) -> String {
        const SHOWN: usize = 8;
        let mut kinds: Vec<(usize, String)> =
            self.counts.iter().map(|(&kind, &count)| (count, name(kind))).collect();
        kinds.sort_by(|(a, kind_a), (b, kind_b)| b.cmp(a).then(kind_a.cmp(kind_b)));
        let rest = kinds.iter().skip(SHOWN).map(|(count, _)| count).sum::<usize>() + self.beyond;
        kinds.truncate(SHOWN);
        if rest > 0 {
            kinds.push((rest, String::from("other kinds")));
        }
        kinds.iter().map(|(count, kind)| format!("{count} of {kind}")).collect::<Vec<_>>().join(", ")
    }
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self { counts: HashMap::new(), beyond: 0 }
    }
}

/// In a line each, without those of which there are none.
impl Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "packets in the capture: {}", self.packets())?;
        let other_ip = self.other_ip.list(|number| match number.keyword_str() {
            Some(keyword) => format!("{keyword} (IP protocol {})", number.0),
            None => format!("IP protocol {}", number.0),
        });
        let unread = self.unread.list(|unread| unread.to_string());
        writeln!(f, "  reports of hosts: {}", self.reports)?;
        let lines = [
            ("malformed, skipped", self.malformed, String::new()),
            ("on more links than are told apart, skipped", self.beyond_links, String::new()),
            ("fragments, joined to the last of their packet", self.fragments, String::new()),
            ("fragments of packets that never became whole", self.fragments_left_over, String::new()),
            ("IP without a report", self.other_ip.all(), other_ip),
            ("not looked into", self.unread.all(), unread),
            ("not looked into, blocks of unknown type", self.unknown_blocks, String::new()),
        ];
        for (what, count, kinds) in lines.into_iter().filter(|&(_, count, _)| count > 0) {
            let which = if kinds.is_empty() { kinds } else { format!(": {kinds}") };
            writeln!(f, "  {what}: {count}{which}")?;
        }
        Ok(())
    }
}
