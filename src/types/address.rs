//! Address families, groups and sources.

use std::fmt::{Debug, Display};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnet::{Ipv4Net, Ipv6Net};

/// An address family: [`Ipv4Addr`] or [`Ipv6Addr`], and no other.
///
/// One manager serves one family, so mixing them does not compile. `A: Address` is all that generic code has to ask for,
/// whatever features are on.
pub trait Address: sealed::Family {
    /// A prefix of this family, as the SSM ranges are given: [`Ipv4Net`] or [`Ipv6Net`].
    type Net: sealed::Net;

    /// Whether `net` covers `self`.
    #[must_use]
    fn is_in(self, net: &Self::Net) -> bool;

    /// The prefix that covers `self` and nothing else.
    #[must_use]
    fn host(self) -> Self::Net;

    /// The addresses of `net`, from the first to the last.
    #[must_use]
    fn bounds(net: &Self::Net) -> RangeInclusive<Self>;

    /// The ranges that IANA set aside for source-specific multicast (RFC 4607 §1):
    /// `232.0.0.0/8`, and the sixteen of `ff3x::/32`.
    #[must_use]
    fn default_ssm_ranges() -> Vec<Self::Net>;
}

pub(crate) mod sealed {
    use super::*;

    /// What a feature asks of addresses and prefixes, so that no bound of it spreads through generic code.
    #[cfg(feature = "serde")]
    #[expect(unnameable_types, reason = "this is part of what seals `Address`")]
    pub trait Wire: serde::Serialize + serde::de::DeserializeOwned {}
    #[cfg(feature = "serde")]
    impl<T: serde::Serialize + serde::de::DeserializeOwned> Wire for T {}

    /// Nothing, without the feature.
    #[cfg(not(feature = "serde"))]
    #[expect(unnameable_types, reason = "this is part of what seals `Address`")]
    pub trait Wire {}
    #[cfg(not(feature = "serde"))]
    impl<T> Wire for T {}

    /// What `RouteTable` asks of prefixes: so the version of `prefix_trie` is part of no signature.
    #[cfg(feature = "route-table")]
    #[expect(unnameable_types, reason = "this is part of what seals `Address`")]
    pub trait Trie: prefix_trie::Prefix {}
    #[cfg(feature = "route-table")]
    impl<T: prefix_trie::Prefix> Trie for T {}

    /// Nothing, without the feature.
    #[cfg(not(feature = "route-table"))]
    #[expect(unnameable_types, reason = "this is part of what seals `Address`")]
    pub trait Trie {}
    #[cfg(not(feature = "route-table"))]
    impl<T> Trie for T {}

    #[expect(unnameable_types, reason = "this is what seals `Address`")]
    /// What the crate has to know of a prefix.
    pub trait Net:
        Copy + Debug + Display + Eq + Ord + Hash + FromStr + Wire + Trie + Send + Sync + 'static
    {
    }
    impl Net for Ipv4Net {}
    impl Net for Ipv6Net {}

    #[expect(unnameable_types, reason = "this is what seals `Address`")]
    /// What the crate has to know of an address; sealed, so that only the two families have it.
    pub trait Family:
        Copy
        + Debug
        + Display
        + Eq
        + Ord
        + Hash
        + FromStr
        + Into<IpAddr>
        + Wire
        + Send
        + Sync
        + Sized
        + 'static
    {
        /// The address as a number: numbers compare in one step, addresses octet by octet.
        type Bits: Copy + Debug + Eq + Ord + Hash + Send + Sync;
        const UNSPECIFIED: Self;
        fn bits(self) -> Self::Bits;
        /// The same address, if it is of this family.
        fn from_ip(ip: IpAddr) -> Option<Self>;
        fn is_multicast(self) -> bool;
        /// A multicast address that no router forwards.
        fn is_confined_to_link(self) -> bool;
        /// A unicast address that means something on one link only.
        fn is_link_local(self) -> bool;
        fn is_broadcast(self) -> bool;
        fn is_loopback(self) -> bool;
        /// Feeds two addresses to `state` in as few writes as the family allows.
        fn hash_pair<H: Hasher>(first: Self, second: Self, state: &mut H);
    }
}

impl Address for Ipv4Addr {
    type Net = Ipv4Net;

    fn is_in(self, net: &Ipv4Net) -> bool {
        net.contains(&self)
    }

    fn host(self) -> Ipv4Net {
        self.into()
    }

    fn bounds(net: &Ipv4Net) -> RangeInclusive<Self> {
        net.network()..=net.broadcast()
    }

    fn default_ssm_ranges() -> Vec<Ipv4Net> {
        vec![Ipv4Net::new_assert(Self::new(232, 0, 0, 0), 8)]
    }
}

impl sealed::Family for Ipv4Addr {
    type Bits = u32;

    const UNSPECIFIED: Self = Self::UNSPECIFIED;

    fn bits(self) -> u32 {
        self.to_bits()
    }

    fn from_ip(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    fn is_link_local(self) -> bool {
        Self::is_link_local(&self)
    }

    fn is_multicast(self) -> bool {
        Self::is_multicast(&self)
    }

    fn is_confined_to_link(self) -> bool {
        matches!(self.octets(), [224, 0, 0, _])
    }

    fn is_broadcast(self) -> bool {
        Self::is_broadcast(&self)
    }

    fn is_loopback(self) -> bool {
        Self::is_loopback(&self)
    }

    fn hash_pair<H: Hasher>(first: Self, second: Self, state: &mut H) {
        state.write_u64(u64::from(first.to_bits()) << 32 | u64::from(second.to_bits()));
    }
}

impl Address for Ipv6Addr {
    type Net = Ipv6Net;

    fn is_in(self, net: &Ipv6Net) -> bool {
        net.contains(&self)
    }

    fn host(self) -> Ipv6Net {
        self.into()
    }

    fn bounds(net: &Ipv6Net) -> RangeInclusive<Self> {
        net.network()..=net.broadcast()
    }

    fn default_ssm_ranges() -> Vec<Ipv6Net> {
        (0xff30..=0xff3f).map(|head| Ipv6Net::new_assert(Self::new(head, 0, 0, 0, 0, 0, 0, 0), 32)).collect()
    }
}

impl sealed::Family for Ipv6Addr {
    type Bits = u128;

    const UNSPECIFIED: Self = Self::UNSPECIFIED;

    fn bits(self) -> u128 {
        self.to_bits()
    }

    fn from_ip(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(address),
        }
    }

    fn is_link_local(self) -> bool {
        self.is_unicast_link_local()
    }

    fn is_multicast(self) -> bool {
        Self::is_multicast(&self)
    }

    fn is_confined_to_link(self) -> bool {
        // RFC 4291 §2.7: scope 0 is reserved, 1 is interface-local, 2 is link-local.
        let [first, second, ..] = self.octets();
        first == 0xff && second & 0x0f <= 2
    }

    fn is_broadcast(self) -> bool {
        false
    }

    fn is_loopback(self) -> bool {
        Self::is_loopback(&self)
    }

    fn hash_pair<H: Hasher>(first: Self, second: Self, state: &mut H) {
        state.write_u128(first.to_bits());
        state.write_u128(second.to_bits());
    }
}

/// Why an address cannot stand where it was put.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError<A> {
    /// It is no address, or one of the other family.
    #[error("not an address of this family")]
    NotAnAddress,
    /// A group has to be a multicast address.
    #[error("{0} is not a multicast address")]
    NotMulticast(A),
    /// No router forwards it: the groups of `224.0.0.0/24`, IPv6 groups of scope 0, 1 and 2, and sources of link
    /// scope (`169.254.0.0/16`, `fe80::/10`).
    #[error("{0} is never forwarded off its link")]
    NeverForwarded(A),
    /// A source or next hop has to be the address of one host: not multicast, unspecified, loopback or broadcast.
    #[error("{0} is not the address of one host")]
    NotUnicast(A),
}

/// A multicast group that a router may forward.
///
/// # Example: what is no group
///
/// ```
/// use std::net::Ipv4Addr;
/// use mgm::{AddressError, GroupAddr};
///
/// let group: GroupAddr = "239.1.1.1".parse()?;
/// assert_eq!(group.to_string(), "239.1.1.1");
///
/// let mdns = Ipv4Addr::new(224, 0, 0, 251);
/// assert_eq!(GroupAddr::try_from(mdns), Err(AddressError::NeverForwarded(mdns)));
/// # Ok::<(), AddressError<Ipv4Addr>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent, bound = "A: crate::Address"))]
pub struct GroupAddr<A = Ipv4Addr>(A);

/// The address of a host that sends: one host, and one whose packets a router may forward.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent, bound = "A: crate::Address"))]
pub struct SourceAddr<A = Ipv4Addr>(A);

/// The address of one host or router, as the next hop of a link: unicast, of link scope too.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent, bound = "A: crate::Address"))]
pub struct HostAddr<A = Ipv4Addr>(A);

impl<A: Address> GroupAddr<A> {
    /// Reads `address` as a group; where the family is known, so does `try_from`.
    ///
    /// # Errors
    ///
    /// - [`AddressError::NotMulticast`]: it is not multicast.
    /// - [`AddressError::NeverForwarded`]: it is confined to its link.
    pub fn new(address: A) -> Result<Self, AddressError<A>> {
        if !address.is_multicast() {
            return Err(AddressError::NotMulticast(address));
        }
        if address.is_confined_to_link() {
            return Err(AddressError::NeverForwarded(address));
        }
        Ok(Self(address))
    }

    /// The plain address.
    #[must_use]
    pub const fn address(self) -> A {
        self.0
    }

    pub(crate) const fn trusted(address: A) -> Self {
        Self(address)
    }
}

impl<A: Address> SourceAddr<A> {
    /// Reads `address` as a source; where the family is known, so does `try_from`.
    ///
    /// # Errors
    ///
    /// - [`AddressError::NotUnicast`]: it is multicast, unspecified, loopback or broadcast.
    /// - [`AddressError::NeverForwarded`]: it is of link scope ([MB-4](crate::specification#mb-4)).
    pub fn new(address: A) -> Result<Self, AddressError<A>> {
        let HostAddr(address) = HostAddr::new(address)?;
        if address.is_link_local() { Err(AddressError::NeverForwarded(address)) } else { Ok(Self(address)) }
    }

    /// The plain address.
    #[must_use]
    pub const fn address(self) -> A {
        self.0
    }

    pub(crate) const fn trusted(address: A) -> Self {
        Self(address)
    }
}

impl<A: Address> HostAddr<A> {
    /// Reads `address` as that of a host.
    ///
    /// # Errors
    ///
    /// - [`AddressError::NotUnicast`]: it is multicast, unspecified, loopback or broadcast.
    pub fn new(address: A) -> Result<Self, AddressError<A>> {
        let is_no_host = address.is_multicast()
            || address == A::UNSPECIFIED
            || address.is_loopback()
            || address.is_broadcast();
        if is_no_host { Err(AddressError::NotUnicast(address)) } else { Ok(Self(address)) }
    }

    /// The plain address.
    #[must_use]
    pub const fn address(self) -> A {
        self.0
    }
}

impl<A> From<SourceAddr<A>> for HostAddr<A> {
    fn from(source: SourceAddr<A>) -> Self {
        Self(source.0)
    }
}

/// What each kind of address is made from and into. For all families at once, these would overlap with what `std` has for
/// all types.
macro_rules! of_family {
    ($family:ident, $octets:literal: $($kind:ident),*) => {$(
        impl TryFrom<$family> for $kind<$family> {
            type Error = AddressError<$family>;

            fn try_from(address: $family) -> Result<Self, Self::Error> {
                Self::new(address)
            }
        }

        impl From<$kind<$family>> for $family {
            fn from(address: $kind<$family>) -> Self {
                address.0
            }
        }

        impl $kind<$family> {
            /// The octets, as packets carry them.
            #[must_use]
            pub const fn octets(self) -> [u8; $octets] {
                self.0.octets()
            }
        }
    )*};
}

of_family!(Ipv4Addr, 4: GroupAddr, SourceAddr, HostAddr);
of_family!(Ipv6Addr, 16: GroupAddr, SourceAddr, HostAddr);

/// What each kind of address is made from, read from and printed as, whatever its family.
macro_rules! read_and_print {
    ($($kind:ident),*) => {$(
        /// Packet parsers hand these out; one of the other family is refused.
        impl<A: Address> TryFrom<IpAddr> for $kind<A> {
            type Error = AddressError<A>;

            fn try_from(address: IpAddr) -> Result<Self, Self::Error> {
                Self::new(A::from_ip(address).ok_or(AddressError::NotAnAddress)?)
            }
        }

        impl<A: Address> From<$kind<A>> for IpAddr {
            fn from(address: $kind<A>) -> Self {
                address.0.into()
            }
        }

        impl<A: Address> FromStr for $kind<A> {
            type Err = AddressError<A>;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text.parse().or(Err(AddressError::NotAnAddress))?)
            }
        }

        impl<A: Display> Display for $kind<A> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

read_and_print!(GroupAddr, SourceAddr, HostAddr);
