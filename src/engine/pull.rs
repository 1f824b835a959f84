//! What a client is told of an entry; and the rule of FW-6.

/// What a client is told of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Told {
    Pull,
    Stop,
}

/// What the owner of the iif of a forwarding entry was told, and is to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulled {
    pub(super) was_told: bool,
    pub(super) is_told: bool,
    pub(super) has_oifs: bool,
}

/// Why FW-6 looks at a forwarding entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Look {
    /// It was made or renewed, or has a new owner: that is told whatever was told before.
    Making,
    /// Its oifs may have changed.
    Oifs,
}

impl Pulled {
    /// FW-6; RFC 2715 §2, rules 4 and 5: the owner of an iif is to pull an entry, or need not.
    pub(super) const fn told(self, look: Look) -> Option<Told> {
        let is_made = matches!(look, Look::Making);
        if self.is_told {
            if is_made || !self.was_told { Some(Told::Pull) } else { None }
        } else if self.was_told || is_made && !self.has_oifs {
            Some(Told::Stop)
        } else {
            None
        }
    }
}
