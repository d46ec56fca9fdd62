//! The team's work with a scripted model.

mod support;

use pipeline::{
    Effect, Event, Failure, FilePath, FileProblem, Finish, Limits, Notice, Pipeline, Project,
    Purpose, Request, Role, Run, Stage, Team,
};
use support::{MAIN, answer, count, drive, good_answer, new_team};

fn path(text: &str) -> FilePath {
    FilePath::parse(text).unwrap()
}

fn asked(requests: &[Request]) -> Vec<String> {
    let name = |request: &Request| match &request.purpose {
        Purpose::Plan => "plan".to_owned(),
        Purpose::Write { path } => format!("write {path}"),
        Purpose::Mend { path } => format!("mend {path}"),
        Purpose::Review => "review".to_owned(),
        Purpose::Risks => "risks".to_owned(),
    };
    requests.iter().map(name).collect()
}

#[test]
fn an_idea_becomes_files_in_the_order_of_their_needs() {
    let mut team = new_team("a to-do list");
    let run = drive(&mut team, Event::Start, |request| {
        answer(request, good_answer(request))
    });
    assert_eq!(
        asked(&run.requests),
        [
            "plan",
            "write pyproject.toml",
            "write app/db.py",
            "write app/main.py",
            "write tests/test_app.py",
            "review",
            "risks"
        ]
    );
    let project = team.project();
    assert_eq!((project.stage, &project.run), (Stage::Done, &Run::Finished));
    assert_eq!(
        project.file(&path("app/main.py")).unwrap().text(),
        Some(MAIN)
    );
    assert_eq!(project.risks.as_deref(), Some("-No authentication."));
    assert!(project.notices.is_empty(), "{:?}", project.notices);
    let roles: Vec<Role> = project.files.iter().map(|file| file.role).collect();
    assert_eq!(roles, [Role::Data, Role::Data, Role::Coder, Role::Tester]);
}

#[test]
fn independent_files_are_asked_for_at_once() {
    let mut team = new_team("x");
    let plan = team.handle(Event::Start, &count);
    let Effect::Ask { request } = &plan[0] else {
        panic!("{plan:?}")
    };
    let effects = team.handle(answer(request, good_answer(request)), &count);
    let asks = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Ask { .. }))
        .count();
    assert_eq!(asks, 2, "app/db.py and pyproject.toml need nothing");
}

#[test]
fn a_file_is_written_with_what_it_needs_in_sight_and_begun_as_code() {
    let mut team = new_team("x");
    let run = drive(&mut team, Event::Start, |request| {
        answer(request, good_answer(request))
    });
    let main = run
        .requests
        .iter()
        .find(|request| request.purpose.path() == Some(&path("app/main.py")))
        .unwrap();
    assert!(main.user.contains("# app/db.py"), "{}", main.user);
    assert!(MAIN.starts_with(&main.begun) && main.begun.contains("from app.db import"));
    assert_eq!(main.prefill, format!("```python\n{}", main.begun));
    assert!(main.stop.contains(&"\n### ".to_owned()) && main.stop.contains(&"\n```".to_owned()));
}

#[test]
fn a_malformed_plan_is_asked_for_again_with_what_was_wrong() {
    let mut team = new_team("x");
    let mut plans = 0;
    let run = drive(&mut team, Event::Start, |request| {
        if request.purpose == Purpose::Plan {
            plans += 1;
            if plans == 1 {
                return answer(request, ("../etc | bad |".to_owned(), Finish::Stop));
            }
            assert!(request.user.contains("stay inside"), "{}", request.user);
        }
        answer(request, good_answer(request))
    });
    assert_eq!(asked(&run.requests)[..2], ["plan", "plan"]);
    assert_eq!(team.project().run, Run::Finished);
    assert!(matches!(
        team.project().notices[0],
        Notice::PlanRefused { .. }
    ));
}

#[test]
fn a_manager_that_never_plans_is_given_up_and_may_be_asked_again() {
    let mut team = new_team("x");
    let never = |request: &Request| answer(request, ("I am a model.".to_owned(), Finish::Stop));
    let run = drive(&mut team, Event::Start, never);
    assert_eq!(run.requests.len(), 3);
    assert!(matches!(
        &team.project().run,
        Run::Failed {
            reason: Failure::Plan { .. }
        }
    ));
    drive(&mut team, Event::Start, |request| {
        answer(request, good_answer(request))
    });
    assert_eq!(team.project().run, Run::Finished);
}

#[test]
fn issues_are_mended_and_reviewed_again() {
    let mut team = new_team("x");
    let mut reviews = 0;
    let run = drive(&mut team, Event::Start, |request| {
        if request.purpose == Purpose::Review {
            reviews += 1;
            if reviews == 1 {
                let issue = "ISSUE: app/db.py: the engine is missing";
                return answer(request, (issue.to_owned(), Finish::Stop));
            }
        }
        if let Purpose::Mend { .. } = request.purpose {
            assert!(request.user.contains("the engine is missing"));
            return answer(request, ("engine = 1\n".to_owned(), Finish::Stop));
        }
        answer(request, good_answer(request))
    });
    assert_eq!(
        asked(&run.requests)[5..],
        ["review", "mend app/db.py", "review", "risks"]
    );
    let file = team.project().file(&path("app/db.py")).unwrap();
    assert_eq!(file.versions.len(), 2, "the text before is kept");
    assert_eq!((file.versions[0].round, file.versions[1].round), (0, 0));
    assert_eq!(team.project().rounds, 1);
}

#[test]
fn an_issue_that_comes_back_is_not_mended_again() {
    let mut team = new_team("x");
    let run = drive(&mut team, Event::Start, |request| {
        if request.purpose == Purpose::Review {
            let issue = "ISSUE: app/db.py: the engine is missing";
            return answer(request, (issue.to_owned(), Finish::Stop));
        }
        answer(request, good_answer(request))
    });
    assert_eq!(
        asked(&run.requests)[5..],
        ["review", "mend app/db.py", "review", "risks"]
    );
    assert!(
        matches!(team.project().notices.last(), Some(Notice::IssuesLeft { issues }) if issues.len() == 1)
    );
}

#[test]
fn rounds_are_bounded_whatever_the_reviewer_finds() {
    let mut team = new_team("x");
    let mut reviews = 0;
    let run = drive(&mut team, Event::Start, |request| {
        if request.purpose == Purpose::Review {
            reviews += 1;
            return answer(
                request,
                (
                    format!("ISSUE: app/db.py: fault number {reviews}00"),
                    Finish::Stop,
                ),
            );
        }
        answer(request, good_answer(request))
    });
    let mends = asked(&run.requests)
        .iter()
        .filter(|name| name.starts_with("mend"))
        .count();
    assert_eq!(mends, Limits::default().rounds as usize);
    assert_eq!(team.project().run, Run::Finished);
}

#[test]
fn a_file_that_was_cut_off_is_continued_where_it_ended() {
    let mut team = new_team("x");
    let mut parts = 0;
    let run = drive(&mut team, Event::Start, |request| {
        if request.purpose.path() == Some(&path("app/db.py")) {
            parts += 1;
            return answer(
                request,
                match parts {
                    1 => ("a = 1\nb =".to_owned(), Finish::Length),
                    _ => (" 2\n".to_owned(), Finish::Stop),
                },
            );
        }
        answer(request, good_answer(request))
    });
    let last = run
        .requests
        .iter()
        .rfind(|request| request.purpose.path() == Some(&path("app/db.py")))
        .unwrap();
    assert!(last.prefill.ends_with("classa = 1\nb ="));
    let text = team.project().file(&path("app/db.py")).unwrap().text();
    assert!(text.unwrap().ends_with("classa = 1\nb = 2\n"));
}

#[test]
fn a_file_without_end_is_given_up_with_its_name() {
    for (text, problem) in [
        ("x = 1\n".repeat(60), FileProblem::Repeats),
        ("y\n".to_owned(), FileProblem::TooLong),
        (String::new(), FileProblem::TooLong),
    ] {
        let mut team = new_team("x");
        drive(&mut team, Event::Start, |request| {
            if request.purpose.path() == Some(&path("app/db.py")) {
                return answer(request, (text.clone(), Finish::Length));
            }
            answer(request, good_answer(request))
        });
        let reason = Failure::File {
            path: path("app/db.py"),
            problem,
        };
        assert_eq!(team.project().run, Run::Failed { reason });
    }
}

#[test]
fn a_lost_node_costs_a_question_only() {
    let mut team = new_team("x");
    let mut lost = false;
    let run = drive(&mut team, Event::Start, |request| {
        if !lost && request.purpose.path().is_some() {
            lost = true;
            return Event::Lost {
                id: request.id,
                message: "the node has gone".to_owned(),
                may_retry: true,
            };
        }
        answer(request, good_answer(request))
    });
    assert_eq!(run.requests.len(), 8);
    assert_eq!(team.project().run, Run::Finished);
}

#[test]
fn a_node_that_takes_several_questions_with_it_costs_each_once() {
    let mut team = new_team("x");
    let mut seen = Vec::new();
    drive(&mut team, Event::Start, |request| {
        if request.purpose.path().is_some() && !seen.contains(&request.purpose) {
            seen.push(request.purpose.clone());
            return Event::Lost {
                id: request.id,
                message: "the node has gone".to_owned(),
                may_retry: true,
            };
        }
        answer(request, good_answer(request))
    });
    assert_eq!(seen.len(), 4);
    assert_eq!(team.project().run, Run::Finished);
}

#[test]
fn with_nobody_there_the_team_stops_and_says_what_the_hub_said() {
    let mut team = new_team("x");
    let run = drive(&mut team, Event::Start, |request| Event::Lost {
        id: request.id,
        message: "no node has this model".to_owned(),
        may_retry: true,
    });
    assert_eq!(run.requests.len(), 3);
    let reason = Failure::Nobody {
        message: "no node has this model".to_owned(),
    };
    assert_eq!(team.project().run, Run::Failed { reason });
}

#[test]
fn every_saved_state_leads_to_the_same_project() {
    let mut team = new_team("x");
    let whole = drive(&mut team, Event::Start, |request| {
        answer(request, good_answer(request))
    });
    assert!(whole.saved.len() >= 7);
    for saved in &whole.saved {
        let json = serde_json::to_string(saved).unwrap();
        let again: Project = serde_json::from_str(&json).unwrap();
        assert_eq!(&again, saved);
        let mut resumed = Pipeline::new(again, Team::default(), Limits::default());
        drive(&mut resumed, Event::Start, |request| {
            answer(request, good_answer(request))
        });
        assert_eq!(resumed.project(), team.project());
    }
}

#[test]
fn an_idea_that_does_not_fit_the_window_says_so() {
    let mut team = new_team(&"word ".repeat(4000));
    drive(&mut team, Event::Start, |request| {
        answer(request, good_answer(request))
    });
    assert!(matches!(
        team.project().run,
        Run::Failed {
            reason: Failure::Window { .. }
        }
    ));
}

#[test]
fn what_was_begun_is_no_file_by_itself() {
    let mut team = new_team("x");
    let mut empty = 0;
    drive(&mut team, Event::Start, |request| {
        if request.purpose.path() == Some(&path("app/main.py")) && empty < 1 {
            empty += 1;
            return answer(request, (" \n".to_owned(), Finish::Stop));
        }
        answer(request, good_answer(request))
    });
    let project = team.project();
    assert_eq!(
        project.file(&path("app/main.py")).unwrap().text(),
        Some(MAIN)
    );
    assert!(matches!(
        project.notices.as_slice(),
        [Notice::FileRefused {
            problem: FileProblem::Empty,
            ..
        }]
    ));
}

#[test]
fn a_file_that_mending_would_break_stays_as_it_was() {
    let mut team = new_team("x");
    let whole: String = (0..20).map(|line| format!("x{line} = {line}\n")).collect();
    let mut reviews = 0;
    let run = drive(&mut team, Event::Start, |request| {
        let is_main = request.purpose.path() == Some(&path("app/main.py"));
        let text = match &request.purpose {
            Purpose::Write { .. } if is_main => whole.clone(),
            Purpose::Mend { .. } => "x0 = 1\n".to_owned(),
            Purpose::Review if reviews == 0 => {
                reviews += 1;
                "ISSUE: app/main.py: x0 is wrong".to_owned()
            }
            _ => good_answer(request).0,
        };
        answer(request, (text, Finish::Stop))
    });
    let mends = asked(&run.requests)
        .iter()
        .filter(|name| *name == "mend app/main.py")
        .count();
    assert_eq!(mends, 3);
    let project = team.project();
    let main = project.file(&path("app/main.py")).unwrap();
    assert!(main.text().unwrap().ends_with(&whole));
    assert_eq!((main.versions.len(), &project.run), (1, &Run::Finished));
    assert!(matches!(
        project.notices.last(),
        Some(Notice::IssuesLeft { issues }) if issues.len() == 1
    ));
}
