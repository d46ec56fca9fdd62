//! What those who wait are told.

use std::time::Duration;

use scheduler::{Effect, GiveUpReason, PromptId, Standing};

use crate::transcript::{play, with_small};

fn standing(transcript: &str, prompt: u64) -> Option<Standing> {
    play(&with_small(transcript)).standing(PromptId(prompt))
}

fn seconds(standing: Option<Standing>) -> f64 {
    let wait = standing.expect("it waits").expected_wait;
    wait.expect("a node will be free").as_secs_f64()
}

const QUEUE: &str = "0 | join n1 native SMALL |
     0 | ask p1 SMALL         | p1 to n1 with SMALL
     0 | ask p2 SMALL         |
     0 | ask p3 SMALL         |
    ";

#[test]
fn the_wait_is_the_work_ahead_at_the_nodes_speed() {
    // 100 tokens at 91 and 400 at 25 tokens a second.
    let one = 100.0 / 91.1 + 400.0 / 25.3;
    assert_eq!(standing(QUEUE, 1), None, "it does not wait");
    let (second, third) = (standing(QUEUE, 2), standing(QUEUE, 3));
    assert_eq!(second.map(|standing| standing.position), Some(1));
    assert!((seconds(second) - one).abs() < 0.1, "{second:?}");
    assert_eq!(third.map(|standing| standing.position), Some(2));
    assert!((seconds(third) - 2.0 * one).abs() < 0.2, "{third:?}");
    let later = standing(&format!("{QUEUE} 10 | time |"), 2);
    assert!((seconds(later) - (one - 10.0)).abs() < 0.1, "{later:?}");
    let overdue = standing(&format!("{QUEUE} 50 | time |"), 2);
    assert_eq!(seconds(overdue), 1.0);
}

#[test]
fn every_slot_shortens_the_wait() {
    let with_another = QUEUE.replace("join n1 native SMALL", "join n1 native SMALL 2");
    let with_another = with_another.replace(
        "| ask p2 SMALL         |",
        "| ask p2 SMALL         | p2 to n1 with SMALL",
    );
    let alone = seconds(standing(QUEUE, 3));
    let third = standing(&with_another, 3);
    assert_eq!(third.map(|standing| standing.position), Some(1));
    assert!(seconds(third) < 0.6 * alone, "{third:?}");
}

#[test]
fn other_models_prompts_are_not_in_the_way() {
    let transcript = "0 | join n1 native SMALL         |
         0 | join n2 native smollm2:135m  |
         0 | ask p1 SMALL                 | p1 to n1 with SMALL
         0 | ask p2 smollm2:135m          | p2 to n2 with smollm2:135m
         0 | ask p3 SMALL                 |
         0 | ask p4 smollm2:135m          |";
    let standing = standing(transcript, 4);
    assert_eq!(standing.map(|standing| standing.position), Some(1));
    assert!(seconds(standing) < 6.0, "{standing:?}");
}

#[test]
fn where_no_node_is_left_nobody_knows() {
    let standing = standing(&format!("{QUEUE} 1 | leave n1 | "), 3);
    let standing = standing.expect("it waits");
    assert_eq!(standing.position, 3, "behind the one that was lost");
    assert_eq!(standing.expected_wait, None);
}

#[test]
fn a_full_queue_tells_how_long_it_would_have_been() {
    let mut scheduler = play(&with_small(QUEUE));
    let Some(third) = scheduler.standing(PromptId(3)) else {
        panic!("it waits");
    };
    let event = crate::transcript::event(&with_small("ask p4 SMALL"));
    let effects = scheduler.handle(Duration::ZERO, event);
    let [Effect::GiveUp { reason, .. }] = effects[..] else {
        panic!("{effects:?}");
    };
    let GiveUpReason::QueueFull { waiting, standing } = reason else {
        panic!("{reason:?}");
    };
    assert_eq!((waiting, standing.position), (2, 3));
    assert!(standing.expected_wait > third.expected_wait);
}
