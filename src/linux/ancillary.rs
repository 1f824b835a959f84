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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = (HEADER + data.len()).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(WORD), 0);
        bytes
    }

    #[test]
    fn all_messages_are_read() {
        let address = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
        let mut info = address.octets().to_vec();
        info.extend(5_u32.to_ne_bytes());
        let mut control = message(libc::SOL_SOCKET, 99, &[1, 2, 3]);
        control.extend(message(libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT, &1_i32.to_ne_bytes()));
        control.extend(message(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info));
        let expected =
            Ancillary { index: NonZeroU32::new(5), destination: Some(address), hop_limit: Some(1) };
        assert_eq!(Ancillary::read(&control), expected);

        let mut info = 6_u32.to_ne_bytes().to_vec();
        info.extend([0; 8]);
        let control = message(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
        assert_eq!(
            Ancillary::read(&control),
            Ancillary { index: NonZeroU32::new(6), ..Ancillary::default() }
        );
    }

    proptest! {
        /// Lengths that lie, above all, do not make it panic or run for ever.
        #[test]
        fn fuzz_what_comes_beside_a_packet(
            length in prop_oneof![0..80_usize, any::<usize>()],
            kind in prop_oneof![Just(libc::IPV6_PKTINFO), Just(libc::IPV6_HOPLIMIT)],
            rest in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut control = message(libc::IPPROTO_IPV6, kind, &rest);
            control.splice(..WORD, length.to_ne_bytes());
            let ancillary = Ancillary::read(&control);
            prop_assert!(length >= HEADER || ancillary == Ancillary::default());
        }
    }
}
