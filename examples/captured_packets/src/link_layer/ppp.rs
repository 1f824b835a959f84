//! PPP, over lines and over Ethernet, and its relatives.

use etherparse::EtherType;

use super::{Frame, Next};
use crate::{Header, Unread};

impl Frame<'_> {
    /// RFC 2516 §4: version and type, code, session, length, then the protocol of PPP.
    pub(super) fn pppoe(&mut self) -> Result<Next, Unread> {
        let [_version_and_type, _code, high, low, _, _] = self.take()?;
        self.headers.push(Header::Session(u16::from_be_bytes([high, low])));
        Ok(Next::PppProtocol)
    }

    /// Not only PPP is framed like HDLC (RFC 1662 §3.1), Cisco's own protocol is as well.
    pub(super) fn ppp(&mut self) -> Result<Next, Unread> {
        match *self.rest {
            [0xff, 3, ..] => self.after(2, Next::PppProtocol),
            [0x0f | 0x8f, 0, ..] => Ok(Next::CiscoHdlc),
            _ => Ok(Next::PppProtocol),
        }
    }

    /// As `pppd` records it: the address, which is always the same, has given its place to the direction.
    pub(super) fn ppp_in_a_direction(&mut self) -> Result<Next, Unread> {
        match *self.rest {
            [_, 3, ..] => self.after(2, Next::PppProtocol),
            _ => self.after(1, Next::Ppp),
        }
    }

    /// RFC 1661 §6.5: a number whose first byte is odd has only that.
    pub(super) fn ppp_protocol(&mut self) -> Result<Next, Unread> {
        let [first] = self.take()?;
        let protocol =
            if first & 1 == 1 { first.into() } else { u16::from_be_bytes([first, self.take::<1>()?[0]]) };
        match protocol {
            0x0021 | 0x0057 => Ok(Next::Ip),
            0x0281 | 0x0283 => Ok(Next::Mpls),
            number => Err(Unread::Ppp(number)),
        }
    }

    pub(super) fn cisco_hdlc(&mut self) -> Result<Next, Unread> {
        let [_address, _control, high, low] = self.take()?;
        Ok(Next::EtherType(EtherType(u16::from_be_bytes([high, low]))))
    }

    /// RFC 2427 §3: an address of some bytes, of which the last is odd, then control and a protocol; or, as Cisco has
    /// it, an EtherType.
    pub(super) fn frame_relay(&mut self) -> Result<Next, Unread> {
        while self.take::<1>()?[0] & 1 == 0 {}
        match *self.rest {
            [3, 0, ..] => self.after(2, Next::Nlpid),
            [3, ..] => self.after(1, Next::Nlpid),
            _ => Ok(Next::EtherType(EtherType(u16::from_be_bytes(self.take()?)))),
        }
    }

    pub(super) fn nlpid(&mut self) -> Result<Next, Unread> {
        match self.take()? {
            [0xcc | 0x8e] => Ok(Next::Ip),
            [0x80] => self.snap(),
            [0xcf] => Ok(Next::Ppp), // RFC 1973
            [other] => Err(Unread::FrameRelay(other)),
        }
    }
}
