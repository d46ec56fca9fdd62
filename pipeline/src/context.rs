//! What of a project a request shows its model, so that it fits the model's window.
//!
//! The task itself always goes in whole. Files follow in order of importance: whole while they fit, then as an outline
//! of what they define, then not at all; what was shortened or left out is told.

use serde::{Deserialize, Serialize};

use crate::path::FilePath;

/// Counts tokens, or estimates on the safe side where the model's own tokenizer is not at hand.
pub type CountTokens<'a> = dyn Fn(&str) -> usize + 'a;

/// An estimate on the safe side, for where a model's tokenizer is not at hand. Byte-level tokenizers with a large
/// vocabulary take three bytes of code or more for a token, of digits and foreign scripts down to one; text of nothing but
/// rare marks may have more tokens than this.
pub fn most_tokens(text: &str) -> usize {
    let singles = text
        .bytes()
        .filter(|byte| byte.is_ascii_digit() || !byte.is_ascii())
        .count();
    singles + (text.len() - singles).div_ceil(2)
}

/// A file that a request may show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) path: &'a FilePath,
    pub(crate) text: &'a str,
}

/// How much of a file a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    Whole,
    Outline,
    Nothing,
}

/// The files as text for a prompt, and what became of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fitted {
    pub(crate) text: String,
    pub(crate) shares: Vec<(FilePath, Share)>,
}

/// Fits files, the most important first, into `room` tokens.
pub(crate) fn fit(files: &[Shown<'_>], room: usize, count: &CountTokens<'_>) -> Fitted {
    let mut fitted = Fitted::default();
    let mut left = room;
    for file in files {
        let whole = block(file.path, file.text);
        let outlined = block(file.path, &outline(file.text));
        let forms = [(Share::Whole, whole), (Share::Outline, outlined)];
        // Put together, texts have about as many tokens as their parts; whoever asks counts the whole once more.
        let chosen = forms.into_iter().find(|(_, text)| count(text) <= left);
        let (share, text) = chosen.unwrap_or((Share::Nothing, String::new()));
        left -= if share == Share::Nothing {
            0
        } else {
            count(&text)
        };
        fitted.text.push_str(&text);
        fitted.shares.push((file.path.clone(), share));
    }
    fitted
}

fn block(path: &FilePath, text: &str) -> String {
    format!(
        "{path}:\n```{}\n{}\n```\n",
        path.language(),
        text.trim_end()
    )
}

/// The lines of a file that say what it defines and imports.
fn outline(text: &str) -> String {
    const BEGINNINGS: [&str; 10] = [
        "import ",
        "from ",
        "class ",
        "def ",
        "async def ",
        "@",
        "export ",
        "function ",
        "const ",
        "[",
    ];
    let mut outline = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if indent <= 4
            && BEGINNINGS
                .iter()
                .any(|beginning| line.trim_start().starts_with(beginning))
        {
            outline.push_str(line);
            outline.push('\n');
        }
    }
    outline
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> FilePath {
        FilePath::parse(text).unwrap()
    }

    #[test]
    fn files_become_outlines_before_they_are_left_out() {
        let (a, b) = (path("a.py"), path("b.py"));
        let body = "        print('as long as what is around it')\n".repeat(5);
        let text = format!("import os\n\nclass A:\n    def f(self):\n{body}");
        let text = text.as_str();
        let files = [Shown { path: &a, text }, Shown { path: &b, text }];
        let count = |text: &str| text.len();
        let shares = |room| -> Vec<Share> {
            fit(&files, room, &count)
                .shares
                .into_iter()
                .map(|(_, share)| share)
                .collect()
        };
        let whole = block(&a, text).len();
        let short = block(&a, &outline(text)).len();
        assert_eq!(shares(2 * whole), [Share::Whole, Share::Whole]);
        assert_eq!(shares(whole + short), [Share::Whole, Share::Outline]);
        assert_eq!(shares(whole), [Share::Whole, Share::Nothing]);
        assert_eq!(shares(2 * short), [Share::Outline, Share::Outline]);
        assert_eq!(shares(0), [Share::Nothing, Share::Nothing]);
    }

    proptest! {
        #[test]
        fn what_is_shown_fits(texts in proptest::collection::vec("[a-z \n]{0,200}", 0..6), room in 0usize..400) {
            let paths: Vec<_> = (0..texts.len()).map(|index| path(&format!("f{index}.py"))).collect();
            let files: Vec<_> = paths.iter().zip(&texts).map(|(path, text)| Shown { path, text }).collect();
            let fitted = fit(&files, room, &most_tokens);
            prop_assert!(most_tokens(&fitted.text) <= room);
            prop_assert_eq!(fitted.shares.len(), files.len());
        }
    }
}
