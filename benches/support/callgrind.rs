//! Counting instructions by Valgrind's `callgrind`, of a scene of this bench that runs in a process of its own.

use std::fmt::Display;
use std::hint::black_box;
use std::process::Command;

/// What is counted: all that `run` does, and nothing outside.
#[inline(never)]
pub(crate) fn measured<R>(run: impl FnOnce() -> R) -> R {
    black_box(run())
}

pub(crate) fn is_installed() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok()
}

/// What was counted in a run of this bench with such arguments, and what it printed.
pub(crate) fn count(arguments: &[&dyn Display]) -> (u64, String) {
    let me = std::env::current_exe().expect("it has a name");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*measured*"])
        .arg(me)
        .args(arguments.iter().map(ToString::to_string))
        .output()
        .expect("valgrind runs");
    let [said, counted] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{counted}");
    let collected = counted.lines().find_map(|line| line.split_once("Collected :")).expect("the count");
    (collected.1.trim().parse().expect("a number"), said)
}
