use proptest::prelude::*;

use super::*;
use crate::keys::KeyId;

const KEY: Client = Client::Key(KeyId(1));

/// So many seconds after a midnight.
fn at(seconds: f64) -> Moment {
    let passed = Duration::from_secs_f64(seconds);
    Moment {
        steady: passed,
        unix: DAY * 20_000 + passed,
    }
}

fn per_minute(requests: u32, tokens: u32) -> Limits {
    Limits {
        requests_per_minute: Some(requests),
        tokens_per_minute: Some(tokens),
        ..Limits::NONE
    }
}

/// Of a prompt that was admitted on the first day.
fn bill(tokens: u32) -> Bill {
    let day = at(0.0).day();
    Bill {
        client: KEY,
        is_request: true,
        reserved: Some(Reserved { tokens, day }),
    }
}

fn admit(ledger: &mut Ledger, limits: Limits, tokens: u32, now: Moment) -> Standing {
    let admitted = ledger.admit(KEY, limits, tokens, now);
    admitted.expect("it is within its limits").1
}

#[test]
fn a_minutes_requests_pass_at_once_and_then_one_by_one() {
    let mut ledger = Ledger::default();
    let limits = per_minute(6, 1_000_000);
    for left in (0..6).rev() {
        let standing = admit(&mut ledger, limits, 1, at(0.0));
        assert_eq!(standing.requests.unwrap().remaining, left);
    }
    let refused = ledger.admit(KEY, limits, 1, at(4.0)).unwrap_err();
    assert_eq!((refused.unit, refused.span), (Unit::Requests, Span::Minute));
    assert_eq!((refused.limit, refused.retry_after.as_secs()), (6, 6));
    assert_eq!(refused.standing.requests.unwrap().remaining, 0);
    assert!(ledger.admit(KEY, limits, 1, at(10.0)).is_ok());
    assert!(ledger.admit(KEY, limits, 1, at(10.0)).is_err());
}

#[test]
fn tokens_that_were_not_used_are_given_back_and_debts_are_paid() {
    let mut ledger = Ledger::default();
    let limits = per_minute(100, 600);
    let left = |ledger: &mut Ledger, moment| {
        let standing = admit(ledger, limits, 0, moment);
        standing.tokens.unwrap().remaining
    };
    ledger.admit(KEY, limits, 400, at(0.0)).unwrap();
    assert_eq!(left(&mut ledger, at(0.0)), 200);
    ledger.settle(bill(400), 100, at(0.0));
    assert_eq!(left(&mut ledger, at(0.0)), 500);

    ledger.admit(KEY, limits, 500, at(0.0)).unwrap();
    ledger.settle(bill(500), 1100, at(0.0));
    let refused = ledger.admit(KEY, limits, 1, at(0.0)).unwrap_err();
    assert_eq!((refused.unit, refused.span), (Unit::Tokens, Span::Minute));
    // 600 too many, and one more, at ten a second.
    assert_eq!(refused.retry_after, Duration::from_millis(60_100));
    assert!(ledger.admit(KEY, limits, 1, at(60.2)).is_ok());
}

#[test]
fn a_request_above_the_whole_limit_passes_where_nothing_else_was_asked_for() {
    let mut ledger = Ledger::default();
    let limits = per_minute(100, 600);
    assert!(ledger.admit(KEY, limits, 5000, at(0.0)).is_ok());
    assert!(ledger.admit(KEY, limits, 1, at(60.0)).is_err());
    assert!(ledger.admit(KEY, limits, 5000, at(500.0)).is_ok());
}

#[test]
fn a_days_limits_start_anew_at_midnight() {
    let mut ledger = Ledger::default();
    let limits = Limits {
        requests_per_day: Some(3),
        tokens_per_day: Some(1000),
        ..Limits::NONE
    };
    let evening = at(20.0 * 3600.0);
    ledger.admit(KEY, limits, 900, evening).unwrap();
    let refused = ledger.admit(KEY, limits, 200, evening).unwrap_err();
    assert_eq!((refused.unit, refused.span), (Unit::Tokens, Span::Day));
    assert_eq!(refused.retry_after, Duration::from_secs(4 * 3600));
    ledger.admit(KEY, limits, 50, evening).unwrap();
    ledger.admit(KEY, limits, 50, evening).unwrap();
    let refused = ledger.admit(KEY, limits, 0, evening).unwrap_err();
    assert_eq!((refused.unit, refused.span), (Unit::Requests, Span::Day));
    let morning = at(24.0 * 3600.0 + 1.0);
    let standing = admit(&mut ledger, limits, 100, morning);
    assert_eq!(standing.requests.unwrap().remaining, 2);

    // What was set aside yesterday is not given back to today.
    ledger.settle(bill(900), 300, morning);
    let standing = admit(&mut ledger, limits, 0, morning);
    assert_eq!(standing.tokens.unwrap().remaining, 1000 - 100 - 300);
}

#[test]
fn a_day_that_was_begun_before_goes_on() {
    let mut ledger = Ledger::default();
    let limits = Limits {
        tokens_per_day: Some(1000),
        ..Limits::NONE
    };
    ledger.restore(KEY, at(0.0).day(), 7, 990);
    assert!(ledger.admit(KEY, limits, 20, at(1.0)).is_err());
    assert!(ledger.admit(KEY, limits, 10, at(1.0)).is_ok());
    ledger.restore(KEY, at(0.0).day() - 1, 7, 990);
    assert!(ledger.admit(KEY, limits, 20, at(1.0)).is_ok(), "yesterday");
}

#[test]
fn the_tighter_of_two_limits_is_told() {
    let mut ledger = Ledger::default();
    let limits = Limits {
        requests_per_day: Some(5),
        ..per_minute(10, 100)
    };
    let standing = admit(&mut ledger, limits, 10, at(0.0));
    let requests = standing.requests.unwrap();
    assert_eq!((requests.limit, requests.remaining), (5, 4));
    assert_eq!(requests.reset, DAY);
    let tokens = standing.tokens.unwrap();
    assert_eq!((tokens.limit, tokens.remaining), (100, 90));
    assert_eq!(tokens.reset, Duration::from_secs(6));
}

#[test]
fn nothing_passes_a_limit_of_nothing() {
    let mut ledger = Ledger::default();
    let refused = ledger
        .admit(KEY, per_minute(0, 10), 1, at(0.0))
        .unwrap_err();
    assert_eq!(refused.retry_after, DAY);
}

#[test]
fn addresses_are_forgotten_once_there_is_nothing_to_remember() {
    let mut ledger = Ledger::default();
    let visitor = Client::at([192, 0, 2, 1].into());
    ledger
        .admit(visitor, per_minute(10, 100), 100, at(0.0))
        .unwrap();
    ledger
        .admit(KEY, per_minute(10, 100), 100, at(0.0))
        .unwrap();
    ledger.prune(at(59.0));
    assert_eq!(ledger.len(), 2);
    ledger.prune(at(60.0));
    assert_eq!(ledger.len(), 1, "keys stay");
}

#[derive(Clone, Debug)]
struct Step {
    pause: f64,
    guess: u32,
    used: u32,
    /// Steps until its end is told.
    lasts: usize,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0.0..5.0f64, 0..400u32, 0..400u32, 0..4usize).prop_map(|(pause, guess, used, lasts)| {
            Step {
                pause,
                guess,
                used,
                lasts,
            }
        });
    proptest::collection::vec(step, 1..200)
}

proptest! {
    /// However requests come, overlap and are guessed: over any time no more requests pass than the
    /// bucket holds and refills, and no more tokens than that and what was under way beyond its guess.
    #[test]
    fn no_client_gets_more_than_its_limits(
        steps in steps(), requests in 1..50u32, tokens in 1..2000u32,
    ) {
        let limits = per_minute(requests, tokens);
        let mut ledger = Ledger::default();
        let mut open: Vec<(usize, u32, u32)> = Vec::new();
        let (mut now, mut admitted, mut used) = (0.0, 0u32, 0u64);
        let (mut largest, mut unforeseen) = (0u64, 0u64);
        for (number, step) in steps.iter().enumerate() {
            now += step.pause;
            let (ended, going_on): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|(end, ..)| *end <= number);
            open = going_on;
            for (_, guess, tokens) in ended {
                ledger.settle(bill(guess), tokens.into(), at(now));
                used += u64::from(tokens);
                unforeseen = unforeseen.max(u64::from(tokens.saturating_sub(guess)));
            }
            match ledger.admit(KEY, limits, step.guess, at(now)) {
                Ok((_, standing)) => {
                    admitted += 1;
                    largest = largest.max(step.guess.into());
                    open.push((number + 1 + step.lasts, step.guess, step.used));
                    let left = standing.requests.unwrap().remaining;
                    prop_assert!(left < u64::from(requests));
                }
                Err(refused) => {
                    // After the pause that it was told the same request passes.
                    let moment = at(now + refused.retry_after.as_secs_f64() + 1e-3);
                    prop_assert!(refused.retry_after > Duration::ZERO);
                    let again = ledger.admit(KEY, limits, step.guess, moment);
                    prop_assert!(again.is_ok(), "{again:?} after {refused:?}");
                    ledger.settle(bill(step.guess), 0, moment);
                    admitted += 1;
                    now = moment.steady.as_secs_f64();
                }
            }
            let minutes = now / 60.0;
            let allowed = f64::from(requests) * (1.0 + minutes) + 1.0;
            prop_assert!(f64::from(admitted) <= allowed, "{admitted} > {allowed}");
        }
        let under_way = 5 * (unforeseen + largest);
        let allowed = f64::from(tokens) * (1.0 + now / 60.0) + under_way as f64;
        prop_assert!(used as f64 <= allowed, "{used} > {allowed}");
    }
}
