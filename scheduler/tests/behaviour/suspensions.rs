//! Nodes that an audit caught, and what time nodes have for audits.

use scheduler::NodeId;

use crate::transcript::{play, with_small};

#[test]
fn a_suspended_node_gets_nothing_and_what_it_gives_back_goes_to_another() {
    play(&with_small(
        "0 | join n1 native SMALL         |
         0 | ask p1 SMALL resumable       | p1 to n1 with SMALL
         1 | start p1 on n1               |
         1 | join n2 browser SMALL        |
         2 | suspend n1                   |
         2 | fail p1 on n1 retryable      | p1 to n2 with SMALL
         3 | ask p2 SMALL                 |
         4 | reinstate n1                 | p2 to n1 with SMALL",
    ));
}

#[test]
fn it_stays_suspended_when_it_joins_again() {
    play(&with_small(
        "0 | join n1 native SMALL suspended |
         0 | ask p1 SMALL                   | give up p1: no node
         1 | reinstate n1                   |
         2 | ask p1 SMALL                   | p1 to n1 with SMALL",
    ));
}

#[test]
fn an_audit_never_takes_the_last_free_slot_of_a_busy_node_nor_goes_before_a_prompt() {
    let has_time = |transcript: &str| play(&with_small(transcript)).has_time_for_audits(NodeId(1));
    assert!(has_time("0 | join n1 native SMALL |"));
    assert!(!has_time(
        "0 | join n1 native SMALL |
         0 | ask p1 SMALL         | p1 to n1 with SMALL"
    ));
    assert!(!has_time(
        "0 | join n1 native SMALL 2 |
         0 | ask p1 SMALL           | p1 to n1 with SMALL"
    ));
    assert!(has_time(
        "0 | join n1 native SMALL 3 |
         0 | ask p1 SMALL           | p1 to n1 with SMALL"
    ));
    let waits_elsewhere = "0 | join n1 native SMALL  |
         0 | join n2 browser SMALL |
         0 | ask p1 SMALL browser  | p1 to n2 with SMALL
         0 | ask p2 SMALL browser  |";
    assert!(has_time(waits_elsewhere));
    let waits_for_its_rest_to_end = "0 | join n1 native SMALL     |
         0 | ask p1 SMALL             | p1 to n1 with SMALL
         0 | fail p1 on n1 retryable  | give up p1: failed
         0 | ask p2 SMALL             | p2 to n1 with SMALL
         0 | fail p2 on n1 retryable  | give up p2: failed
         0 | ask p3 SMALL             | p3 to n1 with SMALL
         0 | fail p3 on n1 retryable  | give up p3: failed
         1 | ask p4 SMALL             |";
    assert!(!has_time(waits_for_its_rest_to_end));
    assert!(!has_time("0 | join n1 native SMALL paused |"));
    assert!(!has_time("0 | leave n1 |"));
}
