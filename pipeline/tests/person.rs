//! What a person does while the team works: stop it, go on, write a file, have one written anew.

mod support;

use pipeline::{Effect, Event, FilePath, Finish, Purpose, Run, Stage};
use support::{MAIN, answer, count, drive, good_answer, new_team};

fn path(text: &str) -> FilePath {
    FilePath::parse(text).unwrap()
}

#[test]
fn stopping_withdraws_what_was_asked_at_every_step_and_starting_goes_on() {
    let steps = {
        let mut team = new_team("x");
        drive(&mut team, Event::Start, |request| {
            answer(request, good_answer(request))
        })
        .requests
        .len()
    };
    for stop_at in 0..steps {
        let mut team = new_team("x");
        let mut seen = 0;
        let mut open = Vec::new();
        // Answers until the step, then stops with everything open.
        let mut events = std::collections::VecDeque::from([Event::Start]);
        while let Some(event) = events.pop_front() {
            for effect in team.handle(event, &count) {
                if let Effect::Ask { request } = effect {
                    open.push(request.id);
                    if seen < stop_at {
                        events.push_back(answer(&request, good_answer(&request)));
                        open.pop();
                    }
                    seen += 1;
                }
            }
        }
        let effects = team.handle(Event::Stop, &count);
        let mut withdrawn: Vec<u64> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Withdraw { id } => Some(*id),
                _ => None,
            })
            .collect();
        withdrawn.sort();
        assert_eq!(withdrawn, open, "stopped at step {stop_at}");
        assert_eq!(team.project().run, Run::Stopped);
        // What still comes in is nobody's.
        for id in open {
            assert!(
                team.handle(
                    Event::Answer {
                        id,
                        text: "late".to_owned(),
                        finish: Finish::Stop
                    },
                    &count
                )
                .is_empty()
            );
        }
        drive(&mut team, Event::Start, |request| {
            answer(request, good_answer(request))
        });
        assert_eq!(
            team.project().run,
            Run::Finished,
            "stopped at step {stop_at}"
        );
    }
}

#[test]
fn a_person_may_write_a_file_go_back_and_have_it_written_anew() {
    let mut team = new_team("x");
    drive(&mut team, Event::Start, |request| {
        answer(request, good_answer(request))
    });
    let main = path("app/main.py");
    let effects = team.handle(
        Event::Edit {
            path: main.clone(),
            text: "mine\n".to_owned(),
        },
        &count,
    );
    assert_eq!(effects, [Effect::Save]);
    team.handle(
        Event::Revert {
            path: main.clone(),
            version: 0,
        },
        &count,
    );
    let texts: Vec<_> = team
        .project()
        .file(&main)
        .unwrap()
        .versions
        .iter()
        .map(|version| version.text.clone())
        .collect();
    assert_eq!(texts, [MAIN, "mine\n", MAIN]);
    let instruction = "use async".to_owned();
    let run = drive(
        &mut team,
        Event::Regenerate {
            path: main.clone(),
            instruction,
        },
        |request| {
            assert!(request.user.contains("use async"));
            answer(request, ("async\n".to_owned(), Finish::Stop))
        },
    );
    assert_eq!(run.requests.len(), 1);
    let text = team.project().file(&main).unwrap().text().unwrap();
    assert!(text.ends_with("@appasync\n"), "{text}");
    assert_eq!(team.project().run, Run::Finished);
}

#[test]
fn what_a_person_writes_while_the_team_does_is_not_written_over() {
    let main = path("app/main.py");
    // In the middle of its first answer, of its second, and while it is mended.
    for (asked_before, cut, finds) in [(0, false, false), (1, true, false), (1, false, true)] {
        let mut team = new_team("x");
        let mut asked = 0;
        let mut withdrawn = 0;
        let mut events = std::collections::VecDeque::from([Event::Start]);
        while let Some(event) = events.pop_front() {
            for effect in team.handle(event, &count) {
                let request = match effect {
                    Effect::Ask { request } => request,
                    Effect::Withdraw { .. } => {
                        withdrawn += 1;
                        continue;
                    }
                    Effect::Save => continue,
                };
                let is_main = request.purpose.path() == Some(&main);
                asked += usize::from(is_main);
                if is_main && asked == asked_before + 1 {
                    // Both come: what the person wrote, and then the answer that does not know of it.
                    events.push_back(Event::Edit {
                        path: main.clone(),
                        text: "mine = 1\n".to_owned(),
                    });
                }
                let (mut text, mut finish) = good_answer(&request);
                if is_main && cut && asked == 1 {
                    finish = Finish::Length;
                }
                if is_main && finds && asked > 2 {
                    assert!(request.user.contains("mine = 1"), "{}", request.user);
                }
                if finds && request.purpose == Purpose::Review && asked == 1 {
                    text = "ISSUE: app/main.py: it fails".to_owned();
                }
                events.push_back(answer(&request, (text, finish)));
            }
        }
        let project = team.project();
        assert_eq!(project.run, Run::Finished);
        assert_eq!(withdrawn, 1, "{asked_before}, {cut}, {finds}");
        let versions = &project.file(&main).unwrap().versions;
        if finds {
            // The one who mends it knows what it holds.
            assert_eq!(asked, 3);
            assert_eq!(versions[1].text, "mine = 1\n");
        } else {
            assert_eq!(versions.last().unwrap().text, "mine = 1\n");
        }
    }
}

#[test]
fn a_file_wanted_anew_during_the_review_is_written_and_reviewed() {
    let mut team = new_team("x");
    let mut regenerated = false;
    let mut events = std::collections::VecDeque::from([Event::Start]);
    let mut purposes = Vec::new();
    while let Some(event) = events.pop_front() {
        for effect in team.handle(event, &count) {
            let Effect::Ask { request } = effect else {
                continue;
            };
            purposes.push(request.purpose.clone());
            if request.purpose == Purpose::Review && !regenerated {
                regenerated = true;
                events.push_back(Event::Regenerate {
                    path: path("app/main.py"),
                    instruction: "shorter".to_owned(),
                });
            }
            events.push_back(answer(&request, good_answer(&request)));
        }
    }
    let after: Vec<_> = purposes.into_iter().skip(5).collect();
    assert_eq!(
        after,
        [
            Purpose::Review,
            Purpose::Write {
                path: path("app/main.py")
            },
            Purpose::Review,
            Purpose::Risks
        ]
    );
    assert_eq!(team.project().run, Run::Finished);
}

#[test]
fn a_file_may_be_taken_out_and_nobody_waits_for_it() {
    let mut team = new_team("x");
    let mut seen = Vec::new();
    let mut withdrawn = Vec::new();
    let mut events = std::collections::VecDeque::from([Event::Start]);
    while let Some(event) = events.pop_front() {
        for effect in team.handle(event, &count) {
            match effect {
                Effect::Ask { request } => {
                    seen.push(request.purpose.clone());
                    if request.purpose.path() == Some(&path("app/db.py")) {
                        // Taken out while it is written: the routes, which need it, must not wait for it.
                        let path = path("app/db.py");
                        events.push_back(Event::Remove { path });
                    } else {
                        events.push_back(answer(&request, good_answer(&request)));
                    }
                }
                Effect::Withdraw { id } => withdrawn.push(id),
                Effect::Save => {}
            }
        }
    }
    assert_eq!(withdrawn.len(), 1);
    assert!(seen.contains(&Purpose::Write {
        path: path("app/main.py")
    }));
    let project = team.project();
    assert_eq!(project.run, Run::Finished);
    assert!(project.file(&path("app/db.py")).is_none());
    assert_eq!(project.check(), Ok(()));
}

#[test]
fn a_project_without_its_last_file_is_planned_again() {
    let mut team = new_team("x");
    drive(&mut team, Event::Start, |request| {
        answer(request, good_answer(request))
    });
    for path in team.project().paths() {
        let effects = team.handle(Event::Remove { path }, &count);
        assert_eq!(effects, [Effect::Save]);
    }
    assert_eq!(team.project().stage, Stage::Planning);
    assert_eq!(
        (&team.project().run, &team.project().risks),
        (&Run::Stopped, &None)
    );
    drive(&mut team, Event::Start, |request| {
        answer(request, good_answer(request))
    });
    assert_eq!(team.project().run, Run::Finished);
    assert_eq!(team.project().files.len(), 4);
}
