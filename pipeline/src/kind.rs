//! What kind of file a path names: in which order files are written, what they build on, and whose work they are.

use crate::agent::Role;
use crate::path::FilePath;

/// Ordered as files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Of tools: nothing of the code is needed for them.
    Settings,
    /// What stores and describes data.
    Data,
    Code,
    /// Where a service starts: it puts the others together.
    Entry,
    Test,
    /// Tells people of all the others.
    Document,
}

impl Kind {
    /// Whether a file of this kind is built on earlier files of the other, where the plan doesn't say.
    pub(crate) fn builds_on(self, other: Self) -> bool {
        match self {
            Self::Settings => false,
            Self::Data | Self::Code => other == Self::Data,
            Self::Entry => matches!(other, Self::Data | Self::Code),
            Self::Test | Self::Document => matches!(other, Self::Data | Self::Code | Self::Entry),
        }
    }

    pub(crate) fn writer(self) -> Role {
        match self {
            Self::Settings | Self::Data => Role::Data,
            Self::Code | Self::Entry | Self::Document => Role::Coder,
            Self::Test => Role::Tester,
        }
    }
}

impl FilePath {
    pub(crate) fn kind(&self) -> Kind {
        const DATA: [&str; 8] = [
            "model", "schema", "database", "db", "config", "setting", "entity", "storage",
        ];
        const ENTRIES: [&str; 5] = ["main", "app", "__main__", "server", "index"];
        if self.is_test() {
            return Kind::Test;
        }
        let extension = self.extension();
        let is_settings = matches!(
            extension.as_deref(),
            None | Some("toml" | "yml" | "yaml" | "json" | "ini" | "env" | "cfg" | "txt")
        );
        if extension.as_deref() == Some("md") {
            return Kind::Document;
        }
        if is_settings {
            return Kind::Settings;
        }
        let name = self.as_str().to_ascii_lowercase();
        let mut segments = name.rsplit('/');
        let stem = segments.next().and_then(|file| file.split('.').next());
        let folder = segments.next().unwrap_or_default();
        let stem = stem.unwrap_or_default();
        let is_one_of = |text: &str, words: &[&str]| {
            words
                .iter()
                .any(|word| text == *word || text.strip_suffix('s') == Some(word))
        };
        if is_one_of(stem, &DATA) || is_one_of(folder, &DATA) || extension.as_deref() == Some("sql")
        {
            Kind::Data
        } else if ENTRIES.contains(&stem) {
            Kind::Entry
        } else {
            Kind::Code
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_kind() {
        for (path, kind) in [
            ("pyproject.toml", Kind::Settings),
            ("README.md", Kind::Document),
            ("Dockerfile", Kind::Settings),
            ("app/models.py", Kind::Data),
            ("models/recipe.py", Kind::Data),
            ("db/schema.sql", Kind::Data),
            ("app/database.py", Kind::Data),
            ("app/routes.py", Kind::Code),
            ("app/main.py", Kind::Entry),
            ("app/app_helpers.py", Kind::Code),
            ("tests/test_app.py", Kind::Test),
            ("tests.py", Kind::Test),
        ] {
            assert_eq!(FilePath::parse(path).unwrap().kind(), kind, "{path}");
        }
    }
}
