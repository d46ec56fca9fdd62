//! The one place that writes to the terminal.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use crate::{
    text::{Paint, Text},
    visible::{is_obeyed, visible},
};

/// Where text goes, and what may be in it. Colours and pictures for control characters only where a terminal shows it:
/// a file gets what the hub sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    out: Target,
    err: Target,
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug)]
struct Target {
    is_terminal: bool,
    has_colours: bool,
}

impl Output {
    /// `may_colour`: nothing in the environment is against it.
    pub(crate) fn new(json: bool, may_colour: bool) -> Self {
        let may_colour = may_colour && anstyle_query::windows::enable_ansi_colors() != Some(false);
        let target = |is_terminal| Target {
            is_terminal,
            has_colours: is_terminal && may_colour,
        };
        Self {
            out: target(io::stdout().is_terminal()),
            err: target(io::stderr().is_terminal()),
            json,
        }
    }

    /// Whether a person sees what goes on while it does.
    pub(crate) fn is_watched(self) -> bool {
        self.err.is_terminal && !self.json
    }

    /// A piece of an answer, at once.
    pub(crate) fn piece(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        self.out.write(&mut out, Paint::Plain, text)?;
        out.flush()
    }

    pub(crate) fn line(self, text: impl Into<Text>) -> io::Result<()> {
        self.out.line(&mut io::stdout().lock(), &text.into())
    }

    /// What is about the result, not the result.
    pub(crate) fn note(self, text: impl Into<Text>) -> io::Result<()> {
        self.err.line(&mut io::stderr().lock(), &text.into())
    }

    /// One line of JSON. What a terminal would obey can only stand in strings, where it has an escape.
    pub(crate) fn json(self, value: &impl Serialize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", escaped(&serde_json::to_string(value)?))?;
        out.flush()
    }

    /// Why something came to nothing: said to a person, or given to the program that wanted JSON.
    pub(crate) fn failure(self, exit_code: u8, message: &str) -> io::Result<()> {
        if self.json {
            let error = json!({ "exit_code": exit_code, "message": message });
            return self.json(&json!({ "error": error }));
        }
        self.note(Text::default().red("kpn: ").plain(message))
    }

    /// As it is, for files that a shell or `man` reads.
    pub(crate) fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }
}

impl Target {
    fn line(self, writer: &mut impl Write, text: &Text) -> io::Result<()> {
        for (paint, part) in text.parts() {
            self.write(writer, *paint, part)?;
        }
        writeln!(writer)?;
        writer.flush()
    }

    fn write(self, writer: &mut impl Write, paint: Paint, text: &str) -> io::Result<()> {
        if !self.is_terminal {
            return writer.write_all(text.as_bytes());
        }
        let text = visible(text);
        if self.has_colours && paint != Paint::Plain {
            let style = paint.style();
            write!(writer, "{style}{text}{style:#}")
        } else {
            writer.write_all(text.as_bytes())
        }
    }
}

fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_obeyed(character) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(is_terminal: bool, has_colours: bool) -> String {
        let mut bytes = Vec::new();
        let target = Target {
            is_terminal,
            has_colours,
        };
        let text = Text::from("a\u{1b}[1m").green("b");
        target.line(&mut bytes, &text).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn files_get_the_text_and_terminals_what_can_be_shown() {
        assert_eq!(written(false, false), "a\u{1b}[1mb\n");
        assert_eq!(written(true, false), "a␛[1mb\n");
        assert_eq!(written(true, true), "a␛[1m\u{1b}[32mb\u{1b}[0m\n");
    }

    #[test]
    fn json_never_holds_what_a_terminal_would_obey_and_stays_the_same_value() {
        let value = "a\u{9b}b\u{1b}c\u{202e}ä";
        let json = escaped(&serde_json::to_string(value).unwrap());
        assert!(!json.chars().any(is_obeyed), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value);
    }
}
