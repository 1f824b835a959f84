//! The headers that systems put before what they capture.

use etherparse::EtherType;
use pcap_file::DataLink;

use super::{Frame, Next};
use crate::{HardwareAddr, Header, Unread};

impl Frame<'_> {
    /// BSD's loopback: the address family, in the byte order of the host that captured, whichever that is. IPv6 has
    /// another number on each system.
    pub(super) fn family(&mut self) -> Result<Next, Unread> {
        let bytes = self.take()?;
        match u32::from_be_bytes(bytes).min(u32::from_le_bytes(bytes)) {
            2 | 10 | 23 | 24 | 28 | 30 => Ok(Next::Ip),
            number => Err(Unread::Family(number)),
        }
    }

    pub(super) fn any_ip(&self) -> Result<Next, Unread> {
        match self.rest.first().ok_or(Unread::CutShort)? >> 4 {
            4 | 6 => Ok(Next::Ip),
            version => Err(Unread::IpVersion(version)),
        }
    }

    /// OpenBSD's `enc`: family, number and flags of the security association, then the packet in the clear.
    pub(super) fn ipsec_enclosed(&mut self) -> Result<Next, Unread> {
        self.skip(12)?;
        Ok(Next::AnyIp)
    }

    /// OpenBSD's `pflog`: the length of the header, which is padded to words, comes first.
    pub(super) fn packet_filter_log(&mut self) -> Result<Next, Unread> {
        let length = *self.rest.first().ok_or(Unread::CutShort)?;
        self.skip(usize::from(length).next_multiple_of(4))?;
        Ok(Next::AnyIp)
    }

    /// Linux's `nflog`: family, version and group, then values with their length and type before, in the byte order of
    /// the host that captured. The packet is the value of type 9.
    pub(super) fn netfilter_log(&mut self) -> Result<Next, Unread> {
        const PACKET: u16 = 9;
        self.skip(4)?;
        loop {
            let [length_low, length_high, type_low, type_high] = self.take()?;
            let little_endian = u16::from_le_bytes([type_low, type_high]);
            let (length, kind) = if little_endian < 256 {
                (u16::from_le_bytes([length_low, length_high]), little_endian)
            } else {
                (u16::from_be_bytes([length_low, length_high]), little_endian.swap_bytes())
            };
            if kind == PACKET {
                return Ok(Next::AnyIp);
            }
            self.skip(usize::from(length).next_multiple_of(4).saturating_sub(4))?;
        }
    }

    /// `tcpdump -i any` before 4.99: direction, type of the device, sender, protocol.
    pub(super) fn cooked(&mut self) -> Result<Next, Unread> {
        let [_, _, device_high, device_low, _, length] = self.take()?;
        let (address, protocol) = (self.take::<8>()?, self.take()?);
        self.cooked_content([device_high, device_low], length, address, protocol)
    }

    /// The same since 4.99: the number of the interface is there as well.
    pub(super) fn cooked_version_2(&mut self) -> Result<Next, Unread> {
        let (protocol, [_, _]) = (self.take()?, self.take()?);
        let device = u32::from_be_bytes(self.take()?);
        self.headers.push(Header::Device(device));
        let [device_high, device_low, _, length] = self.take()?;
        let address = self.take::<8>()?;
        self.cooked_content([device_high, device_low], length, address, protocol)
    }

    pub(super) fn cooked_content(
        &mut self,
        device: [u8; 2],
        address_length: u8,
        address: [u8; 8],
        protocol: [u8; 2],
    ) -> Result<Next, Unread> {
        self.sender = address.get(..usize::from(address_length).min(8)).and_then(HardwareAddr::new);
        match (u16::from_be_bytes(device), u16::from_be_bytes(protocol)) {
            (801, _) => self.wifi(), // ARPHRD_IEEE80211
            (803, _) => self.radiotap(),
            (_, 4) => Ok(Next::Llc), // ETH_P_802_2
            (_, protocol) => Ok(Next::EtherType(EtherType(protocol))),
        }
    }

    /// macOS: the length of the header, its type, and the link type of what follows, all with the low byte first, then
    /// the name of the interface.
    pub(super) fn pktap(&mut self) -> Result<Next, Unread> {
        let whole = self.rest;
        let (length, _type) = (u32::from_le_bytes(self.take()?), self.take::<4>()?);
        let (link_type, name) = (u32::from_le_bytes(self.take()?), self.take::<24>()?);
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        self.headers.push(Header::Name(String::from_utf8_lossy(name).into_owned()));
        self.rest =
            usize::try_from(length).ok().and_then(|length| whole.get(length..)).ok_or(Unread::CutShort)?;
        Ok(Next::LinkType(DataLink::from(link_type)))
    }

    /// Version, flags, length of the header and link type of what follows, with the low byte first.
    pub(super) fn per_packet_information(&mut self) -> Result<Next, Unread> {
        let whole = self.rest;
        let [_version, _flags, low, high] = self.take()?;
        let link_type = u32::from_le_bytes(self.take()?);
        self.rest = whole.get(usize::from(u16::from_le_bytes([low, high]))..).ok_or(Unread::CutShort)?;
        Ok(Next::LinkType(DataLink::from(link_type)))
    }
}
