//! One file for each command.

mod ask;
mod bench;
mod chat;
mod completions;
mod models;
mod nodes;
mod project;
mod stats;
mod verify;

pub(crate) use verify::Check;

use pipeline::Role;

use crate::{
    arguments::Command,
    config::Settings,
    error::Failure,
    hub::{Hub, Model},
    interrupt::Interrupt,
    language::Language,
    output::Output,
    text::Text,
};

/// What every command works with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) language: Language,
    pub(crate) output: Output,
    pub(crate) settings: Settings,
    pub(crate) hub: Hub,
    pub(crate) interrupt: Interrupt,
    /// Where the chat remembers questions; None: nowhere.
    pub(crate) state_home: Option<std::path::PathBuf>,
}

impl Context {
    /// The model that is asked.
    async fn model(&self) -> Result<Model, Failure> {
        let wish = self.settings.model.as_deref();
        let model = self.hub.model_for(wish).await?;
        model.ok_or_else(|| Failure::Nobody(wish.map(str::to_owned)))
    }
}

pub(crate) async fn run(command: Command, mut context: Context) -> Result<(), Failure> {
    if let Some(kept) = &context.settings.kept_key
        && !matches!(command, Command::Completions(_) | Command::Man)
    {
        let note = context.language.key_kept(kept, &context.settings.hub);
        context.output.note(Text::default().yellow(note))?;
    }
    match command {
        // These two go on, or end in their own way, when somebody presses Ctrl+C.
        Command::Chat { agent } => return chat::run(context, agent).await,
        Command::Project(project) => return project::run(context, project).await,
        _ => {}
    }
    let mut interrupt = context.interrupt.clone();
    interrupt
        .unless_asked(uninterrupted(command, &mut context))
        .await
}

async fn uninterrupted(command: Command, context: &mut Context) -> Result<(), Failure> {
    match command {
        Command::Ask(ask) => ask::run(context, ask).await,
        Command::Models => models::run(context).await,
        Command::Nodes => nodes::run(context).await,
        Command::Stats { watch } => stats::run(context, watch).await,
        Command::Bench { runs } => bench::run(context, runs).await,
        Command::Verify => verify::run(context).await,
        Command::Completions(shell) => completions::shell(context.output, shell),
        Command::Man => completions::man(context.output, context.language),
        Command::Chat { .. } | Command::Project(_) => Ok(()),
    }
}

/// The system prompt and the sampling of one of the team's agents.
fn agent(role: Role) -> pipeline::Agent {
    pipeline::Team::default().agent(role)
}
