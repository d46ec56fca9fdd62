//! `kpn chat`: a conversation.

mod lines;
mod terminal;

use std::pin::pin;

use pipeline::Role;
use serde_json::json;

use self::lines::{Line, Lines};
use super::{Context, ask};
use crate::{
    error::Failure,
    hub::{ChatRequest, HubError, Message, Sampling},
    interrupt::Interrupt,
    text::Text,
};

struct Chat {
    context: Context,
    model: String,
    /// The agent's prompt, then question and answer by turns.
    messages: Vec<Message>,
    system: usize,
    sampling: Sampling,
}

pub(super) async fn run(context: Context, role: Option<Role>) -> Result<(), Failure> {
    let mut interrupt = context.interrupt.clone();
    let agent = role.map(super::agent);
    let system = agent
        .as_ref()
        .map(|agent| Message::new("system", agent.prompt.as_str()));
    let mut chat = Chat {
        model: interrupt.unless_asked(context.model()).await?.id,
        system: usize::from(system.is_some()),
        messages: system.into_iter().collect(),
        sampling: agent.map(|agent| agent.sampling.into()).unwrap_or_default(),
        context,
    };
    let (output, language) = (chat.context.output, chat.context.language);
    let (mut lines, problem) = Lines::open(chat.context.state_home.as_deref());
    if lines.is_edited() && !output.json {
        output.note(Text::default().dim(language.chat_begins(&chat.model)))?;
        if let Some(problem) = problem {
            output.note(Text::default().yellow(language.no_history(&problem)))?;
        }
    }
    // What is typed by hand may go wrong and be typed again; a file's first failure is the command's.
    let mut failed = Ok(());
    loop {
        let line = match next_line(&mut lines, &mut interrupt).await? {
            Line::Text(line) => line,
            Line::Interrupted => {
                output.note(Text::default().dim(language.ctrl_d_ends()))?;
                continue;
            }
            Line::End => break,
        };
        match chat.said(&line, &mut interrupt).await {
            Ok(Said::Done) => {}
            Ok(Said::Exit) => break,
            Err(Failure::Interrupted) => {
                output.note(Text::default().dim(language.stopped()))?;
                if !lines.is_edited() || interrupt.is_end() {
                    return Err(Failure::Interrupted);
                }
            }
            Err(error) if error.is_told() => return Err(error),
            Err(error) => {
                output.failure(error.exit_code(), &language.failure(&error))?;
                if !lines.is_edited() && failed.is_ok() {
                    failed = Err(Failure::Told(Box::new(error)));
                }
            }
        }
    }
    lines.close();
    failed
}

async fn next_line(lines: &mut Lines, interrupt: &mut Interrupt) -> Result<Line, Failure> {
    let is_edited = lines.is_edited();
    let mut next = pin!(lines.next());
    loop {
        tokio::select! {
            line = &mut next => return line,
            () = interrupt.asked() => {
                // Where a person types, Ctrl+C is a key, and this one was for the answer that has just ended.
                if !is_edited || interrupt.is_end() {
                    return Err(Failure::Interrupted);
                }
            }
        }
    }
}

enum Said {
    Done,
    Exit,
}

impl Chat {
    async fn said(&mut self, line: &str, interrupt: &mut Interrupt) -> Result<Said, Failure> {
        let line = line.trim();
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (None, _) => {}
            (Some("/exit" | "/quit"), _) => return Ok(Said::Exit),
            (Some("/help"), _) => self
                .context
                .output
                .note(self.context.language.chat_help())?,
            (Some("/clear"), _) => {
                self.messages.truncate(self.system);
                let forgotten = self.context.language.conversation_forgotten();
                self.context.output.note(Text::default().dim(forgotten))?;
            }
            (Some("/model"), None) => interrupt.unless_asked(self.list_models()).await?,
            (Some("/model"), Some(wish)) => {
                interrupt.unless_asked(self.change_model(wish)).await?;
            }
            // A path is a question, a single word with a slash a slip.
            (Some(word), None) if word.starts_with('/') && !word[1..].contains('/') => {
                let unknown = self.context.language.unknown_chat_command(word);
                self.context.output.note(Text::default().yellow(unknown))?;
            }
            _ => self.answer(line, interrupt).await?,
        }
        Ok(Said::Done)
    }

    async fn answer(&mut self, question: &str, interrupt: &mut Interrupt) -> Result<(), Failure> {
        self.messages.push(Message::new("user", question));
        let mut text = String::new();
        let asked = interrupt.unless_asked(self.ask(&mut text)).await;
        let (output, language) = (self.context.output, self.context.language);
        if !text.is_empty() && !text.ends_with('\n') && !output.json {
            output.piece("\n")?;
        }
        if text.is_empty() && asked.is_err() {
            // As if it had never been said: the person may ask again.
            self.messages.pop();
        } else {
            self.messages.push(Message::new("assistant", text.as_str()));
        }
        let end = asked?;
        if output.json {
            output.json(&json!({
                "model": self.model, "question": question, "answer": text,
                "finish_reason": end.finish_reason, "usage": end.usage, "kipina": end.report,
            }))?;
        } else {
            if text.is_empty() {
                output.note(Text::default().yellow(language.empty_answer()))?;
            } else if end.is_cut_off() {
                output.note(Text::default().yellow(language.cut_off()))?;
            }
            ask::tell_of_end(&self.context, &end)?;
        }
        Ok(())
    }

    /// What does not fit the model's window is forgotten from its beginning.
    async fn ask(&mut self, text: &mut String) -> Result<crate::hub::Answer, Failure> {
        loop {
            let request = ChatRequest {
                model: self.model.clone(),
                messages: self.messages.clone(),
                sampling: self.sampling,
                stop: Vec::new(),
            };
            let asked = ask::stream(&self.context, &request, text).await;
            let is_too_long =
                matches!(&asked, Err(Failure::Hub(error)) if HubError::is_window(error));
            let has_more = self.messages.len() > self.system + 2;
            if !is_too_long || !has_more || !text.is_empty() {
                return asked;
            }
            self.messages.drain(self.system..self.system + 2);
            let forgotten = self.context.language.oldest_forgotten();
            self.context
                .output
                .note(Text::default().yellow(forgotten))?;
        }
    }

    async fn list_models(&self) -> Result<(), Failure> {
        for model in self.context.hub.models().await? {
            let mark = if model.id == self.model { "* " } else { "  " };
            self.context.output.note(format!("{mark}{}", model.id))?;
        }
        Ok(())
    }

    async fn change_model(&mut self, wish: &str) -> Result<(), Failure> {
        let found = self.context.hub.model_for(Some(wish)).await?;
        let Some(model) = found else {
            return Err(Failure::Nobody(Some(wish.to_owned())));
        };
        self.model = model.id;
        let begins = self.context.language.chat_begins(&self.model);
        Ok(self.context.output.note(Text::default().dim(begins))?)
    }
}
