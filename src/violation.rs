//! A statement that does not hold.

/// A statement of the [specification](crate::specification) that does not hold: what [`Mgm::check`](crate::Mgm::check)
/// finds. It is a defect of this crate.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{statement} does not hold: {what}")]
pub struct Violation {
    /// The code of the statement.
    pub statement: &'static str,
    /// How it is broken.
    pub what: String,
}

impl Violation {
    pub(crate) fn unless(
        holds: bool,
        statement: &'static str,
        what: impl FnOnce() -> String,
    ) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self { statement, what: what() }) }
    }
}
