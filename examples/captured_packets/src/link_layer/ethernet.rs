//! Ethernet, its tags, and what else has its protocol numbers.

use etherparse::{EtherType, Ethernet2HeaderSlice, SingleVlanHeaderSlice};

use super::{Frame, Next};
use crate::{HardwareAddr, Header, Unread};

// EtherTypes that etherparse does not name.
const JUMBO_LLC: EtherType = EtherType(0x8870);
const MPLS: EtherType = EtherType(0x8847);
const MPLS_UPSTREAM: EtherType = EtherType(0x8848);
const OTHER_VLANS: [EtherType; 2] = [EtherType(0x9200), EtherType(0x9300)]; // as 0x9100 does, stand for a second tag
const PBB: EtherType = EtherType(0x88e7);
const PPPOE_SESSION: EtherType = EtherType(0x8864);

impl Frame<'_> {
    pub(super) fn ethernet(&mut self) -> Result<Next, Unread> {
        let header = Ethernet2HeaderSlice::from_slice(self.rest).map_err(|_| Unread::CutShort)?;
        self.sender = HardwareAddr::new(&header.source());
        self.skip(header.slice().len())?;
        Ok(Next::TypeOrLength(header.ether_type()))
    }

    pub(super) fn ether_type(&mut self, ether_type: EtherType) -> Result<Next, Unread> {
        match ether_type {
            EtherType::IPV4 | EtherType::IPV6 => Ok(Next::Ip),
            EtherType::VLAN_TAGGED_FRAME
            | EtherType::PROVIDER_BRIDGING
            | EtherType::VLAN_DOUBLE_TAGGED_FRAME => self.vlan(),
            other if OTHER_VLANS.contains(&other) => self.vlan(),
            MPLS | MPLS_UPSTREAM => Ok(Next::Mpls),
            PPPOE_SESSION => self.pppoe(),
            JUMBO_LLC => Ok(Next::Llc),
            PBB => self.backbone(),
            EtherType(number) => Err(Unread::EtherType(number)),
        }
    }

    pub(super) fn vlan(&mut self) -> Result<Next, Unread> {
        let header = SingleVlanHeaderSlice::from_slice(self.rest).map_err(|_| Unread::CutShort)?;
        let vlan = header.vlan_identifier().value();
        // VLAN 0 is none: the tag is there for the priority only (802.1Q §9.6).
        if vlan != 0 {
            self.headers.push(Header::Vlan(vlan));
        }
        self.skip(header.slice().len())?;
        Ok(Next::TypeOrLength(header.ether_type()))
    }

    /// IEEE 802.1Q §9.7: flags, the service, then a frame of Ethernet.
    pub(super) fn backbone(&mut self) -> Result<Next, Unread> {
        let [_flags, high, middle, low] = self.take()?;
        self.headers.push(Header::Service(u32::from_be_bytes([0, high, middle, low])));
        Ok(Next::Ethernet)
    }

    /// Frame control, receiver, sender, then LLC.
    pub(super) fn fddi(&mut self) -> Result<Next, Unread> {
        let ([_control], _receiver, sender) = (self.take()?, self.take::<6>()?, self.take::<6>()?);
        self.sender = HardwareAddr::new(&sender);
        Ok(Next::Llc)
    }

    /// IEEE 802.5 §3.2: a bit of the sender's address tells that a route follows, whose length it begins with.
    pub(super) fn token_ring(&mut self) -> Result<Next, Unread> {
        const ROUTED: u8 = 0x80;
        let ([_access, _control], _receiver, mut sender) =
            (self.take()?, self.take::<6>()?, self.take::<6>()?);
        if sender[0] & ROUTED != 0 {
            let route = self.rest.first().ok_or(Unread::CutShort)? & 0x1f;
            self.skip(route.into())?;
            sender[0] &= !ROUTED;
        }
        self.sender = HardwareAddr::new(&sender);
        Ok(Next::Llc)
    }

    pub(super) fn llc(&mut self) -> Result<Next, Unread> {
        const UNNUMBERED: u8 = 3;
        let [dsap, ssap, control] = self.take()?;
        match (dsap, ssap, control) {
            (0xaa, 0xaa, UNNUMBERED) => self.snap(),
            (0x06, 0x06, UNNUMBERED) => Ok(Next::Ip),
            (0xfe, 0xfe, UNNUMBERED) => Ok(Next::Nlpid), // RFC 2684 §5.2
            _ => Err(Unread::Llc { dsap, ssap }),
        }
    }

    /// The organisation that has no number stands for EtherTypes (RFC 1042), and so does 0000f8 (802.1H).
    pub(super) fn snap(&mut self) -> Result<Next, Unread> {
        let [high, middle, low] = self.take()?;
        let (oui, protocol) = (u32::from_be_bytes([0, high, middle, low]), u16::from_be_bytes(self.take()?));
        match oui {
            0 | 0xf8 => Ok(Next::EtherType(EtherType(protocol))),
            oui => Err(Unread::Snap { oui, protocol }),
        }
    }

    /// Labels up to the bottom of the stack. What is below is not said (RFC 4928 §2): a first half-byte of 4 or 6 is
    /// IP; else, if it is neither a frame of Ethernet to a group nor one with a control word before (RFC 4385 §3), it
    /// is not known.
    pub(super) fn mpls(&mut self) -> Result<Next, Unread> {
        const BOTTOM: u8 = 1;
        while self.take::<4>()?[2] & BOTTOM == 0 {}
        match *self.rest {
            [first, ..] if matches!(first >> 4, 4 | 6) => Ok(Next::Ip),
            [1, 0, 0x5e, ..] | [0x33, 0x33, ..] => Ok(Next::Ethernet),
            [first, ..] if first >> 4 == 0 => self.after(4, Next::Ethernet),
            _ => Err(Unread::Mpls),
        }
    }
}
