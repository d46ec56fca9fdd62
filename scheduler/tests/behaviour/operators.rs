//! What operators decide about nodes, and settings that change while prompts are here.

use crate::transcript::{play, with_small};

#[test]
fn a_drained_node_finishes_what_it_has_and_gets_no_more() {
    play(&with_small(
        "0  | join n1 native SMALL   |
         0  | ask p1 SMALL           | p1 to n1 with SMALL
         0  | ask p2 SMALL           |
         1  | rule n1 drained        |
         2  | finish p1 on n1        |
         3  | ask p3 SMALL           | give up p3: no node
         4  | rule n1                | p2 to n1 with SMALL",
    ));
}

#[test]
fn prompts_whose_last_node_is_drained_wait_for_another_as_for_one_that_left() {
    play(&with_small(
        "0  | join n1 native SMALL   |
         0  | ask p1 SMALL           | p1 to n1 with SMALL
         0  | ask p2 SMALL           |
         1  | rule n1 drained        |
         11 | time                   | give up p2: no node",
    ));
}

#[test]
fn trust_is_given_and_taken_while_a_node_is_here() {
    play(&with_small(
        "0 | join n1 native SMALL         |
         0 | ask p1 SMALL trusted         | give up p1: no node
         1 | rule n1 trusted              |
         1 | ask p2 SMALL trusted         | p2 to n1 with SMALL
         2 | rule n1                      |
         2 | ask p3 SMALL trusted         | give up p3: no node
         3 | finish p2 on n1              |",
    ));
}

#[test]
fn a_shorter_queue_keeps_who_waits_and_takes_nobody_in() {
    play(&with_small(
        "0 | join n1 native SMALL         |
         0 | ask p1 SMALL                 | p1 to n1 with SMALL
         0 | ask p2 SMALL                 |
         0 | ask p3 SMALL                 |
         1 | settings queue:1             |
         1 | ask p4 SMALL                 | give up p4: queue full with 1
         2 | finish p1 on n1              | p2 to n1 with SMALL
         3 | settings queue:3             |
         3 | ask p5 SMALL                 |
         4 | finish p2 on n1              | p3 to n1 with SMALL",
    ));
}

#[test]
fn a_shorter_deadline_holds_for_who_waits_already() {
    play(&with_small(
        "0  | join n1 native SMALL        |
         0  | ask p1 SMALL                | p1 to n1 with SMALL
         0  | ask p2 SMALL                |
         20 | settings wait:10            | give up p2: deadline",
    ));
}

#[test]
fn without_hedging_nobody_is_asked_a_second_time() {
    let late = "0    | join n1 native SMALL    |
                0    | join n2 native SMALL    |
                0    | ask p1 SMALL            | p1 to n1 with SMALL";
    play(&with_small(&format!("{late}\n 1000 | time | hedge p1")));
    play(&with_small(&format!(
        "{late}\n 1 | settings no-hedge | \n 1000 | time |"
    )));
}

#[test]
fn without_affinity_a_conversation_goes_wherever_it_is_a_nodes_turn() {
    let before = "0 | join n1 native SMALL              |
                  0 | join n2 native SMALL              |
                  0 | ask p1 SMALL talk:a long:2000     | p1 to n1 with SMALL
                  1 | finish p1 on n1                   |";
    let again = "2 | ask p2 SMALL talk:ab long:2000 | p2 to";
    play(&with_small(&format!("{before}\n{again} n1 with SMALL")));
    play(&with_small(&format!(
        "{before}\n 1 | settings no-affinity | \n{again} n2 with SMALL"
    )));
}

#[test]
fn without_resuming_a_begun_answer_ends_with_its_node() {
    let begun = "0 | join n1 native SMALL          |
                 1 | ask p1 SMALL resumable        | p1 to n1 with SMALL
                 2 | start p1 on n1                |
                 2 | join n2 native SMALL          |
                 3 | leave n1                      |";
    play(&with_small(&format!("{begun} p1 to n2 with SMALL")));
    play(&with_small(&format!(
        "0 | settings no-resume |\n{begun} give up p1: failed"
    )));
}

#[test]
fn a_node_that_was_drained_before_it_joined_is_given_nothing_that_waits() {
    play(&with_small(
        "0 | join n1 native SMALL         |
         0 | ask p1 SMALL                 | p1 to n1 with SMALL
         0 | ask p2 SMALL                 |
         1 | join n2 native SMALL drained |
         2 | join n3 native SMALL         | p2 to n3 with SMALL",
    ));
}
