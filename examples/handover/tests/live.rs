//! A capture in progress, as a person runs it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use super::frames::{REPORT_V2, igmp_v2, on_ethernet, pcap};
use super::process::example;

/// No test needs it; without what it waits for it fails after that.
const LONG: Duration = Duration::from_secs(60);

fn start() -> Child {
    example(&["-".as_ref()]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Host `number` joins a group of its own.
fn join(number: u8) -> Vec<u8> {
    on_ethernet(number, &igmp_v2(&format!("192.0.2.{number}"), REPORT_V2, &format!("239.1.1.{number}")))
}

/// What a replay prints, line by line.
struct Lines(Receiver<String>);

impl Lines {
    fn of(output: ChildStdout) -> Self {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut read = BufReader::new(output).lines().map_while(Result::ok);
            read.try_for_each(|line| sender.send(line))
        });
        Self(lines)
    }

    /// Reads up to a line that contains `text`.
    fn read_until(&self, text: &str) {
        let next = || self.0.recv_timeout(LONG).unwrap_or_else(|_| panic!("no {text}"));
        while !next().contains(text) {}
    }
}

#[test]
fn each_report_is_replayed_as_soon_as_it_is_captured() {
    let mut child = start();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let lines = Lines::of(output);
    let capture = pcap(1, &(1..=25).map(join).collect::<Vec<_>>());
    let record = (capture.len() - 24) / 25;
    for (number, end) in (1..=25).map(|number| (number, 24 + number * record)) {
        let start = if number == 1 { 0 } else { end - record };
        input.write_all(&capture[start..end]).unwrap();
        match number {
            11 => lines.read_until("DVMRP → take_interface_ownership"),
            21 => lines.read_until("DVMRP → release_interface_ownership"),
            _ => {}
        }
        lines.read_until(&format!("192.0.2.{number} IGMPv2: 239.1.1.{number} report"));
    }
    drop(input);
    lines.read_until("1          IGMP   yes   (*, 239.1.1.1)");
    lines.read_until("packets in the capture: 25");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_capture_of_few_reports_ends_with_the_hand_overs_that_are_due() {
    let mut child = start();
    child.stdin.take().unwrap().write_all(&pcap(1, &[join(1)])).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert_eq!(text.matches("enable_igmp").count(), 2, "{text}");
    assert!(text.contains("1          IGMP   yes   (*, 239.1.1.1)\n"), "{text}");
}

#[test]
fn a_capture_without_reports_says_so() {
    let mut child = start();
    child.stdin.take().unwrap().write_all(&pcap(147, &[vec![0; 9]])).unwrap();
    let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(text.contains("not looked into: 1: 1 of link type 147 (USER0)"), "{text}");
}

/// Else a capture would go on for nobody.
#[test]
fn a_replay_that_nobody_reads_any_more_ends() {
    let mut child = start();
    let mut input = child.stdin.take().unwrap();
    drop(child.stdout.take());
    input.write_all(&pcap(1, &[join(1)])).unwrap();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait()));
    assert!(ended.recv_timeout(LONG).unwrap().unwrap().success());
    drop(input); // until here the capture went on
}

/// The terminal sends it to the whole pipeline: who captures ends, and what it captured last is still replayed.
#[cfg(unix)]
#[test]
fn ctrl_c_waits_for_the_end_of_the_capture() {
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--example", "handover"]);
    assert!(build.status().unwrap().success());
    let program = std::env::current_exe().unwrap().with_file_name("handover");
    let start =
        || Command::new(&program).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let interrupt = |child: &Child| {
        let kill = format!("kill -INT {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    };
    for times in [1, 2] {
        let mut child = start();
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let lines = Lines::of(output);
        let capture = pcap(1, &[join(1), join(2)]);
        let first = (capture.len() + 24) / 2;
        input.write_all(&capture[..first]).unwrap();
        lines.read_until("192.0.2.1 IGMPv2");
        (0..times).for_each(|_| interrupt(&child));
        if times == 1 {
            input.write_all(&capture[first..]).unwrap();
            drop(input);
            lines.read_until("192.0.2.2 IGMPv2");
            lines.read_until("packets in the capture: 2");
            assert!(child.wait().unwrap().success());
        } else {
            assert!(!child.wait().unwrap().success());
        }
    }
}
