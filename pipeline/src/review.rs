//! The reviewer's verdict: a table with a row for each file that the request has begun, `| file | LGTM |` or
//! `| file | ISSUE: text |`, since the smallest models go through all files only in a table. Larger ones may also say `LGTM`
//! or `ISSUE: file: text` outside of it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::path::FilePath;
use crate::project::Project;

/// A fault that the reviewer found in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    pub path: FilePath,
    pub text: String,
}

/// What a review says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Issues(Vec<Issue>),
    /// Neither of the two.
    Unclear,
}

/// The most issues of one review that count: a reviewer that finds more repeats itself.
const MOST_ISSUES: usize = 12;

/// How the reviewer's answer is begun, before the first row.
pub(crate) const HEAD: &str = "| file | verdict |\n|---|---|\n";

/// The first row, up to its verdict.
pub(crate) fn first_row(project: &Project) -> String {
    let first = project.files.first();
    first.map_or("|".to_owned(), |file| format!("| {} |", file.planned.path))
}

/// Reads a review of these files. Issues with files that are not among them are no issues; a file that is named without
/// its folder is found where only one has that name.
pub(crate) fn parse(answer: &str, files: &[FilePath]) -> Verdict {
    let mut issues: Vec<Issue> = Vec::new();
    let mut says_good = false;
    for line in answer.lines() {
        let line = &as_line(line, files);
        let line = line
            .trim()
            .trim_start_matches(['-', '*', '#', ' '])
            .trim_matches('*');
        let upper = line.to_ascii_uppercase();
        if upper.starts_with("LGTM") {
            says_good = true;
        }
        let Some(rest) = upper.starts_with("ISSUE").then(|| &line["ISSUE".len()..]) else {
            continue;
        };
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || ": *".contains(c));
        let Some((path, text)) = rest.split_once(':') else {
            continue;
        };
        let Some(path) = find(path, files) else {
            continue;
        };
        let text = text.trim().trim_matches('*').trim();
        let issue = Issue {
            path,
            text: text.to_owned(),
        };
        if !text.is_empty()
            && issues.len() < MOST_ISSUES
            && !issues.iter().any(|other| other.is_like(&issue))
        {
            issues.push(issue);
        }
    }
    match (issues.is_empty(), says_good) {
        (false, _) => Verdict::Issues(issues),
        (true, true) => Verdict::Good,
        (true, false) => Verdict::Unclear,
    }
}

/// A row of the table as a line of its own.
fn as_line<'a>(line: &'a str, files: &[FilePath]) -> Cow<'a, str> {
    let cells = line
        .trim()
        .strip_prefix('|')
        .and_then(|row| row.split_once('|'));
    let Some((file, verdict)) = cells else {
        return line.into();
    };
    let verdict = verdict.trim().trim_end_matches('|').trim();
    let issue = verdict
        .get(.."ISSUE".len())
        .filter(|word| word.eq_ignore_ascii_case("ISSUE"))
        .map(|word| verdict[word.len()..].trim_start_matches([':', ' ']));
    match issue {
        // The row that was begun may have been gone on with as a line.
        Some(text)
            if text
                .split_once(':')
                .is_some_and(|(name, _)| find(name, files).is_some()) =>
        {
            format!("ISSUE: {text}").into()
        }
        Some(text) => format!("ISSUE: {}: {text}", file.trim()).into(),
        None => verdict.into(),
    }
}

fn find(text: &str, files: &[FilePath]) -> Option<FilePath> {
    let text = text.trim().trim_matches(['`', '*', '[', ']', '"', '\'']);
    if let Some(path) = files.iter().find(|path| path.as_str() == text) {
        return Some(path.clone());
    }
    let mut named = files
        .iter()
        .filter(|path| path.as_str().rsplit('/').next() == Some(text));
    match (named.next(), named.next()) {
        (Some(path), None) => Some(path.clone()),
        _ => None,
    }
}

impl Issue {
    /// Whether both say the same of the same file, in words that may differ in case, marks and order.
    pub fn is_like(&self, other: &Self) -> bool {
        self.path == other.path && words(&self.text) == words(&other.text)
    }
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.len() > 2)
        .map(str::to_lowercase)
        .collect();
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<FilePath> {
        ["app/main.py", "app/models.py", "tests/main.py"]
            .map(|path| FilePath::parse(path).unwrap())
            .into()
    }

    fn issues(answer: &str) -> Vec<String> {
        match parse(answer, &files()) {
            Verdict::Issues(issues) => issues
                .into_iter()
                .map(|issue| format!("{}={}", issue.path, issue.text))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_verdict_is_read_however_a_model_dresses_it() {
        assert_eq!(parse("LGTM", &files()), Verdict::Good);
        assert_eq!(parse("**LGTM!** All good.", &files()), Verdict::Good);
        for answer in [
            "ISSUE: app/models.py: no primary key",
            "- **ISSUE: app/models.py: no primary key**",
            "Issue 1: `app/models.py`: no primary key",
            "ISSUE: models.py: no primary key",
            "LGTM except\nISSUE: app/models.py: no primary key",
        ] {
            assert_eq!(issues(answer), ["app/models.py=no primary key"], "{answer}");
        }
    }

    #[test]
    fn what_names_no_file_of_the_project_is_no_issue() {
        for answer in [
            "ISSUE: other.py: bad",
            "ISSUE: main.py: which one?",
            "ISSUE: app/main.py:",
            "I think it is fine",
            "",
        ] {
            assert_eq!(parse(answer, &files()), Verdict::Unclear, "{answer}");
        }
    }

    /// What Qwen2.5-Coder 0.5B said of three files.
    #[test]
    fn a_table_is_read_row_by_row() {
        let good = "| app/main.py | LGTM |\n| app/models.py | LGTM |";
        assert_eq!(parse(good, &files()), Verdict::Good);
        let mixed =
            "| app/main.py | LGTM |\n| app/models.py | Issue: The `Recipe` class has no `id`. |";
        assert_eq!(
            issues(mixed),
            ["app/models.py=The `Recipe` class has no `id`."]
        );
        let begun = "| app/main.py | ISSUE: app/models.py: no id\nISSUE: app/main.py: no route";
        assert_eq!(
            issues(begun),
            ["app/models.py=no id", "app/main.py=no route"]
        );
        for unclear in ["| app/main.py |", "| app/main.py | It defines a class. |"] {
            assert_eq!(parse(unclear, &files()), Verdict::Unclear, "{unclear}");
        }
    }

    #[test]
    fn the_same_issue_counts_once() {
        let answer = "ISSUE: app/main.py: Missing import of Session.\nISSUE: app/main.py: missing Import of `Session`";
        assert_eq!(issues(answer).len(), 1);
    }
}
