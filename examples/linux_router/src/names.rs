//! The names of the interfaces in use, for what is told to people.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use parking_lot::RwLock;

/// Names by index.
#[derive(Debug, Default)]
pub struct Names(RwLock<BTreeMap<NonZeroU32, String>>);

impl Names {
    pub(crate) fn set(&self, index: NonZeroU32, name: &str) {
        self.0.write().insert(index, name.to_owned());
    }

    pub(crate) fn forget(&self, index: NonZeroU32) {
        self.0.write().remove(&index);
    }

    /// The name; for an interface that is not in use, its number.
    pub(crate) fn get(&self, index: NonZeroU32) -> String {
        self.0.read().get(&index).cloned().unwrap_or_else(|| index.to_string())
    }
}
