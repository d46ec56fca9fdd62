//! The team in a browser: values of the page in, values of the page out. What the page sees of it is written down in
//! `frontend/src/lib/projects/wasm.ts`.

use js_sys::{Error, Function};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::context::most_tokens;
use crate::event::Event;
use crate::machine::Pipeline;
use crate::project::Project;
use crate::request::Limits;

/// `TeamAtWork` of `wasm.ts`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct TeamAtWork {
    pipeline: Pipeline,
    count: Option<Function>,
}

#[wasm_bindgen]
impl TeamAtWork {
    /// `count` takes a text and gives its tokens as a number; without it they are estimated.
    ///
    /// # Errors
    /// Which of the values is none of its kind, and why.
    #[wasm_bindgen(constructor)]
    pub fn new(
        project: JsValue,
        team: JsValue,
        limits: JsValue,
        count: Option<Function>,
    ) -> Result<TeamAtWork, Error> {
        let pipeline = Pipeline::new(
            checked(project)?,
            read("the team", team)?,
            read("the limits", limits)?,
        );
        Ok(Self { pipeline, count })
    }

    /// # Errors
    /// It is no event.
    pub fn handle(&mut self, event: JsValue) -> Result<JsValue, Error> {
        let event: Event = read("the event", event)?;
        let count = |text: &str| count_tokens(self.count.as_ref(), text);
        write(&self.pipeline.handle(event, &count))
    }

    /// # Errors
    /// A number in it is too large for JavaScript.
    pub fn project(&self) -> Result<JsValue, Error> {
        write(self.pipeline.project())
    }

    /// # Errors
    /// It is no team.
    #[wasm_bindgen(js_name = setTeam)]
    pub fn set_team(&mut self, team: JsValue) -> Result<(), Error> {
        self.pipeline.set_team(read("the team", team)?);
        Ok(())
    }
}

/// # Errors
/// None that is known: the same that all of these functions have.
#[wasm_bindgen(js_name = newProject)]
pub fn new_project(idea: &str) -> Result<JsValue, Error> {
    write(&Project::new(idea))
}

/// # Errors
/// As [`new_project`].
#[wasm_bindgen(js_name = defaultLimits)]
pub fn default_limits() -> Result<JsValue, Error> {
    write(&Limits::default())
}

/// A project that came from outside, as the team would save it.
///
/// # Errors
/// It is none, or none that could be worked on; and why.
#[wasm_bindgen(js_name = checkProject)]
pub fn check_project(project: JsValue) -> Result<JsValue, Error> {
    write(&checked(project)?)
}

fn checked(project: JsValue) -> Result<Project, Error> {
    let project: Project = read("the project", project)?;
    project
        .check()
        .map_err(|problem| Error::new(&format!("the project can't be worked on: {problem}")))?;
    Ok(project)
}

/// What counts may fail: then the estimate, which is on the safe side, stands in.
fn count_tokens(count: Option<&Function>, text: &str) -> usize {
    let counted = count
        .and_then(|count| count.call1(&JsValue::NULL, &JsValue::from_str(text)).ok())
        .and_then(|tokens| tokens.as_f64())
        .filter(|tokens| (0.0..=f64::from(u32::MAX)).contains(tokens));
    counted.map_or_else(|| most_tokens(text), |tokens| tokens as usize)
}

fn read<Value: DeserializeOwned>(what: &str, value: JsValue) -> Result<Value, Error> {
    serde_wasm_bindgen::from_value(value)
        .map_err(|problem| Error::new(&format!("{what} can't be read: {problem}")))
}

fn write<Value: Serialize>(value: &Value) -> Result<JsValue, Error> {
    value
        .serialize(&Serializer::json_compatible())
        .map_err(|problem| Error::new(&problem.to_string()))
}
