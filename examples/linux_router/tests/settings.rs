//! What is refused in a configuration, and in which line.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use clap::Parser;
use linux_router::arguments::Arguments;
use linux_router::settings::Settings;
use proptest::prelude::*;

/// Why the text of a file is refused.
#[track_caller]
fn refused(text: &str) -> String {
    format!("{:#}", Settings::parse(text).unwrap_err())
}

#[test]
fn a_file_says_what_options_say() {
    let text = "interface = ['eth1', 'eth2']\nstatic = ['eth0']\nquery-interval = 60\nrobustness = 3\n\
                query-response-interval = 5.5\nmax-groups = 100\nmemory = 64\nverbose = true\n";
    assert!(Settings::parse(text).is_ok());
    assert!(Settings::parse("").is_ok(), "what is missing may be among the options");
}

#[test]
fn nonsense_is_refused_with_its_line() {
    for (line, wrong, why) in [
        (2, "query-interval = 0", "0 is not from 0.1 to 31744 seconds"),
        (2, "query-interval = 'long'", "invalid type"),
        (2, "query-interval = inf", "inf is not from"),
        (2, "query-interval = nan", "NaN is not from"),
        (2, "query-interval = -1", "-1 is not from"),
        (2, "robustness = 0", "0 is not from 1 to 7"),
        (2, "robustness = 8", "8 is not from 1 to 7"),
        (2, "robustness = 2.5", "invalid type"),
        (2, "max-groups = 0", "nonzero"),
        (2, "max-sources = -3", "invalid value"),
        (2, "memory = 1", "1 is not from 8 to"),
        (2, "memory = 99999999999", "99999999999 is not from 8 to"),
        (2, "static = ['a name', 'eth0']", "\"a name\" is no name of an interface"),
        (2, "static = ['']", "\"\" is no name"),
        (2, "static = ['sixteen-letters-']", "is no name"),
        (2, "static = 'eth0'", "invalid type"),
        (2, "statics = ['eth0']", "unknown field `statics`"),
        (2, "verbose = 1", "invalid type"),
        (2, "query-interval = 1\nquery-interval = 2", "duplicate"),
        (2, "query-interval", "key with no value"),
        (2, "static = ['eth0', 'eth2', 'eth0']", "static: eth0 is named twice"),
        (3, "\nupstream = 'eth1'", "upstream: eth1 cannot be the upstream interface"),
        (2, "query-response-interval = 126", "query-response-interval: 126s is more than the 125s"),
        (3, "query-interval = 5\nquery-response-interval = 6", "6s is more than the 5s"),
        (3, "ipv4 = true\nipv6 = true", "ipv6: only one of ipv4 and ipv6"),
    ] {
        let told = refused(&format!("interface = ['eth1']\n{wrong}\n"));
        let line = if wrong.starts_with("query-interval = 1\n") { 3 } else { line };
        assert!(told.contains(why), "{wrong}: {told}");
        assert!(told.contains(&format!("line {line}")), "{wrong}: {told}");
    }
}

#[test]
fn nonsense_is_refused_among_the_options() {
    for (wrong, why) in [
        ("--query-interval 0", "'0' for '--query-interval <SECONDS>': 0 is not from 0.1 to 31744 seconds"),
        ("--query-interval soon", "\"soon\" is no number"),
        ("--robustness 8", "8 is not from 1 to 7"),
        ("--robustness two", "\"two\" is no whole number"),
        ("--memory 7", "7 is not from 8 to 1048576 megabytes"),
        ("--max-groups 0", "number would be zero"),
        ("--interface eth/0", "\"eth/0\" is no name of an interface"),
        ("--ipv4 --ipv6", "cannot be used with"),
        ("show everything", "invalid value 'everything'"),
    ] {
        let all = ["linux-router"].into_iter().chain(wrong.split(' '));
        let told = Arguments::try_parse_from(all).unwrap_err().to_string();
        assert!(told.contains(why), "{wrong}: {told}");
    }
}

#[test]
fn options_go_before_the_file() {
    let parse = |text| Settings::parse(text).unwrap();
    let file = parse("interface = ['eth1']\nquery-interval = 60\nrobustness = 3\nipv4 = true");
    let options = parse("query-interval = 20\nipv6 = true");
    let both = parse("interface = ['eth1']\nquery-interval = 20\nrobustness = 3\nipv6 = true");
    assert_eq!(options.over(file), both);
}

#[test]
fn what_takes_a_restart_is_known() {
    let parse = |text| Settings::parse(text).unwrap();
    let old = parse("interface = ['eth1']");
    assert_eq!(old.takes_restart(&parse("interface = ['eth2']\nquery-interval = 3")), [""; 0]);
    let all = "upstream = 'eth0'\nipv4 = true\nmemory = 8\nsocket = '/tmp/x'";
    assert_eq!(old.takes_restart(&parse(all)), ["upstream", "ipv4", "memory", "socket"]);
}

proptest! {
    #[test]
    fn no_text_is_parsed_to_a_panic(text: String, lines in prop::collection::vec("[a-z-]{0,12} ?= ?[\\[0-9'a-z\\]]{0,9}", 0..6)) {
        drop(Settings::parse(&text));
        drop(Settings::parse(&lines.join("\n")));
    }
}
