//! A project as `.kipina/project.json` holds it: what the studio exports and imports.

use pipeline::Project;
use serde::{Deserialize, Serialize};

const FORMAT: &str = "kipina-project";
const VERSION: u32 = 1;

/// The studio takes no longer name.
const LONGEST_NAME: usize = 80;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    format: String,
    version: u32,
    pub(crate) name: String,
    pub(crate) project: Project,
}

impl Record {
    pub(crate) fn new(idea: &str) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            name: name_from(idea),
            project: Project::new(idea),
        }
    }

    /// # Errors
    /// Why the text is no project that the team could work on.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if record.format != FORMAT || record.version != VERSION {
            return Err(format!(
                "`{}` in version {} is not known to this kpn",
                record.format, record.version
            ));
        }
        record
            .project
            .check()
            .map_err(|problem| problem.to_string())?;
        Ok(record)
    }

    pub(crate) fn text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// An idea's first words.
fn name_from(idea: &str) -> String {
    let line = idea.split_whitespace().collect::<Vec<_>>().join(" ");
    // The studio counts as JavaScript does.
    let length = |text: &str| text.encode_utf16().count();
    if length(&line) <= LONGEST_NAME {
        return line;
    }
    let mut name = String::new();
    for character in line.chars() {
        if length(&name) + character.len_utf16() >= LONGEST_NAME {
            break;
        }
        name.push(character);
    }
    name + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_comes_back_as_it_was_saved() {
        let record = Record::new("  a to-do\nlist ");
        let again = Record::parse(record.text().unwrap().as_bytes()).unwrap();
        assert_eq!(
            (again.project, again.name.as_str()),
            (record.project, "a to-do list")
        );
    }

    #[test]
    fn what_no_team_could_work_on_is_refused() {
        let good = Record::new("x").text().unwrap();
        let file = r#""files": [{"path": "../x", "purpose": "", "needs": [], "role": "coder",
            "state": {"is": "waiting"}, "versions": [], "attempts": 0, "instruction": null}]"#;
        for bad in [
            String::new(),
            good.replace("kipina-project", "other"),
            good.replace("\"version\": 1", "\"version\": 2"),
            good.replace("\"files\": []", file),
        ] {
            assert!(Record::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(
            Record::parse(
                good.replace("\"files\": []", &file.replace("../", ""))
                    .as_bytes()
            )
            .is_ok()
        );
    }

    #[test]
    fn a_name_is_one_that_the_studio_takes() {
        let name = name_from(&"🔥".repeat(100));
        assert!(name.encode_utf16().count() <= LONGEST_NAME && name.ends_with('…'));
    }
}
