use protocol::{NodeKind, Sampling};

use super::*;

fn subject(name: &str) -> Subject {
    Subject {
        identity: Identity(name.to_owned()),
        digest: "sha256:ab".to_owned(),
        runtime: "kipina-engine 0.1.0".to_owned(),
    }
}

fn evidence(margins: &[f32]) -> Evidence<'_> {
    Evidence {
        auditor: Runtime::Engine,
        audited: Runtime::Tab,
        sampled: Sampled::Greedy,
        margins,
    }
}

fn audits() -> Audits {
    Audits::new(AuditSettings::default())
}

const GOOD: [f32; 300] = [0.0; 300];
const BAD: [f32; 300] = [1.0; 300];

#[test]
fn audits_are_often_until_proven_and_then_rarer_and_rarer() {
    let (mut audits, aino) = (audits(), subject("aino"));
    let mut shares = Vec::new();
    for _ in 0..300 {
        shares.push(audits.share(&aino));
        assert!(audits.judge(&aino, evidence(&GOOD)).unwrap().good);
    }
    assert_eq!(shares[..4], [1.0; 4]);
    assert_eq!(shares[6], 0.5);
    assert!(shares.is_sorted_by(|a, b| a >= b));
    assert_eq!(shares.last(), Some(&0.02), "never none at all");
    assert!(audits.wants(&aino, 0.01) && !audits.wants(&aino, 0.02));
    assert!(audits.wants(&subject("eino"), 0.999), "nobody else profits");
}

#[test]
fn one_proven_fault_resets_and_suspends() {
    let (mut audits, aino) = (audits(), subject("aino"));
    for _ in 0..50 {
        audits.judge(&aino, evidence(&GOOD));
    }
    let verdict = audits.judge(&aino, evidence(&BAD)).unwrap();
    assert!(!verdict.good && verdict.mean_margin == 1.0);
    assert!(audits.is_suspended(&aino.identity));
    assert_eq!(audits.share(&aino), 1.0);
    assert_eq!(audits.standing(&aino).last, Some(verdict));
    assert!(audits.reinstate(&aino.identity) && !audits.reinstate(&aino.identity));
    assert!(!audits.is_suspended(&aino.identity));
    assert_eq!(audits.share(&aino), 1.0, "mercy proves nothing");
}

#[test]
fn no_verdict_before_three_hundred_tokens() {
    let (mut audits, aino) = (audits(), subject("aino"));
    assert_eq!(audits.judge(&aino, evidence(&BAD[..299])), None);
    assert!(!audits.is_suspended(&aino.identity));
    let verdict = audits.judge(&aino, evidence(&GOOD[..101])).unwrap();
    assert_eq!(verdict.tokens, 400);
    assert!((verdict.mean_margin - 0.7475).abs() < 1e-3);
}

#[test]
fn a_pool_is_of_one_kind_of_sampling_and_one_model_whatever_the_runtime_is_called() {
    let (mut audits, aino) = (audits(), subject("aino"));
    let sampled = Evidence {
        sampled: Sampled::Nucleus,
        ..evidence(&BAD[..200])
    };
    assert_eq!(audits.judge(&aino, sampled), None);
    assert_eq!(audits.judge(&aino, evidence(&BAD[..200])), None);
    let other_model = Subject {
        digest: "sha256:cd".to_owned(),
        ..subject("aino")
    };
    assert_eq!(audits.judge(&other_model, evidence(&BAD[..200])), None);
    let other_runtime = Subject {
        runtime: "kipina-engine 0.1.1".to_owned(),
        ..subject("aino")
    };
    assert!(
        audits
            .judge(&other_runtime, evidence(&BAD[..100]))
            .is_some()
    );
}

/// Judged, and where that brings no verdict, judged as one of many; who is charged.
fn judge_with_others(audits: &mut Audits, name: &str, margins: &[f32]) -> Option<String> {
    let (subject, them) = (subject(name), Identity("behind one address".to_owned()));
    if let Some(verdict) = audits.judge(&subject, evidence(margins)) {
        return (!verdict.good).then(|| name.to_owned());
    }
    let charged = audits.judge_newcomer(&subject, &them, evidence(margins));
    charged.map(|(charged, verdict)| {
        assert!(!verdict.good && verdict.tokens >= 300);
        charged.identity.0
    })
}

#[test]
fn a_new_name_before_each_verdict_is_no_way_out() {
    let mut audits = audits();
    assert_eq!(judge_with_others(&mut audits, "first", &BAD[..250]), None);
    let charged = judge_with_others(&mut audits, "second", &BAD[..250]);
    assert_eq!(charged.as_deref(), Some("behind one address"));
    assert!(audits.is_suspended(&Identity("behind one address".to_owned())));
    assert!(!audits.is_suspended(&Identity("second".to_owned())));
}

#[test]
fn who_has_a_verdict_of_its_own_is_no_burden_to_those_behind_its_address() {
    let mut audits = audits();
    for _ in 0..2 {
        assert_eq!(judge_with_others(&mut audits, "honest", &GOOD[..200]), None);
    }
    assert!(!audits.is_newcomer(&subject("honest")));
    // It is caught by its own name, and takes its margins with it.
    assert_eq!(judge_with_others(&mut audits, "cheat", &BAD[..290]), None);
    let charged = judge_with_others(&mut audits, "cheat", &BAD[..290]);
    assert_eq!(charged.as_deref(), Some("cheat"));
    for newcomer in ["a", "b", "c"] {
        let charged = judge_with_others(&mut audits, newcomer, &GOOD[..200]);
        assert_eq!(charged, None, "{newcomer}");
    }
    let them = Identity("behind one address".to_owned());
    assert_eq!(audits.suspended(), [&Identity("cheat".to_owned())]);
    let late = audits.judge_newcomer(&subject("honest"), &them, evidence(&BAD));
    assert_eq!(late, None, "it is known");
}

#[test]
fn one_odd_token_is_clipped() {
    let mut margins = GOOD;
    margins[7] = 1e9;
    let (mut audits, aino) = (audits(), subject("aino"));
    let verdict = audits.judge(&aino, evidence(&margins)).unwrap();
    assert!(verdict.good && verdict.mean_margin == CLIP / 300.0);
    margins[7] = f32::INFINITY;
    assert!(audits.judge(&aino, evidence(&margins)).unwrap().good);
    margins[7] = f32::NAN;
    assert_eq!(audits.judge(&aino, evidence(&margins)), None);
}

#[test]
fn names_that_anybody_can_make_up_have_an_end() {
    let mut audits = Audits::new(AuditSettings {
        names_kept: 100,
        ..AuditSettings::default()
    });
    for number in 0..1000 {
        audits.judge(&subject(&number.to_string()), evidence(&BAD));
    }
    assert!(audits.standings.len() <= 100 && audits.suspended.len() <= 100);
    assert!(audits.pools.len() <= 100);
    for number in 0..1000 {
        let them = Identity(number.to_string());
        audits.judge(&subject("aino"), evidence(&[]));
        audits.judge_newcomer(&subject("aino"), &them, evidence(&BAD[..1]));
    }
    assert!(audits.newcomers.len() <= 100);
    assert!(audits.is_suspended(&Identity("999".to_owned())));
    assert!(audits.standing(&subject("999")).last.is_some());
}

#[test]
fn what_was_known_before_a_restart_counts_until_something_newer_is() {
    let (mut before, aino, eino) = (audits(), subject("aino"), subject("eino"));
    for _ in 0..10 {
        before.judge(&aino, evidence(&GOOD));
    }
    before.judge(&eino, evidence(&BAD));
    let remembered = |subject: &Subject| {
        let standing = before.standing(subject);
        Remembered {
            subject: subject.clone(),
            good_verdicts: standing.good_verdicts,
            last: standing.last.unwrap(),
        }
    };
    let known = vec![remembered(&aino), remembered(&eino)];

    let mut after = audits();
    after.judge(&eino, evidence(&GOOD));
    after.remember(known);
    after.suspend(&aino.identity);
    assert_eq!(after.share(&aino), before.share(&aino));
    assert_eq!(after.standing(&aino).last, before.standing(&aino).last);
    assert_eq!(after.standing(&eino).good_verdicts, 1);
    assert!(after.is_suspended(&aino.identity) && !after.is_suspended(&eino.identity));
}

#[test]
fn what_sampling_allows_everything_is_not_audited() {
    let of = |temperature, top_p, top_k| {
        let sampling = Sampling {
            temperature,
            top_p,
            top_k,
            ..Sampling::default()
        };
        Sampled::of(&sampling, true)
    };
    let usual = Sampling::default();
    assert_eq!(Sampled::of(&usual, true), Some(Sampled::Nucleus));
    assert_eq!(of(0.0, 1.0, 0), Some(Sampled::Greedy));
    assert_eq!(of(1.5, 1.0, 1), Some(Sampled::Greedy));
    assert_eq!(of(1.0, 1.0, 20), None);
    assert_eq!(
        of(1.2, 0.8, 20),
        None,
        "some take the nucleus after the temperature"
    );
}

#[test]
fn what_was_drawn_with_a_seed_is_audited_where_a_judge_draws_alike() {
    let open = Sampling {
        temperature: 1.5,
        top_p: 1.0,
        seed: Some(1),
        ..Sampling::default()
    };
    assert_eq!(Sampled::of(&open, true), Some(Sampled::Seeded));
    assert_eq!(Sampled::of(&open, false), None);
    let greedy = Sampling {
        temperature: 0.0,
        ..open
    };
    assert_eq!(Sampled::of(&greedy, true), Some(Sampled::Greedy));
}

#[test]
fn every_runtime_has_a_threshold_and_only_the_engine_judges() {
    let runtimes = [
        Runtime::of(NodeKind::Native, "kipina-engine 0.1.0"),
        Runtime::of(NodeKind::Browser, "ollama 0.13"),
        Runtime::of(NodeKind::Native, "ollama 0.13"),
    ];
    assert_eq!(runtimes, [Runtime::Engine, Runtime::Tab, Runtime::Other]);
    assert_eq!(runtimes.map(Runtime::can_audit), [true, false, false]);
    let pairs = runtimes.map(|auditor| runtimes.map(|audited| (auditor, audited)));
    for (auditor, audited) in pairs.into_iter().flatten() {
        for sampled in Sampled::ALL {
            let most = threshold(auditor, audited, sampled);
            assert!(most > 0.0 && most < CLIP / 10.0);
            assert_eq!(
                thresholds::is_calibrated(auditor, audited, sampled),
                auditor.can_audit(),
                "{auditor:?} judges {audited:?}"
            );
        }
    }
}
