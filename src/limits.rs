//! How much the manager may be made to remember.

/// Limits on what clients, and through them the hosts on a LAN, can make the manager remember
/// ([MB-7](crate::specification#mb-7)).
///
/// Each is off unless set. At a limit an add is refused with an error that names it; a delete never is, nor adding again
/// what is stale. What is stale counts: a hand-over makes room for nobody, and takes none from anybody.
///
/// # Example: an interface that anybody may plug into
///
/// ```
/// use mgm::{Limits, Mgm};
///
/// let limits = Limits::default().memberships_per_interface(4096).waiting_alerts(100_000);
/// let mgm = Mgm::builder().limits(limits).build();
/// # drop(mgm);
/// ```
/// # Example: limits of a configuration file, with the feature `serde`
///
/// What is not named is off, and what is no limit is refused.
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use mgm::Limits;
///
/// let limits: Limits = serde_json::from_str(r#"{ "mfes": 10000 }"#)?;
/// assert_eq!(limits, Limits::default().mfes(10_000));
/// assert!(serde_json::from_str::<Limits>(r#"{ "mfs": 10000 }"#).is_err());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Limits {
    /// Memberships and blocks of all clients on all interfaces.
    pub memberships: Option<usize>,
    /// Memberships and blocks on one interface.
    pub memberships_per_interface: Option<usize>,
    /// Memberships and blocks that one client added.
    pub memberships_per_client: Option<usize>,
    /// Alerts that wait for one client.
    pub waiting_alerts: Option<usize>,
    /// Forwarding entries, with those in the making.
    pub mfes: Option<usize>,
    /// Forwarding entries of one group, with those in the making.
    pub mfes_per_group: Option<usize>,
}

impl Limits {
    /// No limit at all.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            memberships: None,
            memberships_per_interface: None,
            memberships_per_client: None,
            waiting_alerts: None,
            mfes: None,
            mfes_per_group: None,
        }
    }

    /// Memberships and blocks of all clients on all interfaces.
    #[must_use]
    pub const fn memberships(mut self, max: usize) -> Self {
        self.memberships = Some(max);
        self
    }

    /// Memberships and blocks on one interface.
    #[must_use]
    pub const fn memberships_per_interface(mut self, max: usize) -> Self {
        self.memberships_per_interface = Some(max);
        self
    }

    /// Memberships and blocks that one client added.
    #[must_use]
    pub const fn memberships_per_client(mut self, max: usize) -> Self {
        self.memberships_per_client = Some(max);
        self
    }

    /// Forwarding entries, with those in the making.
    #[must_use]
    pub const fn mfes(mut self, max: usize) -> Self {
        self.mfes = Some(max);
        self
    }

    /// Forwarding entries of one group, with those in the making.
    #[must_use]
    pub const fn mfes_per_group(mut self, max: usize) -> Self {
        self.mfes_per_group = Some(max);
        self
    }

    /// Alerts that wait for one client while it is busy with another.
    ///
    /// An add is refused if so many wait when it begins, or would when its first page is done: so a client that is
    /// slow to take its alerts holds up those who cause them, and the memory for them does not grow.
    #[must_use]
    pub const fn waiting_alerts(mut self, max: usize) -> Self {
        self.waiting_alerts = Some(max);
        self
    }
}
