//! A node that keeps failing rests, and is tried again.

use std::time::Duration;

use crate::transcript::{play, with_small};

/// Three failures of the only node.
const FAILING: &str = "0 | join n1 native SMALL      |
     0 | ask p1 SMALL              | p1 to n1 with SMALL
     0 | fail p1 on n1 retryable   | give up p1: failed
     0 | ask p2 SMALL              | p2 to n1 with SMALL
     0 | fail p2 on n1 retryable   | give up p2: failed
     0 | ask p3 SMALL              | p3 to n1 with SMALL
     0 | fail p3 on n1 retryable   | give up p3: failed
    ";

fn after_three_failures(transcript: &str) -> scheduler::Scheduler {
    play(&with_small(&format!("{FAILING}{transcript}")))
}

#[test]
fn after_its_rest_it_gets_one_prompt_and_all_others_once_that_is_answered() {
    after_three_failures(
        "1 | slots n1 2                |
         1 | ask p4 SMALL              |
         1 | ask p5 SMALL              |
         4 | time                      |
         5 | time                      | p4 to n1 with SMALL
         6 | finish p4 on n1           | p5 to n1 with SMALL
         6 | ask p6 SMALL              | p6 to n1 with SMALL",
    );
}

#[test]
fn a_trial_that_fails_makes_the_next_rest_longer() {
    let scheduler = after_three_failures(
        "5  | ask p4 SMALL              | p4 to n1 with SMALL
         5  | fail p4 on n1 retryable   | give up p4: failed
         6  | ask p5 SMALL              |",
    );
    assert_eq!(scheduler.next_deadline(), Some(Duration::from_secs(15)));
}

#[test]
fn others_take_the_prompts_of_a_node_that_rests() {
    after_three_failures(
        "1 | join n2 browser SMALL     |
         1 | ask p4 SMALL              | p4 to n2 with SMALL",
    );
}

#[test]
fn what_is_the_fault_of_a_prompt_costs_no_node_its_rest() {
    play(&with_small(
        "0 | join n1 native SMALL      |
         0 | ask p1 SMALL              | p1 to n1 with SMALL
         0 | fail p1 on n1             | give up p1: failed
         0 | ask p2 SMALL              | p2 to n1 with SMALL
         0 | fail p2 on n1             | give up p2: failed
         0 | ask p3 SMALL              | p3 to n1 with SMALL
         0 | fail p3 on n1             | give up p3: failed
         0 | ask p4 SMALL              | p4 to n1 with SMALL",
    ));
}

#[test]
fn a_trial_that_nobody_waited_for_is_made_again() {
    after_three_failures(
        "5 | ask p4 SMALL              | p4 to n1 with SMALL
         6 | cancel p4                 | cancel p4 on n1
         6 | ask p5 SMALL              | p5 to n1 with SMALL",
    );
}

#[test]
fn a_trial_that_is_answered_counts_although_the_model_was_taken_back_meanwhile() {
    after_three_failures(
        "5 | ask p4 SMALL              | p4 to n1 with SMALL
         6 | models n1 smollm2:135m    |
         7 | finish p4 on n1           |
         8 | models n1 SMALL           |
         8 | ask p5 SMALL              | p5 to n1 with SMALL",
    );
}
