//! The statements of the specification one by one: the name of a test begins with the one that it proves.
//!
//! Every file is compiled for each of the two families, whose address is `A` there.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../support/mod.rs"]
mod support;

#[path = "."]
mod v4 {
    use std::net::Ipv4Addr as A;

    mod alerts;
    mod callbacks;
    mod clients;
    mod creation;
    mod enumeration;
    mod errors;
    mod expiry;
    mod faults;
    mod forwarder;
    mod handover;
    mod limits;
    mod membership;
    mod oifs;
    mod ownership;
    mod races;
    mod release;
    mod routes;
    mod spans;
    #[cfg(feature = "route-table")]
    mod table;
    mod upstream;
}

#[path = "."]
#[expect(clippy::duplicate_mod, reason = "the same tests for the other family")]
mod v6 {
    use std::net::Ipv6Addr as A;

    mod alerts;
    mod callbacks;
    mod clients;
    mod creation;
    mod enumeration;
    mod errors;
    mod expiry;
    mod faults;
    mod forwarder;
    mod handover;
    mod limits;
    mod membership;
    mod oifs;
    mod ownership;
    mod races;
    mod release;
    mod routes;
    mod spans;
    #[cfg(feature = "route-table")]
    mod table;
    mod upstream;
}

mod types;
