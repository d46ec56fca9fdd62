//! Nodes that are kept for their owner's prompts, as transcripts.

use crate::transcript::{play, with_small};

#[test]
fn a_node_that_wants_only_its_owners_prompts_gets_nobody_elses() {
    play(&with_small(
        "0 | join n1 browser SMALL of:aino only-own |
         0 | ask p1 SMALL                          | give up p1: no node
         0 | ask p2 SMALL of:eino                  | give up p2: no node
         0 | ask p3 SMALL of:aino                  | p3 to n1 with SMALL
         0 | ask p4 SMALL of:aino                  |
         1 | finish p3 on n1                       | p4 to n1 with SMALL",
    ));
}

#[test]
fn without_an_owner_only_own_takes_nothing() {
    play(&with_small(
        "0 | join n1 browser SMALL only-own |
         0 | ask p1 SMALL                  | give up p1: no node
         0 | ask p2 SMALL of:aino          | give up p2: no node",
    ));
}

#[test]
fn the_switch_may_be_turned_at_any_time_and_what_runs_goes_on() {
    play(&with_small(
        "0  | join n1 browser SMALL of:aino |
         0  | ask p1 SMALL                 | p1 to n1 with SMALL
         0  | ask p2 SMALL                 |
         1  | only-own n1 on               |
         2  | ask p3 SMALL of:aino         |
         3  | finish p1 on n1              | p3 to n1 with SMALL
         11 | time                         | give up p2: no node
         12 | ask p4 SMALL                 | give up p4: no node
         13 | only-own n1 off              |
         13 | ask p5 SMALL                 |
         14 | finish p3 on n1              | p5 to n1 with SMALL",
    ));
}

#[test]
fn prompts_may_ask_for_the_owners_nodes_alone() {
    play(&with_small(
        "0 | join n1 native SMALL              |
         0 | join n2 browser SMALL of:eino    |
         0 | ask p1 SMALL own of:aino         | give up p1: no node
         1 | join n3 browser SMALL of:aino    |
         1 | ask p2 SMALL own of:aino         | p2 to n3 with SMALL
         1 | ask p3 SMALL own of:aino         |
         1 | ask p4 SMALL of:aino             | p4 to n1 with SMALL
         2 | finish p2 on n3                  | p3 to n3 with SMALL
         3 | ask p5 SMALL own                 | give up p5: no node",
    ));
}

#[test]
fn a_strangers_wait_holds_no_owner_up() {
    play(&with_small(
        "0 | join n1 browser SMALL of:aino only-own |
         0 | join n2 browser SMALL                 |
         0 | ask p1 SMALL                          | p1 to n2 with SMALL
         0 | ask p2 SMALL of:eino                  |
         0 | ask p3 SMALL of:aino                  | p3 to n1 with SMALL
         1 | finish p1 on n2                       | p2 to n2 with SMALL",
    ));
}

#[test]
fn a_node_may_come_paused() {
    play(&with_small(
        "0 | join n1 browser SMALL paused |
         0 | ask p1 SMALL                | give up p1: no node
         1 | resume n1                   |
         1 | ask p2 SMALL                | p2 to n1 with SMALL",
    ));
}
