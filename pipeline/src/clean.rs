//! From a model's raw answer to a file's text: fences, talk around the code and comments that address the reader go.
//!
//! The rules are cautious: what could be code stays. What they take away is what small code models really add; the table
//! in the tests is made of such answers.

use crate::path::FilePath;

/// Where an answer that writes a file is over, if one of these opens a line; asked of the model as stop strings, and
/// looked for once more here.
pub const STOPS: [&str; 6] = [
    "### ",
    "Explanation",
    "Note:",
    "Output:",
    "// Example",
    "# Example",
];

/// The text of a file from an answer that was begun with an open fence; none if nothing is left.
pub fn clean(raw: &str, path: &FilePath) -> Option<String> {
    let raw = raw.replace("\r\n", "\n").replace(['\r', '\0'], "");
    let lines: Vec<&str> = raw.lines().collect();
    let is_prose = path.language() == "markdown" || path.language() == "text";
    let mut lines = inside_fences(&lines, is_prose);
    if !is_prose {
        without_leading_talk(&mut lines, path);
        without_trailing_talk(&mut lines);
        without_explanations(&mut lines);
    }
    let first = lines.iter().position(|line| !line.trim().is_empty())?;
    let last = lines.iter().rposition(|line| !line.trim().is_empty())?;
    let mut text = String::new();
    for line in &lines[first..=last] {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Some(text)
}

/// The lines of the block that the answer is about.
fn inside_fences<'a>(lines: &[&'a str], is_prose: bool) -> Vec<&'a str> {
    let Some(fence) = lines.iter().position(|line| is_fence(line)) else {
        return lines.to_vec();
    };
    let before = &lines[..fence];
    let opens = before.iter().all(|line| line.trim().is_empty())
        || (!is_prose
            && before
                .iter()
                .find(|line| !line.trim().is_empty())
                .is_some_and(|line| is_talk(line)));
    if opens {
        let after = &lines[fence + 1..];
        let end = after.iter().position(|line| is_fence(line));
        return after[..end.unwrap_or(after.len())].to_vec();
    }
    if is_prose && before.len() < lines.len() && lines[fence].trim() != "```" {
        // A block inside a document: it ends with a bare fence that nothing has opened.
        let mut open = false;
        for (index, line) in lines.iter().enumerate() {
            if is_fence(line) {
                if !open && line.trim() == "```" {
                    return lines[..index].to_vec();
                }
                open = !open;
            }
        }
        return lines.to_vec();
    }
    before.to_vec()
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// A line with which a model speaks to the person instead of writing the file.
fn is_talk(line: &str) -> bool {
    const BEGINNINGS: [&str; 14] = [
        "sure",
        "certainly",
        "of course",
        "here is",
        "here's",
        "here are",
        "below is",
        "the following",
        "okay",
        "alright",
        "i'll",
        "i will",
        "let's",
        "to create",
    ];
    let line = line.trim().to_lowercase();
    BEGINNINGS.iter().any(|beginning| {
        line.strip_prefix(beginning)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '!', ',', '.', ':']))
    })
}

fn without_leading_talk(lines: &mut Vec<&str>, path: &FilePath) {
    let tag = path.language();
    while let Some(first) = lines.first() {
        let line = first.trim();
        let is_tag = line.eq_ignore_ascii_case(tag) || (tag == "python" && line == "py");
        if !(line.is_empty() || is_tag || is_talk(line)) {
            break;
        }
        lines.remove(0);
    }
}

fn without_trailing_talk(lines: &mut Vec<&str>) {
    const BEGINNINGS: [&str; 14] = [
        "This code ",
        "This file ",
        "This script ",
        "This will ",
        "This implementation ",
        "This is ",
        "In this ",
        "The above ",
        "The code ",
        "You can ",
        "Make sure ",
        "To run ",
        "Remember ",
        "Please ",
    ];
    let mut in_string = false;
    for index in 0..lines.len() {
        let line = lines[index];
        let is_over = STOPS.iter().any(|stop| line.starts_with(stop))
            || BEGINNINGS
                .iter()
                .any(|beginning| line.starts_with(beginning));
        if is_over && !in_string && lines[..index].iter().any(|line| !line.trim().is_empty()) {
            lines.truncate(index);
            return;
        }
        in_string ^= has_odd_quotes(line);
    }
}

/// Whether a line begins or ends a string of several lines.
fn has_odd_quotes(line: &str) -> bool {
    (line.matches("\"\"\"").count() + line.matches("'''").count()) % 2 == 1
}

/// Comments on lines of their own that explain the obvious to the reader of the chat.
fn without_explanations(lines: &mut Vec<&str>) {
    const BEGINNINGS: [&str; 9] = [
        "this code ",
        "this file ",
        "this script ",
        "here is ",
        "here we ",
        "note that ",
        "explanation",
        "add your ",
        "rest of ",
    ];
    let mut in_string = false;
    lines.retain(|line| {
        let was_in_string = in_string;
        in_string ^= has_odd_quotes(line);
        let trimmed = line.trim_start();
        let comment = trimmed
            .strip_prefix("# ")
            .or_else(|| trimmed.strip_prefix("// "));
        let explains = comment.is_some_and(|comment| {
            let comment = comment.to_lowercase();
            BEGINNINGS
                .iter()
                .any(|beginning| comment.starts_with(beginning))
        });
        was_in_string || !explains
    });
}

/// Whether a text ends in a short passage that comes again and again.
pub(crate) fn repeats_itself(text: &str) -> bool {
    const LINES: usize = 48;
    const LONGEST_PASSAGE: usize = 6;
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let Some(start) = lines.len().checked_sub(LINES) else {
        return false;
    };
    let last = &lines[start..];
    (1..=LONGEST_PASSAGE).any(|length| last.iter().zip(&last[length..]).all(|(a, b)| a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";

    fn cleaned(raw: &str, path: &str) -> Option<String> {
        clean(raw, &FilePath::parse(path).unwrap())
    }

    #[test]
    fn code_comes_out_of_whatever_is_around_it() {
        for raw in [
            CODE.to_owned(),
            format!("{CODE}```"),
            format!("{CODE}```\n\nThis code creates an app."),
            format!("python\n{CODE}"),
            format!("```python\n{CODE}```\n"),
            format!("Sure! Here is the file:\n\n```python\n{CODE}```\nLet me know."),
            format!("Here's `app/main.py`:\n```py\n{CODE}\n```"),
            format!("Certainly!\n{CODE}"),
            format!("{CODE}\n### Explanation\n\nThe app is made."),
            format!("{CODE}\nExplanation:\n1. It works."),
            format!("{CODE}\nNote: install fastapi."),
            format!("{CODE}\n# Example usage\n# uvicorn main:app\n"),
            format!("{CODE}\nThis code defines an app."),
            format!("# This file defines the app.\n{CODE}"),
            format!("{CODE}```\n\n```python\nprint('again')\n```"),
            CODE.replace('\n', "\r\n"),
            format!("\n\n{CODE}\n\n\n"),
        ] {
            assert_eq!(
                cleaned(&raw, "app/main.py").as_deref(),
                Some(CODE),
                "{raw:?}"
            );
        }
    }

    #[test]
    fn what_could_be_code_stays() {
        for code in [
            "\"\"\"\nThis file is a module.\n\nNote: keep it.\n\"\"\"\nx = 1\n",
            "# The database's address.\nURL = 'sqlite://'\n",
            "class Sure:\n    pass\n",
            "x = 1\n    # Example in a block\n",
        ] {
            assert_eq!(cleaned(code, "a.py").as_deref(), Some(code));
        }
    }

    #[test]
    fn a_document_keeps_its_headings_and_blocks() {
        let document = "# Notes\n\n### Run\n\n```bash\nuv run app\n```\n\nNote: that is all.\n";
        assert_eq!(cleaned(document, "README.md").as_deref(), Some(document));
        assert_eq!(
            cleaned(&format!("{document}```\n"), "README.md").as_deref(),
            Some(document)
        );
    }

    #[test]
    fn nothing_is_no_file() {
        for raw in ["", "\n \n", "```python\n```", "Sure!"] {
            assert_eq!(cleaned(raw, "a.py"), None, "{raw:?}");
        }
    }
}
