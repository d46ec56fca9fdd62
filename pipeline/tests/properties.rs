//! Whatever models answer and people do, the team's work ends, and keeps to its bounds.

mod support;

use pipeline::{Event, Finish, Limits, Pipeline, Project, Run, Team};
use proptest::prelude::*;
use support::{count, drive, good_answer};

/// What comes of one request.
#[derive(Clone, Debug)]
enum Outcome {
    Good,
    Text(String, bool),
    Lost(bool),
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let lines = prop_oneof![
        Just("LGTM".to_owned()),
        Just("ISSUE: app/db.py: it fails".to_owned()),
        "ISSUE: app/main.py: [a-z]{4} [a-z]{4}",
        "(app/)?[a-c]\\.py \\| [a-z ]{0,10} \\| [a-c]\\.py",
        Just("../x.py | out |".to_owned()),
        Just("```".to_owned()),
        "[ -~]{0,60}",
        "\\PC{0,20}",
    ];
    prop_oneof![
        3 => Just(Outcome::Good),
        4 => (proptest::collection::vec(lines, 0..60), any::<bool>())
            .prop_map(|(lines, cut)| Outcome::Text(lines.join("\n"), cut)),
        1 => any::<bool>().prop_map(Outcome::Lost),
    ]
}

proptest! {
    #[test]
    fn every_path_ends_inside_the_plan_and_the_window(
        idea in "\\PC{0,200}",
        window in 256usize..6000,
        outcomes in proptest::collection::vec(outcome(), 1..40),
    ) {
        let limits = Limits { window, ..Limits::default() };
        let mut team = Pipeline::new(Project::new(&idea), Team::default(), limits);
        let mut next = outcomes.iter().cycle();
        let run = drive(&mut team, Event::Start, |request| {
            let text = |text: String, finish| Event::Answer { id: request.id, text, finish };
            match next.next().expect("a cycle") {
                Outcome::Good => { let (answer, finish) = good_answer(request); text(answer, finish) }
                Outcome::Text(answer, cut) => text(answer.clone(), if *cut { Finish::Length } else { Finish::Stop }),
                Outcome::Lost(may_retry) => Event::Lost { id: request.id, message: "gone".to_owned(), may_retry: *may_retry },
            }
        });
        let project = team.project();
        prop_assert!(matches!(project.run, Run::Finished | Run::Failed { .. }), "{:?}", project.run);
        prop_assert!(project.files.len() <= limits.files + 2);
        prop_assert_eq!(team.asked().count(), 0);
        for request in &run.requests {
            let texts = [&request.system, &request.user, &request.prefill];
            let tokens: usize = texts.into_iter().map(|text| count(text)).sum();
            prop_assert!(tokens + request.sampling.max_tokens as usize <= window);
            prop_assert!(request.sampling.max_tokens > 0);
            if let Some(path) = request.purpose.path() {
                prop_assert!(project.file(path).is_some(), "{path} is outside of the plan");
            }
        }
    }

    #[test]
    fn a_project_goes_on_from_any_saved_state(outcomes in proptest::collection::vec(outcome(), 1..20), at in any::<prop::sample::Index>()) {
        let mut team = Pipeline::new(Project::new("x"), Team::default(), Limits::default());
        let mut next = outcomes.iter().cycle();
        let run = drive(&mut team, Event::Start, |request| {
            match next.next().expect("a cycle") {
                Outcome::Text(answer, cut) => Event::Answer { id: request.id, text: answer.clone(), finish: if *cut { Finish::Length } else { Finish::Stop } },
                Outcome::Lost(may_retry) => Event::Lost { id: request.id, message: String::new(), may_retry: *may_retry },
                Outcome::Good => { let (text, finish) = good_answer(request); Event::Answer { id: request.id, text, finish } }
            }
        });
        let saved = run.saved[at.index(run.saved.len())].clone();
        let mut resumed = Pipeline::new(saved, Team::default(), Limits::default());
        drive(&mut resumed, Event::Start, |request| { let (text, finish) = good_answer(request); Event::Answer { id: request.id, text, finish } });
        prop_assert_eq!(&resumed.project().run, &Run::Finished);
    }
}
