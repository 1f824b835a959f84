//! How much hosts can make this router remember.

/// About what a group costs, here and in the manager, in octets.
pub(crate) const GROUP: usize = 640;
/// About what a source of a group costs, here and in the manager.
pub(crate) const SOURCE: usize = 384;

/// What is left of the limits on a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Of the memory for all links.
    pub(crate) octets: usize,
    /// Of the sources on the link.
    pub(crate) sources: usize,
}

/// What there is no room for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Full {
    Memory,
    Sources,
}

impl Room {
    pub(crate) fn take_group(&mut self) -> Result<(), Full> {
        self.octets = self.octets.checked_sub(GROUP).ok_or(Full::Memory)?;
        Ok(())
    }

    pub(crate) fn take_source(&mut self) -> Result<(), Full> {
        let sources = self.sources.checked_sub(1).ok_or(Full::Sources)?;
        self.octets = self.octets.checked_sub(SOURCE).ok_or(Full::Memory)?;
        self.sources = sources;
        Ok(())
    }

    pub(crate) const fn give_source(&mut self) {
        self.octets += SOURCE;
        self.sources += 1;
    }
}
