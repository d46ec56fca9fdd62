//! One question to several nodes.

use scheduler::{Event, NodeId};

use crate::transcript::{event, play, with_small};

#[test]
fn no_node_gets_two_prompts_of_one_ensemble() {
    play(&with_small(
        "0 | join n1 native SMALL 4         |
         0 | join n2 native SMALL 4         |
         0 | ask p1 SMALL any ensemble:1    | p1 to n1 with SMALL
         0 | ask p2 SMALL any ensemble:1    | p2 to n2 with SMALL
         0 | ask p3 SMALL any ensemble:1    | give up p3: no node
         1 | finish p1 on n1                |
         1 | ask p4 SMALL any ensemble:1    | give up p4: no node
         1 | ask p5 SMALL any ensemble:2    | p5 to n1 with SMALL",
    ));
}

#[test]
fn one_that_waits_for_its_node_holds_nobody_else_up() {
    play(&with_small(
        "0 | join n1 native SMALL           |
         0 | join n2 browser SMALL          |
         0 | ask p1 SMALL any ensemble:1    | p1 to n1 with SMALL
         0 | ask p2 SMALL                   | p2 to n2 with SMALL
         0 | ask p3 SMALL any ensemble:1    |
         0 | ask p4 SMALL                   |
         1 | finish p1 on n1                | p4 to n1 with SMALL
         2 | finish p2 on n2                | p3 to n2 with SMALL",
    ));
}

#[test]
fn a_prompt_of_an_ensemble_whose_node_is_lost_goes_to_one_that_had_none() {
    play(&with_small(
        "0 | join n1 native SMALL           |
         0 | join n2 browser SMALL          |
         0 | join n3 browser SMALL          |
         0 | ask p1 SMALL any ensemble:1    | p1 to n1 with SMALL
         0 | ask p2 SMALL any ensemble:1    | p2 to n2 with SMALL
         1 | leave n1                       | p1 to n3 with SMALL
         2 | leave n3                       |
        12 | time                           | give up p1: no node",
    ));
}

#[test]
fn an_ensemble_stays_among_the_nodes_and_models_that_it_was_begun_with() {
    play(&with_small(
        "0 | join n1 native SMALL,qwen2.5-coder:1.5b                |
         0 | join n2 native SMALL                                   |
         0 | join n3 native SMALL                                   |
         0 | ensemble 1 n1:SMALL n2:SMALL                           |
         0 | ask p1 qwen-coder any ensemble:1                       | p1 to n1 with SMALL
         0 | ask p2 qwen-coder any ensemble:1                       | p2 to n2 with SMALL
         0 | ask p3 qwen-coder any ensemble:1                       | give up p3: no node",
    ));
}

#[test]
fn a_node_is_able_with_each_of_its_models() {
    let scheduler = play(&with_small(
        "0 | join n1 native SMALL,qwen2.5-coder:1.5b                |
         0 | join n2 browser SMALL                                  |
         0 | join n3 native SMALL paused                            |",
    ));
    let Event::Submitted { profile, .. } = event("ask p1 qwen-coder") else {
        panic!("a prompt")
    };
    let able = scheduler.able_nodes(&profile);
    let of = |node: u64| {
        let its = able.iter().filter(move |able| able.node == NodeId(node));
        its.map(|able| able.model.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of(1), ["qwen2.5-coder:0.5b", "qwen2.5-coder:1.5b"]);
    assert_eq!(of(2), ["qwen2.5-coder:0.5b"]);
    assert!(of(3).is_empty());
    assert!(able[0].parameters < able[1].parameters);
}
