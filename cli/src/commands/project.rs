//! `kpn project`: an idea becomes a project's files.

use std::{path::Path, time::Duration};

use pipeline::Run;

use super::Context;
use crate::{
    arguments,
    error::{Failure, Usage},
    hub::Model,
    project::{Asking, Files, Folder, Progress, Record, Work},
};

/// What a tab of a browser loads models with; a larger window is of no use if the next answer comes from there.
const USUAL_WINDOW: u32 = 4096;

pub(super) async fn run(mut context: Context, project: arguments::Project) -> Result<(), Failure> {
    let idea = project.words.join(" ").trim().to_owned();
    let path = &project.out;
    // A mistake in words is told before the network is asked, and nothing is made for a hub that is not there.
    let begun = if Folder::is_there(path) {
        Some(begin(path, &idea, project.force)?)
    } else if idea.is_empty() {
        return Err(Failure::Usage(Usage::NoIdea));
    } else {
        None
    };
    let is_finished = matches!(&begun, Some((_, record)) if record.project.run == Run::Finished);
    // Nobody is needed for a project that is finished, but for its files where one was deleted.
    let model = if is_finished {
        Model::default()
    } else {
        let mut interrupt = context.interrupt.clone();
        tokio::select! {
            model = context.model() => model?,
            () = interrupt.asked() => return Err(Failure::Interrupted),
        }
    };
    let (folder, record) = match begun {
        Some(begun) => begun,
        None => begin(path, &idea, project.force)?,
    };
    let window = match model.kipina.context_length {
        0 => USUAL_WINDOW,
        known => known.min(USUAL_WINDOW),
    };
    let progress = Progress::new(context.output, context.language, &record.project);
    if !record.project.files.is_empty() {
        progress.goes_on(&record.project)?;
    }
    let asking = Asking {
        hub: context.hub.clone(),
        wish: context.settings.model.clone(),
        model: model.id,
        patience: Duration::from_secs(project.patience_seconds),
    };
    let shown = path.display().to_string();
    let files = Files::new(folder);
    Work::new(record, asking, files, progress, shown, window as usize)
        .run(&mut context.interrupt)
        .await
}

/// The folder, and the project that goes on in it or begins.
fn begin(path: &Path, idea: &str, force: bool) -> Result<(Folder, Record), Failure> {
    let folder = Folder::open(path)?;
    if let Some(record) = folder.load()? {
        let is_same = idea.is_empty() || record.project.idea == idea;
        if is_same {
            return Ok((folder, record));
        }
        let idea = record.project.idea;
        return Err(Failure::Usage(Usage::OtherIdea { idea }));
    }
    if idea.is_empty() {
        return Err(Failure::Usage(Usage::NoIdea));
    }
    if !force && !folder.is_empty()? {
        return Err(Failure::Usage(Usage::NotEmpty));
    }
    Ok((folder, Record::new(idea)))
}
