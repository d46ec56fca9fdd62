//! What the person types, with a history that lasts; or a file's lines.

use std::{
    io::{BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use rustyline::{Config, DefaultEditor, error::ReadlineError};

use super::terminal::Terminal;
use crate::error::Failure;

const MOST_REMEMBERED: usize = 1000;

pub(super) enum Line {
    Text(String),
    /// Ctrl+C at the prompt.
    Interrupted,
    End,
}

pub(super) struct Lines {
    /// None where nobody types.
    editor: Option<Box<DefaultEditor>>,
    terminal: Option<Terminal>,
    history: Option<PathBuf>,
}

impl Lines {
    /// Also why nothing can be remembered.
    pub(super) fn open(state_home: Option<&Path>) -> (Self, Option<String>) {
        let is_typed = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let mut lines = Self {
            editor: None,
            terminal: None,
            history: None,
        };
        if !is_typed {
            return (lines, None);
        }
        lines.terminal = Some(Terminal::as_found());
        let config = Config::builder()
            .max_history_size(MOST_REMEMBERED)
            .map(|builder| builder.auto_add_history(true).build());
        let editor = config.and_then(DefaultEditor::with_config);
        let mut editor = match editor {
            Ok(editor) => Box::new(editor),
            Err(error) => return (lines, Some(error.to_string())),
        };
        let problem = match state_home {
            Some(home) => {
                let folder = home.join("kipina");
                let history = folder.join("kpn-history");
                let opened = std::fs::create_dir_all(&folder)
                    .map_err(ReadlineError::from)
                    .and_then(|()| match editor.load_history(&history) {
                        Err(ReadlineError::Io(error))
                            if error.kind() == std::io::ErrorKind::NotFound =>
                        {
                            Ok(())
                        }
                        other => other,
                    });
                lines.history = opened.is_ok().then_some(history);
                opened.err().map(|error| error.to_string())
            }
            None => None,
        };
        lines.editor = Some(editor);
        (lines, problem)
    }

    pub(super) fn is_edited(&self) -> bool {
        self.editor.is_some()
    }

    /// Waits on a thread of its own, where the program can't be held up. A `\` at the end goes on in the next line.
    pub(super) async fn next(&mut self) -> Result<Line, Failure> {
        let mut editor = self.editor.take();
        let history = self.history.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let line = read(editor.as_deref_mut());
            if let (Some(editor), Some(history)) = (&mut editor, &history) {
                // The program may be ended at any time. What can't be kept is not worth a word at each question.
                let _ = editor.append_history(history);
            }
            (editor, line)
        });
        let (editor, line) = reading.await.map_err(anyhow::Error::from)?;
        self.editor = editor;
        line
    }

    pub(super) fn close(mut self) {
        if let (Some(editor), Some(history)) = (&mut self.editor, &self.history) {
            // As above.
            let _ = editor.append_history(history);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // The editor is still reading, on its thread.
        if let (None, Some(terminal)) = (&self.editor, &self.terminal) {
            terminal.restore();
        }
    }
}

fn read(editor: Option<&mut DefaultEditor>) -> Result<Line, Failure> {
    let mut whole = String::new();
    let mut prompt = "» ";
    let mut editor = editor;
    loop {
        let line = match &mut editor {
            Some(editor) => match editor.readline(prompt) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => return Ok(Line::Interrupted),
                Err(ReadlineError::Eof) => return Ok(Line::End),
                Err(ReadlineError::Io(error)) => return Err(error.into()),
                Err(error) => return Err(anyhow::Error::from(error).into()),
            },
            None => {
                let mut bytes = Vec::new();
                let read = std::io::stdin().lock().read_until(b'\n', &mut bytes)?;
                if read == 0 {
                    return Ok(if whole.is_empty() {
                        Line::End
                    } else {
                        Line::Text(whole)
                    });
                }
                let line = String::from_utf8_lossy(&bytes);
                line.trim_end_matches(['\n', '\r']).to_owned()
            }
        };
        match line.strip_suffix('\\') {
            Some(begun) => {
                whole.push_str(begun);
                whole.push('\n');
                prompt = "… ";
            }
            None => return Ok(Line::Text(whole + &line)),
        }
    }
}
