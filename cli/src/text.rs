//! Lines and tables with colours, which only [`crate::output`] turns into bytes.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::visible::visible_line;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
}

impl Paint {
    pub(crate) fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Bold => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Green => colour(AnsiColor::Green),
            Self::Yellow => colour(AnsiColor::Yellow),
            Self::Red => colour(AnsiColor::Red),
        }
    }
}

/// Parts of a line, each with its paint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text(Vec<(Paint, String)>);

impl Text {
    pub(crate) fn parts(&self) -> &[(Paint, String)] {
        &self.0
    }

    pub(crate) fn painted(mut self, paint: Paint, text: impl Into<String>) -> Self {
        self.0.push((paint, text.into()));
        self
    }

    pub(crate) fn plain(self, text: impl Into<String>) -> Self {
        self.painted(Paint::Plain, text)
    }

    pub(crate) fn bold(self, text: impl Into<String>) -> Self {
        self.painted(Paint::Bold, text)
    }

    pub(crate) fn dim(self, text: impl Into<String>) -> Self {
        self.painted(Paint::Dim, text)
    }

    pub(crate) fn green(self, text: impl Into<String>) -> Self {
        self.painted(Paint::Green, text)
    }

    pub(crate) fn yellow(self, text: impl Into<String>) -> Self {
        self.painted(Paint::Yellow, text)
    }

    pub(crate) fn red(self, text: impl Into<String>) -> Self {
        self.painted(Paint::Red, text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::default().plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::default().plain(text)
    }
}

/// Columns as wide as their widest cell; `right` names those that hold numbers.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>], right: &[usize]) -> Vec<Text> {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| visible_line(cell)).collect())
        .collect();
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| cell.width()).max().unwrap_or(0);
            widest.max(heads[column].width())
        })
        .collect();
    let aligned = |cells: &[String]| -> String {
        let mut line = String::new();
        for (column, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width - cell.width());
            let (before, after) = if right.contains(&column) {
                (gap.as_str(), "")
            } else {
                ("", gap.as_str())
            };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        line.trim_end().to_owned()
    };
    let heads: Vec<String> = heads.iter().map(ToString::to_string).collect();
    let mut lines = vec![Text::default().dim(aligned(&heads))];
    lines.extend(rows.iter().map(|row| Text::from(aligned(row))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_whatever_stands_in_them() {
        let rows = [
            vec!["äiti".to_owned(), "7".to_owned()],
            vec!["日本\u{1b}".to_owned(), "1024".to_owned()],
        ];
        let lines: Vec<String> = table(&["name", "n"], &rows, &[1])
            .iter()
            .map(|line| line.parts()[0].1.clone())
            .collect();
        assert_eq!(lines, ["name      n", "äiti      7", "日本␛  1024"]);
    }
}
