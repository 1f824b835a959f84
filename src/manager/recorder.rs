//! What happens is numbered, in the order in which the lock was taken, and given to a sink.
//!
//! A manager that is not recorded has no recorder: then all of this is one branch.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use super::panics::Panics;
use crate::engine::{ClientKey, RefreshId};
use crate::error::Error;
use crate::lock::{Mutex, ThreadId, current};
use crate::outcomes::Outcomes;
use crate::record::{Answer, Call, Callback, Caller, Event, Happened, Moment, Party, Setup};
use crate::types::address::Address;
use crate::types::creation::CreationOif;
use crate::types::forwarding::{ForwarderError, MfeStats};
use crate::types::route::Route;
use crate::view::Change;

/// Who gets the events.
pub(crate) type Sink<A> = Box<dyn FnMut(Event<A>) + Send>;

/// The lock of the book is taken under that of the manager, and that of the sink under neither: what runs under it is
/// foreign.
pub(crate) struct Recorder<A: Address> {
    book: Mutex<Book<A>>,
    sink: Mutex<Sink<A>>,
    panics: Arc<Panics>,
}

struct Book<A: Address> {
    /// The number of the next event.
    next: u64,
    /// The first time that the manager was told.
    first: Option<Instant>,
    /// Where calls go on.
    threads: Vec<Thread<A>>,
    /// What the sink has still to be given.
    queue: Vec<Event<A>>,
    /// Who is giving it to the sink.
    giving: Option<ThreadId>,
}

/// The calls that go on in one thread, the innermost last.
struct Thread<A: Address> {
    id: ThreadId,
    going: Vec<Going<A>>,
}

/// A call, of the manager or by it.
enum Going<A: Address> {
    /// It has not had the manager's lock.
    Unnumbered(Box<Happened<A>>),
    Numbered(u64),
}

impl<A: Address> Recorder<A> {
    pub(crate) fn new(setup: Setup<A>, sink: Sink<A>, panics: Arc<Panics>) -> Self {
        let built = Event { number: 0, inside: None, happened: Happened::Built(setup) };
        let book = Book { next: 1, first: None, threads: Vec::new(), queue: vec![built], giving: None };
        let recorder = Self { book: Mutex::new(book), sink: Mutex::new(sink), panics };
        recorder.flush();
        recorder
    }

    /// A time that the manager is told, or answers.
    pub(crate) fn moment(&self, time: Instant) -> Moment {
        let first = *self.book.lock().first.get_or_insert(time);
        Moment::between(first, time)
    }

    /// The manager's lock has been taken: the call that goes on in this thread is later than all that had it before.
    pub(super) fn locked(&self) {
        self.book.lock().number_innermost(current().id());
    }

    /// The manager is called.
    pub(super) fn called<R: Recorded<A>>(
        &self,
        by: Option<ClientKey>,
        call: impl FnOnce(&Self) -> Call<A>,
        act: impl FnOnce() -> R,
    ) -> R {
        let by = by.map(|client| Caller::new(client.name(), client.serial()));
        let happened = Happened::Called { by, call: call(self) };
        self.book.lock().begin(current().id(), Going::Unnumbered(Box::new(happened)));
        let ending = Ending { recorder: self, answer: Answer::Panicked };
        let result = act();
        ending.with(result.answer(self));
        result
    }

    /// The manager calls somebody; what panics has no answer.
    pub(super) fn calls<R: Recorded<A>>(
        &self,
        to: Party,
        callback: Callback<A>,
        act: impl FnOnce() -> Option<R>,
    ) -> Option<R> {
        let mut book = self.book.lock();
        let number = book.note(current().id(), Happened::Calls { to, callback });
        book.begin(current().id(), Going::Numbered(number));
        drop(book);
        self.flush();
        let ending = Ending { recorder: self, answer: Answer::Panicked };
        let result = act();
        if let Some(result) = &result {
            ending.with(result.answer(self));
        }
        result
    }

    fn end(&self, answer: Answer<A>) {
        let mut book = self.book.lock();
        let thread = current().id();
        book.note(thread, Happened::Returned(answer));
        book.end(thread);
        drop(book);
        self.flush();
    }

    /// Gives the sink all that has happened until now. What a sink does that calls the manager waits until that is over.
    fn flush(&self) {
        let this = current().id();
        if self.book.lock().giving == Some(this) {
            return;
        }
        let mut sink = self.sink.lock();
        let next = || self.book.lock().take_queue(this);
        while let Some(events) = next() {
            for event in events {
                self.panics.catch(&"recorder", "record", || sink(event));
            }
        }
    }
}

/// CB-5: nor does the sink harm whoever lets go of the manager.
impl<A: Address> Drop for Recorder<A> {
    fn drop(&mut self) {
        let sink = mem::replace(self.sink.get_mut(), Box::new(|_| ()));
        self.panics.catch(&"recorder", "drop", || drop(sink));
    }
}

impl<A: Address> Book<A> {
    /// What this thread is to give to the sink; nothing, where it is done.
    fn take_queue(&mut self, thread: ThreadId) -> Option<Vec<Event<A>>> {
        let events = mem::take(&mut self.queue);
        self.giving = Some(thread).filter(|_| !events.is_empty());
        self.giving.map(|_| events)
    }

    fn begin(&mut self, thread: ThreadId, going: Going<A>) {
        match self.threads.iter_mut().find(|it| it.id == thread) {
            Some(thread) => thread.going.push(going),
            None => self.threads.push(Thread { id: thread, going: vec![going] }),
        }
    }

    fn end(&mut self, thread: ThreadId) {
        if let Some(place) = self.threads.iter().position(|it| it.id == thread)
            && let Some(found) = self.threads.get_mut(place)
        {
            found.going.pop();
            if found.going.is_empty() {
                self.threads.swap_remove(place);
            }
        }
    }

    /// Writes down what happens inside the innermost call.
    fn note(&mut self, thread: ThreadId, happened: Happened<A>) -> u64 {
        let inside = self.number_innermost(thread);
        self.write(inside, happened)
    }

    fn number_innermost(&mut self, thread: ThreadId) -> Option<u64> {
        let going = &mut self.threads.iter_mut().find(|it| it.id == thread)?.going;
        let innermost = going.pop()?;
        // Whoever was called has a number, and so has every call that had somebody called.
        let around = match going.last() {
            Some(Going::Numbered(number)) => Some(*number),
            Some(Going::Unnumbered(_)) | None => None,
        };
        let number = match innermost {
            Going::Numbered(number) => number,
            Going::Unnumbered(call) => self.write(around, *call),
        };
        self.begin(thread, Going::Numbered(number));
        Some(number)
    }

    fn write(&mut self, inside: Option<u64>, happened: Happened<A>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.queue.push(Event { number, inside, happened });
        number
    }
}

/// A call ends on every path out.
struct Ending<'a, A: Address> {
    recorder: &'a Recorder<A>,
    answer: Answer<A>,
}

impl<A: Address> Ending<'_, A> {
    fn with(mut self, answer: Answer<A>) {
        self.answer = answer;
    }
}

impl<A: Address> Drop for Ending<'_, A> {
    fn drop(&mut self) {
        self.recorder.end(mem::replace(&mut self.answer, Answer::Panicked));
    }
}

/// What a call answers.
pub(crate) trait Recorded<A: Address> {
    fn answer(&self, recorder: &Recorder<A>) -> Answer<A>;

    /// Counts what the manager refused, by its kind.
    fn refusals(&self, _: &mut dyn FnMut(&'static str)) {}
}

impl<A: Address> Recorded<A> for () {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Done
    }
}

impl<A: Address> Recorded<A> for Change {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Change(*self)
    }
}

impl<A: Address> Recorded<A> for ClientKey {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Registered { registration: self.serial() }
    }
}

impl<A: Address> Recorded<A> for RefreshId {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Begun { refresh: self.number() }
    }
}

impl<A: Address> Recorded<A> for MfeStats<A> {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Stats(self.clone())
    }
}

impl<A: Address> Recorded<A> for Route<A> {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Route(Some(*self))
    }
}

impl<A: Address> Recorded<A> for Option<Route<A>> {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Route(*self)
    }
}

impl<A: Address> Recorded<A> for Option<Instant> {
    fn answer(&self, recorder: &Recorder<A>) -> Answer<A> {
        Answer::Next(self.map(|time| recorder.moment(time)))
    }
}

impl<A: Address> Recorded<A> for Vec<CreationOif<A>> {
    fn answer(&self, _: &Recorder<A>) -> Answer<A> {
        Answer::Oifs(self.clone())
    }
}

impl<A: Address> Recorded<A> for Outcomes<A> {
    fn refusals(&self, count: &mut dyn FnMut(&'static str)) {
        self.refused().for_each(|(_, error)| count(error.kind()));
    }

    fn answer(&self, recorder: &Recorder<A>) -> Answer<A> {
        let answer = |outcome: Result<Change, &Error<A>>| match outcome {
            Ok(change) => change.answer(recorder),
            Err(error) => Answer::Refused(error.to_string()),
        };
        Answer::Batch(self.iter().map(answer).collect())
    }
}

impl<A: Address, T: Recorded<A>> Recorded<A> for Result<T, Error<A>> {
    fn refusals(&self, count: &mut dyn FnMut(&'static str)) {
        if let Err(error) = self {
            count(error.kind());
        }
    }

    fn answer(&self, recorder: &Recorder<A>) -> Answer<A> {
        match self {
            Ok(value) => value.answer(recorder),
            Err(error) => Answer::Refused(error.to_string()),
        }
    }
}

impl<A: Address, T: Recorded<A>> Recorded<A> for Result<T, ForwarderError> {
    fn answer(&self, recorder: &Recorder<A>) -> Answer<A> {
        match self {
            Ok(value) => value.answer(recorder),
            Err(error) => Answer::Failed(*error),
        }
    }
}
