//! The example as a person runs it.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Output, Stdio};

use super::{IGMP_V3, naive};

pub(crate) fn example(arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(["run", "--quiet", "--example", "handover", "--"]).args(arguments);
    command
}

fn run(arguments: &[&OsStr]) -> (Output, String, String) {
    let output = example(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    (output, stdout, stderr)
}

/// Replays a capture of these octets.
fn run_capture(name: &str, pcap: &[u8]) -> (Output, String, String) {
    let path = std::env::temp_dir().join(format!("handover-{}-{name}", std::process::id()));
    fs::write(&path, pcap).unwrap();
    let result = run(&[path.as_os_str()]);
    fs::remove_file(path).unwrap();
    result
}

/// PIM, which has no part in a hand-over, hears nothing.
const TAKEN: &str = "
               DVMRP → take_interface_ownership    interface 1
               IGMP  ← disable_igmp                interface 1
               DVMRP ← local_join                  (*, 239.1.1.1), (*, 239.1.1.2), (*, 239.2.2.2), (198.51.100.7, 232.1.1.1) and 1 more
               DVMRP ← prune_alert                 (*, 239.1.1.1), (*, 239.1.1.2), (*, 239.2.2.2)
               IGMP  ← enable_igmp                 interface 1
               IGMP  → set_group                   232.1.1.1 INCLUDE {198.51.100.7, 198.51.100.8}, 239.1.1.1 EXCLUDE {} and 2 more

               interface  owner  IGMP  memberships and blocks
               1          DVMRP  yes   (*, 239.1.1.1), (*, 239.1.1.2), (*, 239.2.2.2), (198.51.100.7, 232.1.1.1) and 1 more
               2          PIM    no    nothing
";
const RELEASED: &str = "
               DVMRP → release_interface_ownership interface 1
               IGMP  ← disable_igmp                interface 1
               DVMRP ← join_alert                  (*, 239.1.1.2)
               DVMRP ← local_leave                 (*, 239.1.1.2), (198.51.100.7, 232.1.1.1), (198.51.100.8, 232.1.1.1)
               IGMP  ← enable_igmp                 interface 1
               IGMP  → set_group                   232.1.1.1 INCLUDE {198.51.100.7, 198.51.100.8}, 239.1.1.2 EXCLUDE {}

               interface  owner  IGMP  memberships and blocks
               1          IGMP   yes   (*, 239.1.1.2), (198.51.100.7, 232.1.1.1), (198.51.100.8, 232.1.1.1)
               2          PIM    no    nothing
";

#[test]
fn without_arguments_it_shows_two_hand_overs() {
    let (output, stdout, stderr) = run(&[]);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let mut rest = stdout.as_str();
    for expected in [
        "IGMP  → set_group                   239.1.1.1 EXCLUDE {}\n",
        "PIM   ← join_alert                  (*, 239.1.1.1)\n",
        TAKEN,
        "PIM   ← prune_alert                 (*, 239.2.2.2)\n",
        RELEASED,
        "  26 ",
        "1          IGMP   yes   nothing",
        "2          PIM    no    nothing",
    ] {
        let at = rest.find(expected).unwrap_or_else(|| panic!("no {expected} there:\n{stdout}"));
        rest = &rest[at + expected.len()..];
    }
    for callback in ["disable_igmp", "enable_igmp"] {
        assert_eq!(stdout.matches(callback).count(), 2, "{stdout}");
    }
}

#[test]
fn every_capture_is_replayed_in_a_readable_size() {
    for capture in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data")).unwrap() {
        let path = capture.unwrap().path();
        if path.extension() == Some(OsStr::new("pcap")) {
            let (output, stdout, stderr) = run(&[path.as_os_str()]);
            assert_eq!(output.status.code(), Some(0), "{stderr}");
            assert_eq!(stdout.matches("enable_igmp").count(), 2, "{stdout}");
            assert!(
                stdout.len() < 30_000 && stdout.lines().all(|line| line.chars().count() < 180),
                "{stdout}"
            );
        }
    }
}

#[test]
fn a_damaged_capture_is_replayed_up_to_the_damage_and_fails() {
    let last = naive::frames(IGMP_V3).last().unwrap().end;
    let (output, stdout, stderr) = run_capture("cut.pcap", &IGMP_V3[..last - 1]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.ends_with("handover: the capture ends in the middle of packet 26\n"), "{stderr}");
    assert!(stdout.contains("  25    7.608  192.0.2.11 IGMPv3: 232.1.1.1 BLOCK {198.51.100.8}"), "{stdout}");
    assert!(!stdout.contains("  26 "), "{stdout}");
}

#[test]
fn what_cannot_be_read_fails_with_a_reason() {
    let (output, _, stderr) = run_capture("text.pcap", b"not a capture, by far");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("handover: this is no capture of the formats pcap or pcapng"), "{stderr}");

    let (output, stdout, stderr) = run(&[OsStr::new("no such file")]);
    assert_eq!((output.status.code(), stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("handover: no such file: "), "{stderr}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = example(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
}
