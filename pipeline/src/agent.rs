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

impl Default for Team {
    /// The team that builds Python web services.
    fn default() -> Self {
        Self {
            agents: Role::ALL.map(default_agent).into(),
        }
    }
}

fn default_agent(role: Role) -> Agent {
    let (name, temperature, repeat_penalty, max_tokens, prompt) = match role {
        Role::Manager => ("Manageri", 0.5, 1.15, 512, MANAGER),
        Role::Coder => ("Koodari", 0.7, 1.15, 1024, CODER),
        Role::Data => ("Data", 0.5, 1.15, 1024, DATA),
        Role::Tester => ("QA", 0.4, 1.15, 1024, TESTER),
        Role::Reviewer => ("DevOps", 0.3, 1.1, 512, REVIEWER),
        Role::Observer => ("Tarkkailija", 0.6, 1.15, 512, OBSERVER),
    };
    Agent {
        role,
        name: name.to_owned(),
        model: None,
        prompt: prompt.to_owned(),
        sampling: Sampling {
            temperature,
            top_k: 40,
            top_p: 0.95,
            repeat_penalty,
            max_tokens,
        },
    }
}

// Small code models follow short, positive sentences; an example would come back as the answer.

const MANAGER: &str = "You plan small Python web services: FastAPI, SQLAlchemy, Pydantic, and a pyproject.toml \
by PEP 621 that uv runs. You list the files of a project, one line each, files that others import first. Keep \
the list short: only files that the idea needs.";

const CODER: &str = "You are a senior Python developer. You write one complete file at a time with FastAPI, \
SQLAlchemy 2 and Pydantic 2. Import from the other files exactly the names that they define. Write code only.";

const DATA: &str = "You are a data engineer. You write one complete file at a time: SQLAlchemy 2 models, Pydantic 2 \
schemas, configuration. Give every field a type. Write code only.";

const TESTER: &str = "You write pytest tests with FastAPI's TestClient. One complete file: create, list, get, update \
and delete an item; delete answers 204 and getting it afterwards answers 404. Write code only.";

const REVIEWER: &str = "You are a strict reviewer of Python web services. You look for code that fails: wrong imports, \
names that no file defines, missing dependencies, wrong status codes. You answer LGTM alone if all files work \
together, or one line for each fault, beginning with ISSUE: and the file's path.";

const OBSERVER: &str = "You watch over a project's risks: security, data loss, load, upkeep. You sum up the few that \
matter most, one short line each.";

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
