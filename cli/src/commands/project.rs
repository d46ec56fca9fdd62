//! `kpn project`: an idea becomes a project's files.

use std::{path::Path, time::Duration};

use pipeline::Run;

use super::Context;
use crate::{
    arguments,
    error::{Failure, Usage},
    hub::Model,
    project::{Asking, Files, Folder, Place, Progress, Record, Work},
};

/// A model's window in tokens, where the hub does not tell.
const USUAL_WINDOW: u32 = 4096;

pub(super) async fn run(mut context: Context, project: arguments::Project) -> Result<(), Failure> {
    let idea = project.words.join(" ").trim().to_owned();
    let path = &project.out;
    // A mistake in words is told before the network is asked. A folder that is refused, or that there is no hub for, is
    // left as it was.
    let saved = match Place::look(path)? {
        Some(place) => saved(&place, &idea, project.force)?,
        None if idea.is_empty() => return Err(Failure::Usage(Usage::NoIdea)),
        None => None,
    };
    let begun = match saved {
        Some(_) => Some(begin(path, &idea, project.force)?),
        None => None,
    };
    let is_finished = matches!(&begun, Some((_, record)) if record.project.run == Run::Finished);
    // Nobody is needed for a project that is finished, but for its files where one was deleted.
    let model = if is_finished {
        Model::default()
    } else {
        let mut interrupt = context.interrupt.clone();
        interrupt.unless_asked(context.model()).await?
    };
    let (folder, record) = match begun {
        Some(begun) => begun,
        None => begin(path, &idea, project.force)?,
    };
    let window = match model.kipina.context_length {
        0 => USUAL_WINDOW,
        told => told,
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
    let files = Files::new(folder, &record.project);
    Work::new(record, asking, files, progress, shown, window as usize)
        .run(&mut context.interrupt)
        .await
}

/// The folder, and the project that goes on in it or begins.
fn begin(path: &Path, idea: &str, force: bool) -> Result<(Folder, Record), Failure> {
    let folder = Folder::open(path)?;
    // Looked at once more, now that nobody else works in it.
    let record = saved(&folder.place, idea, force)?.unwrap_or_else(|| Record::new(idea));
    Ok((folder, record))
}

/// The project that is to go on; None where one may begin.
fn saved(place: &Place, idea: &str, force: bool) -> Result<Option<Record>, Failure> {
    if let Some(record) = place.load()? {
        let is_same = idea.is_empty() || record.project.idea == idea;
        if is_same {
            return Ok(Some(record));
        }
        let idea = record.project.idea;
        return Err(Failure::Usage(Usage::OtherIdea { idea }));
    }
    if idea.is_empty() {
        return Err(Failure::Usage(Usage::NoIdea));
    }
    if !force && !place.is_empty()? {
        return Err(Failure::Usage(Usage::NotEmpty));
    }
    Ok(None)
}
