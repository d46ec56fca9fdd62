//! Conversations find back to the node that holds what was said so far.

use crate::transcript::{play, with_small};

#[test]
fn a_conversation_returns_to_the_node_that_knows_it() {
    play(&with_small(
        "0 | join n1 native SMALL                  |
         0 | join n2 native SMALL                  |
         0 | ask p1 SMALL any talk:ab long:1000    | p1 to n1 with SMALL
         1 | start p1 on n1                        |
         2 | finish p1 on n1                       |
         3 | ask p2 SMALL any talk:xy long:1000    | p2 to n2 with SMALL
         4 | start p2 on n2                        |
         5 | finish p2 on n2                       |
         6 | ask p3 SMALL any talk:xyz long:1500   | p3 to n2 with SMALL
         7 | finish p3 on n2                       |
         8 | ask p4 SMALL any talk:xyzuv long:2500 | p4 to n2 with SMALL",
    ));
}

#[test]
fn what_an_answer_that_was_cancelled_left_behind_counts_once_its_prompt_was_computed() {
    play(&with_small(
        "0 | join n1 native SMALL               |
         0 | join n2 native SMALL               |
         0 | ask p1 SMALL any talk:ab long:1000 | p1 to n1 with SMALL
         1 | start p1 on n1                     |
         1 | cancel p1                          | cancel p1 on n1
         2 | ask p2 SMALL any talk:ab long:1000 | p2 to n1 with SMALL
         3 | cancel p2                          | cancel p2 on n1
         4 | models n1 smollm2:135m             |
         5 | models n1 SMALL                    |
         6 | ask p3 SMALL any talk:ab long:1000 | p3 to n2 with SMALL",
    ));
}

#[test]
fn nobody_waits_for_a_node_that_knows_more_and_a_much_faster_one_comes_first() {
    play(&with_small(
        "0 | join n1 native SMALL                |
         0 | join n2 native SMALL                |
         0 | ask p1 SMALL any talk:ab long:1000  | p1 to n1 with SMALL
         1 | start p1 on n1                      |
         2 | ask p2 SMALL any talk:abc long:1500 | p2 to n2 with SMALL
         3 | finish p1 on n1                     |
         4 | join n3 native SMALL gpu            |
         5 | ask p3 SMALL any talk:abd long:1500 | p3 to n3 with SMALL",
    ));
}
