//! The example `two_protocols` as a person runs it.

use std::process::Command;

#[test]
fn the_story_is_told_and_holds() {
    let mut example = Command::new(env!("CARGO"));
    example.current_dir(env!("CARGO_MANIFEST_DIR")).args(["run", "--quiet", "--example", "two_protocols"]);
    let output = example.output().unwrap();
    let (told, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    let mut rest = told.as_str();
    for line in KEY_LINES {
        let (_, after) =
            rest.split_once(line).unwrap_or_else(|| panic!("no {line:?} in what is left: {rest}"));
        rest = after;
    }
    assert_eq!(rest, "\n");
}

/// In this order, with other lines between them.
const KEY_LINES: [&str; 16] = [
    HANDED_OVER,
    "PIM    rpf               (10.0.0.1, 239.1.1.1), 10.0.0.0/8 on 1",
    "PIM    join_alert        (10.0.0.1, 239.1.1.1), forwarding entry",
    "+ (10.0.0.1, 239.1.1.1): from 1 of PIM by 10.0.0.0/8 to 3",
    "DVMRP  local_block       (10.0.0.1, 239.1.1.1) on 3",
    "PIM    join_alert        (*, *), membership",
    "PIM    prune_alert       (10.0.0.1, 232.1.1.1), membership",
    "+ (10.0.0.1, 239.1.1.1): from 4 of DVMRP by 10.0.0.0/8 to 3",
    "13. DVMRP offers 3 to PIM, and PIM takes it; 3 is handed over once.\n   IGMP   disable_igmp      on 3",
    "DVMRP  local_leave       (10.0.0.1, 232.1.1.1) on 3",
    OFFERED,
    "PIM    interface_removed 3",
    "10.0.0.1  232.1.1.1  4    DVMRP  -         00:01:00  00:14:00  1        2",
    "2          yes  IGMP wants (10.0.0.1, 232.1.1.1), for PIM",
    "DVMRP ends.",
    "After each of 16 steps, exactly what others want was pulled.",
];

/// For PIM, which has no part in it, nothing has changed.
const HANDED_OVER: &str = "
3. DVMRP takes 3 and 4; 3 is handed over.
   IGMP   disable_igmp      on 3
   DVMRP  local_join        (*, 239.1.1.1) on 3
   DVMRP  prune_alert       (*, 239.1.1.1), membership
   IGMP   enable_igmp       on 3
   - 3: owner IGMP
   + 3: owner DVMRP, with IGMP
   + 4: owner DVMRP
   - (*, 239.1.1.1): 3 by IGMP
   + (*, 239.1.1.1): 3 by IGMP for DVMRP
";

/// No forwarding entry has changed, and every membership is there, and counts for the new owner of 3.
const OFFERED: &str = "
   IGMP   enable_igmp       on 3
   - 3: owner DVMRP, with IGMP
   + 3: owner PIM, with IGMP
   - (10.0.0.1, 232.1.1.1): 3 by IGMP for DVMRP
   + (10.0.0.1, 232.1.1.1): 3 by IGMP for PIM
   - (*, 239.1.1.1): 3 by IGMP for DVMRP
   + (*, 239.1.1.1): 3 by IGMP for PIM

14. Interface 3 is removed.
";
