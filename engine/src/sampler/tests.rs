use std::f32::consts::LN_2;

use super::*;

fn settings() -> Sampling {
    Sampling {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        repeat_penalty: 1.0,
        seed: 1,
        max_tokens: None,
        stop: Vec::new(),
    }
}

/// How often each token comes out of 20 000 draws.
fn draw(settings: &Sampling, logits: &[f32]) -> Vec<f64> {
    let mut sampler = Sampler::new(settings);
    let mut counts = vec![0.0; logits.len()];
    for _ in 0..20_000 {
        counts[sampler.sample(&mut logits.to_vec(), &[]) as usize] += 1.0 / 20_000.0;
    }
    counts
}

fn assert_near(found: &[f64], expected: &[f64]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 0.015,
            "{found} is not {expected}"
        );
    }
}

/// Probabilities 1 : 4 : 2 : 0.
const LOGITS: [f32; 4] = [0.0, 2.0 * LN_2, LN_2, f32::NEG_INFINITY];

#[test]
fn tokens_come_as_often_as_their_probability() {
    assert_near(
        &draw(&settings(), &LOGITS),
        &[1.0 / 7.0, 4.0 / 7.0, 2.0 / 7.0, 0.0],
    );
}

#[test]
fn temperature_sharpens_and_zero_is_greedy() {
    let half = Sampling {
        temperature: 0.5,
        ..settings()
    };
    assert_near(
        &draw(&half, &LOGITS),
        &[1.0 / 21.0, 16.0 / 21.0, 4.0 / 21.0, 0.0],
    );
    let greedy = Sampling {
        temperature: 0.0,
        ..settings()
    };
    assert_near(&draw(&greedy, &LOGITS), &[0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn top_k_top_p_and_min_p_leave_out_the_unlikely() {
    let two = [0.0, 2.0 / 3.0, 1.0 / 3.0, 0.0];
    assert_near(
        &draw(
            &Sampling {
                top_k: 2,
                ..settings()
            },
            &LOGITS,
        ),
        &two,
    );
    assert_near(
        &draw(
            &Sampling {
                top_p: 0.8,
                ..settings()
            },
            &LOGITS,
        ),
        &two,
    );
    assert_near(
        &draw(
            &Sampling {
                min_p: 0.4,
                ..settings()
            },
            &LOGITS,
        ),
        &two,
    );
}

#[test]
fn top_p_reaches_past_the_first_sort() {
    let mut sampler = Sampler::new(&Sampling {
        top_p: 0.99,
        ..settings()
    });
    let flat = vec![0.0; 4 * FIRST_SORT];
    sampler.sample(&mut flat.clone(), &[]);
    assert_eq!(
        sampler.candidates.len(),
        (4.0 * FIRST_SORT as f64 * 0.99).ceil() as usize
    );
}

#[test]
fn repeated_tokens_are_penalised_whatever_the_sign_of_their_logit() {
    let greedy = Sampling {
        temperature: 0.0,
        repeat_penalty: 2.0,
        ..settings()
    };
    let mut sampler = Sampler::new(&greedy);
    assert_eq!(sampler.sample(&mut [1.0, 1.5], &[1]), 0);
    assert_eq!(sampler.sample(&mut [-1.5, -1.0], &[1]), 0);
    let forgotten: Vec<u32> = std::iter::once(1).chain([0; REPEAT_WINDOW]).collect();
    assert_eq!(sampler.sample(&mut [1.0, 1.5], &forgotten), 1);
}

#[test]
fn the_same_seed_gives_the_same_tokens() {
    let run = |seed| {
        let mut sampler = Sampler::new(&Sampling { seed, ..settings() });
        (0..50)
            .map(|_| sampler.sample(&mut LOGITS.to_vec(), &[]))
            .collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

/// The settings by which candidates lie in the order of their logits, and in that of their ids.
fn both_orders() -> [Sampling; 2] {
    let by_id = settings();
    let by_logit = Sampling {
        top_p: 0.95,
        ..settings()
    };
    [by_logit, by_id]
}

#[test]
fn what_is_drawn_lies_at_its_place_and_nothing_else_does() {
    for settings in both_orders() {
        let mut sampler = Sampler::new(&settings);
        let points = sampler.uniforms(0..200);
        let drawn = points.iter().map(|&point| {
            let token = sampler.choose(&mut LOGITS.to_vec(), &[], f64::from(point));
            (point, token)
        });
        for (point, token) in drawn.collect::<Vec<_>>() {
            let mut distance = |token| {
                let mut logits = LOGITS.to_vec();
                sampler.distance(&mut logits, &[], token, point)
            };
            assert!(distance(token) < 1e-6, "{token} at {point}");
            let another = (token + 1) % 3;
            let edge = distance(another);
            assert!(
                edge > 0.0 || point_is_near_an_edge(point),
                "{another} at {point}"
            );
        }
    }
}

/// Tokens end at 1/7, 4/7, 5/7 and 6/7 in the one order or the other; at an edge both are at home.
fn point_is_near_an_edge(point: f32) -> bool {
    (1..7).any(|seventh| (point - seventh as f32 / 7.0).abs() < 0.03)
}

#[test]
fn a_draw_is_as_far_off_as_the_probability_between() {
    let mut sampler = Sampler::new(&settings());
    let mut far = |token, point| sampler.distance(&mut LOGITS.to_vec(), &[], token, point);
    // In the order of ids: 1/7, 4/7, 2/7 and nothing.
    assert!((far(0, 6.0 / 7.0) - 5.0 / 7.0).abs() < 1e-5);
    assert!((far(2, 2.0 / 7.0) - 3.0 / 7.0).abs() < 1e-5);
}

#[test]
fn tokens_of_nearly_the_same_logit_may_lie_the_other_way_round() {
    let nucleus = Sampling {
        top_k: 20,
        ..settings()
    };
    let mut sampler = Sampler::new(&nucleus);
    let mut far = |logits: [f32; 2], point| sampler.distance(&mut logits.to_vec(), &[], 0, point);
    assert_eq!(far([1.0, 0.9], 0.9), 0.0);
    assert!(far([1.0, 0.5], 0.9) > 0.2);
}

#[test]
fn who_lets_in_one_token_more_is_forgiven() {
    // The likeliest reaches 0.8 in one engine, and not quite in another.
    let logits = [(0.805f32 / 0.195).ln(), 0.0];
    let mut sampler = Sampler::new(&Sampling {
        top_p: 0.8,
        ..settings()
    });
    let mut far = |point| sampler.distance(&mut logits.to_vec(), &[], 1, point);
    assert_eq!(far(0.9), 0.0);
}

#[test]
fn logits_that_are_no_numbers_do_not_panic() {
    let mut sampler = Sampler::new(&settings());
    assert!(sampler.sample(&mut [f32::NAN, f32::NAN], &[]) < 2);
}
