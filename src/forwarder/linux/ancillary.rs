//! What comes beside a packet: where it came in, and under which address.

use std::net::Ipv6Addr;
use std::num::NonZeroU32;

/// What the kernel says of one packet, as far as it was asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Ancillary {
    /// Where it came in.
    pub(super) index: Option<NonZeroU32>,
    /// What it was sent to; only for IPv6, where the socket does not show the header.
    pub(super) destination: Option<Ipv6Addr>,
    /// Its hop limit; only for IPv6 too.
    pub(super) hop_limit: Option<u8>,
}

/// A control message's header: the length as a `size_t`, level, type; then data, up to the next multiple of a word.
const WORD: usize = size_of::<usize>();
const HEADER: usize = WORD + 8;

impl Ancillary {
    /// Reads control messages.
    pub(super) fn read(mut control: &[u8]) -> Self {
        let mut ancillary = Self::default();
        while let Some((length, header)) = control.split_first_chunk() {
            let length = usize::from_ne_bytes(*length);
            let Some(data) = control.get(HEADER..length) else { break };
            if let Some((level, header)) = header.split_first_chunk()
                && let Some((kind, _)) = header.split_first_chunk()
            {
                ancillary.take(i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind), data);
            }
            control = control.get(length.next_multiple_of(WORD)..).unwrap_or_default();
        }
        ancillary
    }

    fn take(&mut self, level: i32, kind: i32, data: &[u8]) {
        match (level, kind) {
            // struct in_pktinfo: the index comes first.
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => self.index = index(data),
            // struct in6_pktinfo: the address comes first.
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let Some((destination, data)) = data.split_first_chunk::<16>() else { return };
                self.destination = Some(Ipv6Addr::from(*destination));
                self.index = index(data);
            }
            (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                let limit = data.first_chunk().map(|limit| i32::from_ne_bytes(*limit));
                self.hop_limit = limit.and_then(|limit| u8::try_from(limit).ok());
            }
            _ => {}
        }
    }
}

fn index(data: &[u8]) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::from_ne_bytes(*data.first_chunk()?))
}
