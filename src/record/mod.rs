//! What a manager was asked, and what it did, as values in one order: see
//! [`Builder::record`](crate::Builder::record).

mod answer;
mod call;
mod callback;
mod event;
mod moment;

pub use answer::Answer;
pub use call::Call;
pub use callback::{Callback, Party};
pub use event::{Caller, Event, Happened, Setup};
pub use moment::Moment;
