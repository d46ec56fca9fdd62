//! The agents of a team, and how each one asks its model.

use serde::{Deserialize, Serialize};

/// What an agent does in a project. Everything else about it may be changed by its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Plans the files.
    Manager,
    /// Writes code.
    Coder,
    /// Writes what stores and describes data.
    Data,
    /// Writes tests.
    Tester,
    /// Reviews.
    Reviewer,
    /// Sums up what may go wrong.
    Observer,
}

impl Role {
    pub const ALL: [Self; 6] = [
        Self::Manager,
        Self::Coder,
        Self::Data,
        Self::Tester,
        Self::Reviewer,
        Self::Observer,
    ];
}

/// How an agent's tokens are drawn; the fields are those of the chat API.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    pub temperature: f32,
    pub top_k: u32,
    pub top_p: f32,
    pub repeat_penalty: f32,
    pub max_tokens: u32,
}

/// A member of the team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    pub role: Role,
    pub name: String,
    /// The model's id or family; none: whichever the studio has chosen.
    pub model: Option<String>,
    /// The system prompt.
    pub prompt: String,
    pub sampling: Sampling,
}

/// Who works on a project, one agent for each [`Role`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Team {
    pub agents: Vec<Agent>,
}

impl Team {
    /// The agent of a role; the default team's where this one has none.
    pub fn agent(&self, role: Role) -> Agent {
        let mine = self.agents.iter().find(|agent| agent.role == role);
        mine.cloned().unwrap_or_else(|| default_agent(role))
    }
}

fn default_agent(role: Role) -> Agent {
    let mut agents = Team::default().agents.into_iter();
    agents
        .find(|agent| agent.role == role)
        .expect("an agent of every role")
}

impl Default for Team {
    /// The team that builds Python web services, from the file that the studio's page shows it from, too.
    ///
    /// Its prompts suit small code models, which follow short, positive sentences; an example would come back as the
    /// answer.
    fn default() -> Self {
        serde_json::from_str(include_str!("../default-team.json")).expect("a team")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_its_agent_even_in_a_team_that_lacks_it() {
        let team = Team { agents: Vec::new() };
        for role in Role::ALL {
            assert_eq!(team.agent(role).role, role);
        }
    }
}
