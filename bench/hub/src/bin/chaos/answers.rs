//! What every prompt is answered when nothing is disturbed.

use std::collections::HashMap;

use anyhow::bail;

use crate::streams::Streamed;

#[derive(Debug)]
pub(crate) struct Undisturbed(HashMap<String, String>);

impl Undisturbed {
    pub(crate) fn of(streams: Vec<Streamed>) -> anyhow::Result<Self> {
        let mut answers = HashMap::new();
        for streamed in streams {
            if let Some(why) = streamed.lost {
                bail!("a stream was lost before there was any trouble: {why}");
            }
            answers.insert(streamed.prompt, streamed.text);
        }
        Ok(Self(answers))
    }

    pub(crate) fn to(&self, prompt: &str) -> &str {
        self.0.get(prompt).map_or("", String::as_str)
    }
}
