//! The scheduler's behaviour as transcripts: `seconds | event | effects`.

use scheduler::NodeId;

use crate::transcript::{play, with_small};

#[test]
fn a_prompt_goes_to_a_free_node_and_its_end_frees_the_slot() {
    let scheduler = play(&with_small(
        "0 | join n1 native SMALL   |
         1 | ask p1 SMALL           | p1 to n1 with SMALL
         1 | ask p2 SMALL           |
         2 | start p1 on n1         |
         3 | finish p1 on n1 20     | p2 to n1 with SMALL
         4 | finish p2 on n1 20     |",
    ));
    assert_eq!((scheduler.waiting(), scheduler.running()), (0, 0));
    let load = scheduler.load(NodeId(1)).expect("the node is here");
    assert_eq!((load.busy, load.tokens_per_second), (0, Some(20.0)));
}

#[test]
fn nobody_waits_where_no_node_has_the_model() {
    play(&with_small(
        "0 | ask p1 SMALL               | give up p1: no node
         0 | ask p2 gpt-4o              | give up p2: no such model
         1 | join n1 browser SMALL,my-own |
         1 | ask p3 smollm2:135m        | give up p3: no node
         1 | ask p4 SMALL native        | give up p4: no node
         1 | ask p5 my-own native       | give up p5: no node",
    ));
}

#[test]
fn the_queue_is_bounded_for_every_model_by_itself() {
    play(&with_small(
        "0 | join n1 native SMALL,smollm2:135m |
         0 | ask p1 SMALL          | p1 to n1 with SMALL
         0 | ask p2 SMALL          |
         0 | ask p3 SMALL          |
         0 | ask p4 SMALL          | give up p4: queue full with 2
         0 | ask p5 smollm2:135m   |
         1 | cancel p2             | withdraw p2
         1 | ask p6 SMALL          |
         2 | finish p1 on n1       | p3 to n1 with SMALL
         3 | finish p3 on n1       | p5 to n1 with smollm2:135m
         4 | finish p5 on n1       | p6 to n1 with SMALL",
    ));
}

#[test]
fn a_prompt_waits_until_its_deadline_and_no_longer() {
    let scheduler = play(&with_small(
        "0  | join n1 native SMALL |
         0  | ask p1 SMALL         | p1 to n1 with SMALL
         5  | ask p2 SMALL         |
         64 | time                 |",
    ));
    assert_eq!(
        scheduler.next_deadline().map(|deadline| deadline.as_secs()),
        Some(65)
    );
    play(&with_small(
        "0  | join n1 native SMALL |
         0  | ask p1 SMALL         | p1 to n1 with SMALL
         5  | ask p2 SMALL         |
         65 | time                 | give up p2: deadline
         66 | finish p1 on n1      |",
    ));
}

#[test]
fn a_node_lost_before_its_first_token_gives_its_prompt_back_to_the_front() {
    play(&with_small(
        "0 | join n1 native SMALL |
         0 | join n2 native SMALL |
         0 | ask p1 SMALL         | p1 to n1 with SMALL
         0 | ask p2 SMALL         | p2 to n2 with SMALL
         0 | ask p3 SMALL         |
         1 | leave n1             |
         2 | finish p2 on n2      | p1 to n2 with SMALL
         3 | finish p1 on n2      | p3 to n2 with SMALL",
    ));
}

#[test]
fn a_prompt_whose_last_node_is_gone_waits_a_moment_for_it_to_come_back() {
    play(&with_small(
        "0  | join n1 native SMALL |
         0  | ask p1 SMALL         | p1 to n1 with SMALL
         1  | leave n1             |
         9  | time                 |
         10 | join n2 native SMALL | p1 to n2 with SMALL
         11 | leave n2             |
         21 | time                 | give up p1: no node",
    ));
}

#[test]
fn a_node_lost_in_the_middle_of_an_answer_ends_it() {
    play(&with_small(
        "0 | join n1 native SMALL |
         0 | join n2 native SMALL |
         0 | ask p1 SMALL         | p1 to n1 with SMALL
         1 | start p1 on n1       |
         2 | leave n1             | give up p1: failed",
    ));
}

#[test]
fn where_another_may_go_on_an_answer_that_was_broken_off_goes_to_it() {
    play(&with_small(
        "0 | join n1 native SMALL       |
         0 | join n2 native SMALL       |
         0 | ask p1 SMALL any resumable | p1 to n1 with SMALL
         1 | start p1 on n1             |
         2 | leave n1                   | p1 to n2 with SMALL
         3 | start p1 on n2             |
         4 | join n3 browser SMALL      |
         5 | fail p1 on n2 retryable    | p1 to n3 with SMALL
         6 | finish p1 on n3            |",
    ));
}

#[test]
fn an_answer_that_grows_may_lose_any_number_of_nodes_but_only_three_in_a_row_in_vain() {
    play(&with_small(
        "0  | join n1 native SMALL       |
         0  | ask p1 SMALL any resumable | p1 to n1 with SMALL
         1  | start p1 on n1             |
         1  | leave n1                   |
         2  | join n2 native SMALL       | p1 to n2 with SMALL
         2  | leave n2                   |
         3  | join n3 native SMALL       | p1 to n3 with SMALL
         3  | start p1 on n3             |
         3  | leave n3                   |
         4  | join n4 native SMALL       | p1 to n4 with SMALL
         4  | start p1 on n4             |
         4  | leave n4                   |
         5  | join n5 native SMALL       | p1 to n5 with SMALL
         5  | leave n5                   |
         6  | join n6 native SMALL       | p1 to n6 with SMALL
         6  | leave n6                   |
         7  | join n7 native SMALL       | p1 to n7 with SMALL
         7  | leave n7                   | give up p1: failed",
    ));
}

#[test]
fn an_answer_that_nobody_can_continue_any_more_ends_with_its_node() {
    play(&with_small(
        "0 | join n1 native SMALL       |
         0 | join n2 native SMALL       |
         0 | ask p1 SMALL any resumable | p1 to n1 with SMALL
         0 | ask p2 SMALL any resumable | p2 to n2 with SMALL
         1 | start p1 on n1             |
         1 | start p2 on n2             |
         2 | unresumable p1 on n2       |
         2 | unresumable p2 on n2       |
         3 | fail p2 on n2 retryable    | give up p2: failed
         4 | leave n1                   | p1 to n2 with SMALL
         5 | unresumable p1 on n2       |
         6 | leave n2                   | give up p1: failed",
    ));
}

#[test]
fn half_an_answer_is_never_ended_by_another_model_of_the_family() {
    play(
        "0  | join n1 native qwen2.5-coder:1.5b |
         0  | join n2 native qwen2.5-coder:0.5b |
         0  | ask p1 qwen-coder any resumable   | p1 to n1 with qwen2.5-coder:1.5b
         1  | start p1 on n1                    |
         2  | leave n1                          |
         12 | time                              | give up p1: no node",
    );
}

#[test]
fn a_prompt_that_nodes_keep_losing_is_given_up() {
    play(&with_small(
        "0 | join n1 native SMALL |
         0 | join n2 native SMALL |
         0 | join n3 native SMALL |
         0 | join n4 native SMALL |
         0 | ask p1 SMALL         | p1 to n1 with SMALL
         1 | leave n1             | p1 to n2 with SMALL
         2 | leave n2             | p1 to n3 with SMALL
         3 | leave n3             | give up p1: failed",
    ));
}

#[test]
fn another_node_may_try_what_one_could_not_but_the_same_one_never_again() {
    play(&with_small(
        "0 | join n1 native SMALL         |
         0 | join n2 native SMALL         |
         0 | ask p1 SMALL                 | p1 to n1 with SMALL
         1 | fail p1 on n1 retryable      | p1 to n2 with SMALL
         2 | fail p1 on n2 retryable      | give up p1: failed
         3 | ask p2 SMALL                 | p2 to n1 with SMALL
         3 | fail p2 on n1                | give up p2: failed
         4 | ask p3 SMALL                 | p3 to n2 with SMALL
         4 | start p3 on n2               |
         5 | fail p3 on n2 retryable      | give up p3: failed",
    ));
}

#[test]
fn a_cancelled_prompt_frees_its_slot_at_once() {
    play(&with_small(
        "0 | join n1 native SMALL |
         0 | ask p1 SMALL         | p1 to n1 with SMALL
         0 | ask p2 SMALL         |
         0 | ask p3 SMALL         |
         1 | cancel p2            | withdraw p2
         2 | cancel p1            | cancel p1 on n1; p3 to n1 with SMALL
         3 | finish p1 on n1      |
         3 | cancel p1            |
         4 | start p3 on n1       |
         5 | cancel p3            | cancel p3 on n1",
    ));
}

#[test]
fn a_node_may_pause_resume_and_change_its_slots_and_models() {
    play(&with_small(
        "0 | join n1 native SMALL         |
         0 | pause n1                     |
         0 | ask p1 SMALL                 | give up p1: no node
         1 | resume n1                    |
         1 | ask p2 SMALL                 | p2 to n1 with SMALL
         1 | ask p3 SMALL                 |
         2 | pause n1                     |
         3 | finish p2 on n1              |
         4 | resume n1                    | p3 to n1 with SMALL
         5 | ask p4 SMALL                 |
         5 | slots n1 2                   | p4 to n1 with SMALL
         6 | models n1 smollm2:135m       |
         6 | finish p3 on n1              |
         6 | ask p5 SMALL                 | give up p5: no node
         6 | ask p6 smollm2:135m          | p6 to n1 with smollm2:135m",
    ));
}

#[test]
fn an_alias_and_the_latest_tag_find_the_model_under_the_nodes_own_name() {
    play(
        "0 | join n1 native qwen2.5-coder:0.5b-instruct-q4_k_m,llama3.2:latest 2 |
         0 | ask p1 qwen2.5-coder:0.5b | p1 to n1 with qwen2.5-coder:0.5b-instruct-q4_k_m
         0 | ask p2 llama3.2           | p2 to n1 with llama3.2:latest",
    );
}

#[test]
fn a_family_means_its_largest_model_that_is_free_now() {
    play(
        "0 | join n1 native qwen2.5-coder:0.5b,qwen2.5-coder:1.5b |
         0 | join n2 native qwen2.5-coder:7b  |
         0 | join n3 native llama3.2:70b      |
         0 | ask p1 qwen-coder                | p1 to n2 with qwen2.5-coder:7b
         0 | ask p2 qwen-coder                | p2 to n1 with qwen2.5-coder:1.5b
         0 | ask p3 qwen2.5-coder             |
         1 | finish p1 on n2                  | p3 to n2 with qwen2.5-coder:7b",
    );
}

#[test]
fn native_nodes_come_before_browsers_until_measurements_say_otherwise() {
    play(&with_small(
        "0 | join n1 browser SMALL    |
         0 | join n2 native SMALL     |
         0 | join n3 native SMALL gpu |
         0 | ask p1 SMALL             | p1 to n3 with SMALL
         0 | ask p2 SMALL             | p2 to n2 with SMALL
         0 | ask p3 SMALL             | p3 to n1 with SMALL
         1 | finish p1 on n3 2        |
         1 | finish p2 on n2 5        |
         1 | finish p3 on n1 50       |
         2 | ask p4 SMALL             | p4 to n1 with SMALL
         2 | ask p5 SMALL             | p5 to n2 with SMALL
         2 | ask p6 SMALL             | p6 to n3 with SMALL",
    ));
}

#[test]
fn equal_nodes_share_the_work() {
    play(&with_small(
        "0 | join n1 native SMALL 2 |
         0 | join n2 native SMALL 2 |
         0 | ask p1 SMALL           | p1 to n1 with SMALL
         0 | ask p2 SMALL           | p2 to n2 with SMALL
         1 | finish p1 on n1        |
         1 | finish p2 on n2        |
         1 | ask p3 SMALL           | p3 to n1 with SMALL
         2 | finish p3 on n1        |
         2 | ask p4 SMALL           | p4 to n2 with SMALL",
    ));
}

#[test]
fn a_preference_keeps_other_nodes_out_and_holds_nobody_else_up() {
    play(&with_small(
        "0 | join n1 native SMALL          |
         0 | join n2 native SMALL trusted  |
         0 | join n3 browser SMALL         |
         0 | ask p1 SMALL trusted          | p1 to n2 with SMALL
         0 | ask p2 SMALL trusted          |
         0 | ask p3 SMALL browser          | p3 to n3 with SMALL
         0 | ask p4 SMALL                  | p4 to n1 with SMALL
         1 | finish p4 on n1               |
         2 | finish p1 on n2               | p2 to n2 with SMALL",
    ));
}

#[test]
fn a_demand_holds_beside_the_preference_and_holds_nobody_else_up() {
    play(&with_small(
        "0 | join n1 browser SMALL trusted        |
         0 | join n2 native SMALL                 |
         0 | ask p1 SMALL any key-trusted         | p1 to n1 with SMALL
         0 | ask p2 SMALL native key-trusted      | give up p2: no node
         0 | join n3 native SMALL trusted         |
         0 | ask p3 SMALL native key-trusted      | p3 to n3 with SMALL
         0 | ask p4 SMALL native key-trusted      |
         0 | ask p5 SMALL native                  | p5 to n2 with SMALL
         1 | finish p1 on n1                      |
         2 | finish p3 on n3                      | p4 to n3 with SMALL",
    ));
}

#[test]
fn a_drain_lets_running_prompts_finish_and_takes_no_more() {
    play(&with_small(
        "0 | join n1 native SMALL |
         0 | ask p1 SMALL         | p1 to n1 with SMALL
         0 | ask p2 SMALL         |
         1 | drain                | give up p2: stopping
         1 | ask p3 SMALL         | give up p3: stopping
         2 | finish p1 on n1      |",
    ));
}

#[test]
fn prompts_wait_for_nodes_that_are_on_their_way() {
    play(&with_small(
        "0  | ask p1 SMALL         | give up p1: no node
         0  | expect nodes         |
         0  | ask p2 SMALL         |
         20 | ask p3 SMALL         |
         21 | join n1 native SMALL | p2 to n1 with SMALL
         22 | leave n1             |
         40 | join n2 native SMALL | p2 to n2 with SMALL
         41 | finish p2 on n2      | p3 to n2 with SMALL
         42 | finish p3 on n2      |
         43 | leave n2             |
         43 | ask p4 SMALL         |
         44 | expect nobody        |
         44 | ask p5 SMALL         | give up p5: no node",
    ));
}

#[test]
fn events_about_prompts_that_a_node_does_not_have_change_nothing() {
    play(&with_small(
        "0 | join n1 native SMALL        |
         0 | join n2 browser SMALL       |
         0 | ask p1 SMALL                | p1 to n1 with SMALL
         0 | ask p1 SMALL                |
         1 | finish p1 on n2 99          |
         1 | fail p1 on n2               |
         1 | start p9 on n1              |
         1 | cancel p9                   |
         1 | leave n9                    |
         1 | pause n9                    |
         2 | ask p2 SMALL                | p2 to n2 with SMALL",
    ));
}
