//! Forwarding entries, statement by statement: the name of a test begins with the one that it proves.
//!
//! Every file is compiled for each of the two families, whose address is `A` there.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

#[path = "."]
mod v4 {
    use std::net::Ipv4Addr as A;

    mod creation;
    mod enumeration;
    mod expiry;
    mod faults;
    mod forwarder;
    mod interfaces;
    mod limits;
    mod oifs;
    mod races;
    mod routes;
    #[cfg(feature = "route-table")]
    mod table;
    mod upstream;
}

#[path = "."]
#[expect(clippy::duplicate_mod, reason = "the same tests for the other family")]
mod v6 {
    use std::net::Ipv6Addr as A;

    mod creation;
    mod enumeration;
    mod expiry;
    mod faults;
    mod forwarder;
    mod interfaces;
    mod limits;
    mod oifs;
    mod races;
    mod routes;
    #[cfg(feature = "route-table")]
    mod table;
    mod upstream;
}
