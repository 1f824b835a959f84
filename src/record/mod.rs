//! What a manager was asked, and what it did, as values in one order: see
//! [`Builder::record`](crate::Builder::record).

mod answer;
mod call;
mod callback;
mod event;
#[cfg(feature = "serde")]
mod failure;
mod moment;
mod timeline;

pub use answer::Answer;
pub use call::Call;
pub use callback::{Callback, Party};
pub use event::{Caller, Event, Family, Happened, Setup};
pub use moment::Moment;
pub use timeline::Timeline;
