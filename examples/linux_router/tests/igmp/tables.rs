//! Tables 8 and 9 of RFC 9776 §6.4 (4 and 5 of RFC 9777 §7.4), row by row, and what they make the manager hold.

use std::net::Ipv4Addr;

use crate::lan::{G, Lan, letters};
use linux_router::igmp::config::Config;
use membership_reports::RecordKind::{self, Allow, Block, IsExclude, IsInclude, ToExclude, ToInclude};

/// A state as the RFC writes it: the mode with its sources, and in EXCLUDE those of Y after a bar. In what a row
/// ends with, each source of A or X is followed by its timer, and EXCLUDE by the group timer:
/// `o` as it was, `g` the group timer as it was, `m` the Group Membership Interval.
struct Row {
    start: &'static str,
    record: (RecordKind, &'static str),
    end: &'static str,
    asks: &'static [&'static str],
}

const fn row(
    start: &'static str,
    record: (RecordKind, &'static str),
    end: &'static str,
    asks: &'static [&'static str],
) -> Row {
    Row { start, record, end, asks }
}

/// The current-state records: Table 8.
const TABLE_8: &[Row] = &[
    // INCLUDE (A)    IS_IN (B)    INCLUDE (A+B)          (B)=GMI
    row("IN ab", (IsInclude, "bc"), "IN ao bm cm", &[]),
    row("IN", (IsInclude, "bc"), "IN bm cm", &[]),
    row("IN ab", (IsInclude, ""), "IN ao bo", &[]),
    // INCLUDE (A)    IS_EX (B)    EXCLUDE (A*B,B-A)      (B-A)=0 Delete (A-B) Group Timer=GMI
    row("IN ab", (IsExclude, "bc"), "EX m bo | c", &[]),
    row("IN ab", (IsExclude, ""), "EX m |", &[]),
    row("IN", (IsExclude, ""), "EX m |", &[]),
    // EXCLUDE (X,Y)  IS_IN (A)    EXCLUDE (X+A,Y-A)      (A)=GMI
    row("EX ab | yz", (IsInclude, "bcy"), "EX g ao bm cm ym | z", &[]),
    // EXCLUDE (X,Y)  IS_EX (A)    EXCLUDE (A-Y,Y*A)      (A-X-Y)=GMI Delete (X-A) Delete (Y-A) Group Timer=GMI
    row("EX ab | yz", (IsExclude, "bcy"), "EX m bo cm | y", &[]),
    row("EX ab | yz", (IsExclude, ""), "EX m |", &[]),
];

/// The filter-mode-change and source-list-change records: Table 9.
const TABLE_9: &[Row] = &[
    // INCLUDE (A)    ALLOW (B)    INCLUDE (A+B)          (B)=GMI
    row("IN ab", (Allow, "bc"), "IN ao bm cm", &[]),
    // INCLUDE (A)    BLOCK (B)    INCLUDE (A)            Send Q(G,A*B)
    row("IN ab", (Block, "bc"), "IN ao bo", &["Q(G,b)"]),
    row("IN ab", (Block, "c"), "IN ao bo", &[]),
    // INCLUDE (A)    TO_EX (B)    EXCLUDE (A*B,B-A)      (B-A)=0 Delete (A-B) Send Q(G,A*B) Group Timer=GMI
    row("IN ab", (ToExclude, "bc"), "EX m bo | c", &["Q(G,b)"]),
    // INCLUDE (A)    TO_IN (B)    INCLUDE (A+B)          (B)=GMI Send Q(G,A-B)
    row("IN ab", (ToInclude, "bc"), "IN ao bm cm", &["Q(G,a)"]),
    row("IN ab", (ToInclude, ""), "IN ao bo", &["Q(G,ab)"]),
    // EXCLUDE (X,Y)  ALLOW (A)    EXCLUDE (X+A,Y-A)      (A)=GMI
    row("EX ab | yz", (Allow, "bcy"), "EX g ao bm cm ym | z", &[]),
    // EXCLUDE (X,Y)  BLOCK (A)    EXCLUDE (X+(A-Y),Y)    (A-X-Y)=Group Timer Send Q(G,A-Y)
    row("EX ab | yz", (Block, "bcy"), "EX g ao bo cg | yz", &["Q(G,bc)"]),
    // EXCLUDE (X,Y)  TO_EX (A)    EXCLUDE (A-Y,Y*A)      (A-X-Y)=Group Timer Delete (X-A) Delete (Y-A)
    //                                                    Send Q(G,A-Y) Group Timer=GMI
    row("EX ab | yz", (ToExclude, "bcy"), "EX m bo cg | y", &["Q(G,bc)"]),
    // EXCLUDE (X,Y)  TO_IN (A)    EXCLUDE (X+A,Y-A)      (A)=GMI Send Q(G,X-A) Send Q(G)
    row("EX ab | yz", (ToInclude, "bcy"), "EX g ao bm cm ym | z", &["Q(G,a)", "Q(G)"]),
    row("EX | yz", (ToInclude, ""), "EX g | yz", &["Q(G)"]),
];

const GROUP_SET: f64 = 0.0;
const SOURCES_SET: f64 = 1.0;
const RECORD: f64 = 10.0;
const GMI: f64 = 260.0;
const LMQT: f64 = 2.0;

/// Brings `lan` to the state that a row starts with: group timer set at 0 s, source timers at 1 s.
fn start(lan: &mut Lan, state: &str) {
    let (wanted, unwanted) = state.split_once('|').unwrap_or((state, ""));
    let (mode, wanted) = (wanted[..2].to_owned(), wanted[2..].trim());
    if mode == "EX" {
        lan.record(ToExclude, G, unwanted.trim());
    }
    lan.pass(SOURCES_SET - GROUP_SET);
    lan.record(Allow, G, wanted);
    lan.pass(RECORD - SOURCES_SET);
    lan.queries.clear();
}

/// The state now, written as in a row.
fn state(lan: &Lan) -> String {
    let Some(state) = lan.state(G) else { return "IN".to_owned() };
    let timer = |at| {
        let known =
            [('o', SOURCES_SET + GMI), ('g', GROUP_SET + GMI), ('m', RECORD + GMI), ('l', RECORD + LMQT)];
        let at = lan.tenths(at);
        known.iter().find(|(_, when)| format!("{:.0}", when * 10.0) == at.to_string()).unwrap().0
    };
    let wanted = state
        .sources
        .iter()
        .filter_map(|&(source, until)| Some(format!(" {}{}", letters([source.address()]), timer(until?))));
    let wanted: String = wanted.collect();
    let zero = state.sources.iter().filter(|(_, until)| until.is_none());
    let zero: Vec<Ipv4Addr> = zero.map(|(source, _)| source.address()).collect();
    match state.exclude {
        None => format!("IN{wanted}"),
        Some(until) => format!("EX {}{wanted} | {}", timer(until), letters(zero)).trim_end().to_owned(),
    }
}

/// With what the querier asks for, its timers go down to the Last Member Query Time (§6.6.3).
fn lowered(row: &Row) -> String {
    let mut end = row.end.to_owned();
    for ask in row.asks {
        let asked = ask.trim_start_matches("Q(G").trim_start_matches(',').trim_end_matches(')');
        if asked.is_empty() {
            end = end.replacen("EX g", "EX l", 1);
        }
        for source in asked.chars() {
            for timer in ['o', 'g', 'm'] {
                end = end.replace(&format!(" {source}{timer}"), &format!(" {source}l"));
            }
        }
    }
    end
}

fn check(rows: &[Row]) {
    for row in rows {
        let named = || format!("{} {:?}({})", row.start, row.record.0, row.record.1);
        let mut lan = Lan::listening(Config::default());
        start(&mut lan, row.start);
        lan.record(row.record.0, G, row.record.1);
        assert_eq!(state(&lan), row.end, "{}", named());
        assert_eq!(lan.asked(), [""; 0], "{}: only the querier asks", named());

        let mut lan = Lan::new(Config::default());
        start(&mut lan, row.start);
        lan.record(row.record.0, G, row.record.1);
        assert_eq!(state(&lan), lowered(row), "{}, as querier", named());
        assert_eq!(lan.asked(), row.asks, "{}", named());
    }
}

#[test]
fn current_state_records() {
    check(TABLE_8);
}

#[test]
fn filter_mode_and_source_list_changes() {
    check(TABLE_9);
}
