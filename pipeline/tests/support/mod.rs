//! A scripted model, and somebody who drives the team with it.

#![allow(dead_code, reason = "not every test needs all of it")]

use pipeline::{Effect, Event, Finish, Limits, Pipeline, Project, Purpose, Request, Team};

pub(crate) const PLAN: &str = "app/db.py | the database |\napp/main.py | the routes | app/db.py\npyproject.toml | the package |";

/// Answers by purpose; everything is well unless a test says otherwise.
pub(crate) fn good_answer(request: &Request) -> (String, Finish) {
    let text = match &request.purpose {
        Purpose::Plan => PLAN.to_owned(),
        Purpose::Write { path } | Purpose::Mend { path } => format!("# {path}\nx = 1\n"),
        Purpose::Review => "LGTM".to_owned(),
        Purpose::Risks => "No authentication.".to_owned(),
    };
    (text, Finish::Stop)
}

/// `app/main.py` after a good answer: how it was begun, and the answer.
pub(crate) const MAIN: &str = "from typing import List, Optional\n\nfrom fastapi import FastAPI, HTTPException, status\nfrom app.db import Base, engine, session, x\n\nBase.metadata.create_all(engine)\napp = FastAPI()\n\n\n@app# app/main.py\nx = 1\n";

pub(crate) fn count(text: &str) -> usize {
    pipeline::most_tokens(text)
}

pub(crate) fn new_team(idea: &str) -> Pipeline {
    Pipeline::new(Project::new(idea), Team::default(), Limits::default())
}

/// What was asked and what was saved, until nobody is asked any more.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) requests: Vec<Request>,
    pub(crate) saved: Vec<Project>,
}

/// Drives the team with `answer` until it waits for nothing.
pub(crate) fn drive(
    team: &mut Pipeline,
    first: Event,
    mut answer: impl FnMut(&Request) -> Event,
) -> Run {
    let mut run = Run::default();
    let mut events = std::collections::VecDeque::from([first]);
    while let Some(event) = events.pop_front() {
        for effect in team.handle(event, &count) {
            match effect {
                Effect::Ask { request } => {
                    assert!(run.requests.len() < 500, "the team never ends");
                    events.push_back(answer(&request));
                    run.requests.push(*request);
                }
                Effect::Save => run.saved.push(team.project().clone()),
                Effect::Withdraw { .. } => {}
            }
        }
    }
    run
}

pub(crate) fn answer(request: &Request, (text, finish): (String, Finish)) -> Event {
    Event::Answer {
        id: request.id,
        text,
        finish,
    }
}
