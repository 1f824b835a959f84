//! The router as a process.

use std::cell::RefCell;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};

use crate::lan::until;
use netns::Namespace;

/// A running router; one that is still there when the test ends is killed.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) out: Text,
    pub(crate) err: Text,
}

/// What a process has written so far.
#[derive(Clone, Default)]
pub(crate) struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    fn follow(mut from: impl Read + Send + 'static) -> Self {
        let text = Self::default();
        let written = text.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                written.0.lock().extend(&buffer[..length]);
            }
        });
        text
    }

    pub(crate) fn get(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }

    pub(crate) fn contains(&self, words: &str) -> bool {
        self.get().contains(words)
    }
}

impl Daemon {
    pub(crate) fn start(namespace: &Namespace, arguments: &str) -> Self {
        Self::start_with(namespace, arguments, |command| command)
    }

    /// The same with other things of the process set.
    pub(crate) fn start_with(
        namespace: &Namespace,
        arguments: &str,
        set: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linux-router"));
        set(command.args(arguments.split(' ')).env("NO_COLOR", "1").env_remove("RUST_BACKTRACE"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = namespace.run(|| command.spawn().unwrap());
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, out: Text::follow(out), err: Text::follow(err) }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What SIGUSR1 prints, once it is so.
    pub(crate) fn shows(&self, so: impl Fn(&str) -> bool) {
        let shown = RefCell::new(String::new());
        until(
            || format!("shown: {}", shown.borrow()),
            || {
                let before = self.out.get().len();
                self.signal(Signal::USR1);
                until(|| "tables".to_owned(), || self.out.get()[before..].ends_with('\n'));
                shown.replace(self.out.get()[before..].to_owned());
                so(&shown.borrow())
            },
        );
    }

    /// What `show` prints.
    pub(crate) fn ask(socket: &Path, arguments: &str) -> String {
        Self::answer(socket, "show", arguments)
    }

    /// What `why` prints.
    pub(crate) fn ask_why(socket: &Path, arguments: &str) -> String {
        Self::answer(socket, "why", arguments)
    }

    /// What `why` says when it has no answer.
    pub(crate) fn ask_why_in_vain(socket: &Path, arguments: &str) -> String {
        let output = Self::put(socket, "why", arguments);
        assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()));
        String::from_utf8(output.stderr).unwrap()
    }

    fn answer(socket: &Path, question: &str, arguments: &str) -> String {
        let output = Self::put(socket, question, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn put(socket: &Path, question: &str, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linux-router"));
        command.arg(question).args(arguments.split_whitespace()).arg("--socket").arg(socket);
        command.env_remove("RUST_BACKTRACE").output().unwrap()
    }

    /// Octets that are resident.
    pub(crate) fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// Waits for its end.
    pub(crate) fn exit(&mut self) -> ExitStatus {
        let mut status = None;
        until(
            || "it ends".to_owned(),
            || {
                status = self.child.try_wait().unwrap();
                status.is_some()
            },
        );
        status.unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
        if thread::panicking() {
            eprintln!("the router wrote:\n{}{}", self.err.get(), self.out.get());
        }
    }
}
