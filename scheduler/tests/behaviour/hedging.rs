//! Late first tokens: a second attempt on a node that is idle anyway.

use crate::transcript::{play, with_small};

#[test]
fn a_late_first_token_is_asked_for_once_more_where_a_node_is_idle() {
    let scheduler = play(&with_small(
        "0   | join n1 native SMALL       |
         0   | join n2 browser SMALL      |
         0   | ask p1 SMALL any resumable | p1 to n1 with SMALL
         99  | time                       |
         100 | time                       | hedge p1
         100 | ask p2 SMALL again:p1      | p2 to n2 with SMALL
         101 | start p2 on n2             |
         101 | cancel p1                  | cancel p1 on n1
         102 | finish p2 on n2            |",
    ));
    assert_eq!((scheduler.waiting(), scheduler.running()), (0, 0));
}

#[test]
fn the_time_is_known_beforehand_and_a_first_token_ends_the_worry() {
    let before = "0   | join n1 native SMALL  |
         0   | join n2 browser SMALL |
         7   | ask p1 SMALL          | p1 to n1 with SMALL
        ";
    let late = play(&with_small(before)).next_deadline();
    assert_eq!(late.map(|late| late.as_secs()), Some(107));
    let started = play(&with_small(&format!("{before} 8 | start p1 on n1 |")));
    assert_eq!(started.next_deadline(), None);
}

#[test]
fn where_all_are_busy_it_is_asked_for_as_soon_as_one_is_not() {
    play(&with_small(
        "0   | join n1 native SMALL   |
         0   | join n2 browser SMALL  |
         0   | ask p1 SMALL           | p1 to n1 with SMALL
         0   | ask p2 SMALL           | p2 to n2 with SMALL
         0   | start p2 on n2         |
         100 | time                   |
         110 | ask p3 SMALL           |
         111 | finish p2 on n2        | p3 to n2 with SMALL
         112 | finish p3 on n2        | hedge p1
         112 | ask p4 SMALL           | p4 to n2 with SMALL
         112 | ask p5 SMALL again:p1  | give up p5: no node",
    ));
}

#[test]
fn a_second_attempt_that_fails_leaves_the_first_one_alone() {
    play(&with_small(
        "0   | join n1 native SMALL               |
         0   | join n2 browser SMALL              |
         0   | join n3 browser SMALL              |
         0   | ask p1 SMALL                       | p1 to n1 with SMALL
         100 | time                               | hedge p1
         100 | ask p2 SMALL any resumable again:p1 | p2 to n2 with SMALL
         101 | fail p2 on n2 retryable            | give up p2: failed
         102 | start p1 on n1                     |
         103 | finish p1 on n1                    |",
    ));
}

#[test]
fn once_it_has_begun_a_second_attempt_is_an_answer_like_any_other() {
    play(&with_small(
        "0   | join n1 native SMALL               |
         0   | join n2 browser SMALL              |
         0   | ask p1 SMALL any resumable         | p1 to n1 with SMALL
         100 | time                               | hedge p1
         100 | ask p2 SMALL any resumable again:p1 | p2 to n2 with SMALL
         101 | start p2 on n2                     |
         101 | cancel p1                          | cancel p1 on n1
         102 | leave n2                           | p2 to n1 with SMALL
         103 | finish p2 on n1                    |",
    ));
}
