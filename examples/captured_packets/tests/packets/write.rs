//! Captures, written by the formats' descriptions.

/// What the numbers of a capture are written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    Big,
    Little,
}

pub(crate) const ORDERS: [Order; 2] = [Order::Big, Order::Little];

impl Order {
    pub(crate) fn u16(self, number: u16) -> [u8; 2] {
        if self == Self::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(crate) fn u32(self, number: u32) -> [u8; 4] {
        if self == Self::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }
}

/// A capture in the format pcap.
#[derive(Clone, Debug)]
pub(crate) struct Pcap {
    order: Order,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub(crate) const NANOSECONDS: u32 = 0xa1b2_3c4d;

impl Pcap {
    pub(crate) fn new(order: Order, magic: u32, link_type: u32) -> Self {
        let (major, minor) = (order.u16(2), order.u16(4));
        let (zone, accuracy, snap_length) = (order.u32(0), order.u32(0), order.u32(262_144));
        let (magic, link_type) = (order.u32(magic), order.u32(link_type));
        let version = [major, minor].concat();
        Self {
            order,
            bytes: [magic.as_slice(), &version, &zone, &accuracy, &snap_length, &link_type].concat(),
        }
    }

    pub(crate) fn record(mut self, seconds: u32, fraction: u32, original: u32, frame: &[u8]) -> Self {
        let captured = u32::try_from(frame.len()).unwrap();
        for field in [seconds, fraction, captured, original] {
            self.bytes.extend(self.order.u32(field));
        }
        self.bytes.extend(frame);
        self
    }

    pub(crate) fn frame(self, frame: &[u8]) -> Self {
        self.record(1_700_000_000, 0, u32::try_from(frame.len()).unwrap(), frame)
    }
}

/// One frame in the commonest container.
pub(crate) fn one_frame(link_type: u32, frame: &[u8]) -> Vec<u8> {
    Pcap::new(Order::Little, MICROSECONDS, link_type).frame(frame).bytes
}

/// A capture in the format pcapng.
#[derive(Clone, Debug)]
pub(crate) struct Pcapng {
    order: Order,
    pub(crate) bytes: Vec<u8>,
}

impl Pcapng {
    pub(crate) fn new(order: Order) -> Self {
        Self { order, bytes: Vec::new() }.section(order)
    }

    pub(crate) fn section(mut self, order: Order) -> Self {
        self.order = order;
        let version = [order.u16(1), order.u16(0)].concat();
        let body = [order.u32(0x1a2b_3c4d).as_slice(), &version, &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    pub(crate) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let padded = body.len().next_multiple_of(4);
        let length = self.order.u32(u32::try_from(12 + padded).unwrap());
        let padding = vec![0; padded - body.len()];
        self.bytes.extend([self.order.u32(kind).as_slice(), &length, body, &padding, &length].concat());
        self
    }

    pub(crate) fn interface(self, link_type: u16, snap_length: u32, options: &[(u16, &[u8])]) -> Self {
        let mut body = [self.order.u16(link_type), [0; 2]].concat();
        body.extend(self.order.u32(snap_length));
        for &(code, value) in options {
            body.extend([self.order.u16(code), self.order.u16(u16::try_from(value.len()).unwrap())].concat());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body)
    }

    pub(crate) fn enhanced(self, interface: u32, ticks: u64, frame: &[u8]) -> Self {
        let mut body = self.order.u32(interface).to_vec();
        body.extend(self.ticks_and_frame(ticks, frame));
        self.block(6, &body)
    }

    pub(crate) fn obsolete(self, interface: u16, ticks: u64, frame: &[u8]) -> Self {
        let mut body = [self.order.u16(interface), [0; 2]].concat();
        body.extend(self.ticks_and_frame(ticks, frame));
        self.block(2, &body)
    }

    pub(crate) fn simple(self, original: u32, frame: &[u8]) -> Self {
        let body = [self.order.u32(original).as_slice(), frame].concat();
        self.block(3, &body)
    }

    fn ticks_and_frame(&self, ticks: u64, frame: &[u8]) -> Vec<u8> {
        let (high, low) = (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap());
        let length = u32::try_from(frame.len()).unwrap();
        let numbers = [high, low, length, length].map(|number| self.order.u32(number)).concat();
        [numbers.as_slice(), frame].concat()
    }
}

/// A frame of Ethernet from host 1.
pub(crate) fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let header = [[1, 0, 0x5e, 0, 0, 0x16], [2, 0, 0, 0, 0, 1]].concat();
    [header.as_slice(), &ether_type.to_be_bytes(), payload].concat()
}

/// Something that begins like an IPv4 packet; `number` tells it from others.
pub(crate) fn packet(number: u8) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 1, 2, 0, 0, 192, 0, 2, number, 224, 0, 0, 22];
    packet.extend([0x16, 0, 0, 0, 239, 1, 1, number]);
    packet
}
