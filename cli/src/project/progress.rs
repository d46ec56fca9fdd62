//! Tells how the team's work goes: lines for what is done, and, where somebody watches, what is being done.

use std::{collections::HashMap, io, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use pipeline::{FilePath, Notice, Project, Purpose, Run, Stage};
use serde_json::{Value, json};

use super::{
    asking::{News, Wait},
    files::Written,
    folder::Unwritten,
};
use crate::{language::Language, output::Output, text::Text, visible::visible_line};

pub(crate) struct Progress {
    output: Output,
    language: Language,
    /// None where nobody watches.
    bars: Option<MultiProgress>,
    open: HashMap<u64, Open>,
    stage: Option<Stage>,
    notices: usize,
    is_planned: bool,
    waits: Vec<Wait>,
}

/// How the work ended, beside what the project says of it.
pub(crate) struct End<'a> {
    /// As the person knows it.
    pub(crate) folder: &'a str,
    pub(crate) unwritten: &'a [&'a FilePath],
    /// Why the team was given up is told elsewhere.
    pub(crate) is_refused: bool,
}

/// A question that waits for its answer.
struct Open {
    name: String,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins with what was told before: of a project that goes on, only news are told.
    pub(crate) fn new(output: Output, language: Language, project: &Project) -> Self {
        Self {
            output,
            language,
            bars: output.is_watched().then(MultiProgress::new),
            open: HashMap::new(),
            stage: None,
            notices: project.notices.len(),
            is_planned: !project.files.is_empty(),
            waits: Vec::new(),
        }
    }

    /// `value` where JSON is wanted, else the text.
    fn tell(&self, value: &Value, text: impl FnOnce() -> Option<Text>) -> io::Result<()> {
        if self.output.json {
            return self.output.json(value);
        }
        match text() {
            Some(text) => self.aside(|| self.output.line(text)),
            None => Ok(()),
        }
    }

    /// What is about the work, not its result.
    fn note(&self, value: &Value, text: Text) -> io::Result<()> {
        if self.output.json {
            self.output.json(value)
        } else {
            self.aside(|| self.output.note(text))
        }
    }

    /// Writes above the lines that move.
    fn aside(&self, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    pub(crate) fn goes_on(&self, project: &Project) -> io::Result<()> {
        let value = json!({ "event": "goes_on", "idea": project.idea, "stage": project.stage });
        self.tell(&value, || {
            Some(Text::default().dim(self.language.goes_on(&project.idea)))
        })
    }

    /// What is new in the project.
    pub(crate) fn project(&mut self, project: &Project) -> io::Result<()> {
        let notices = project.notices.get(self.notices..).unwrap_or_default();
        for notice in notices {
            self.notice(notice)?;
        }
        self.notices = project.notices.len();
        if !self.is_planned && !project.files.is_empty() {
            self.plan(project)?;
        }
        self.is_planned = !project.files.is_empty();
        let is_new = self.stage != Some(project.stage);
        if is_new && project.run == Run::Running {
            self.stage = Some(project.stage);
            let value =
                json!({ "event": "stage", "stage": project.stage, "round": project.rounds });
            self.tell(&value, || {
                Some(Text::default().bold(self.language.stage(project.stage)))
            })?;
        }
        Ok(())
    }

    fn plan(&self, project: &Project) -> io::Result<()> {
        let planned = project.files.iter().map(|file| &file.planned);
        if self.output.json {
            let files: Vec<_> = planned.collect();
            return self
                .output
                .json(&json!({ "event": "plan", "files": files }));
        }
        for file in planned {
            let purpose = visible_line(&file.purpose);
            let line = Text::from(format!("  {}", file.path)).dim(format!("  {purpose}"));
            self.aside(|| self.output.line(line))?;
        }
        Ok(())
    }

    fn notice(&self, notice: &Notice) -> io::Result<()> {
        let text = Text::default().yellow(format!("  ! {}", self.language.notice(notice)));
        self.note(&json!({ "event": "notice", "notice": notice }), text)
    }

    pub(crate) fn written(&self, written: &Written) -> io::Result<()> {
        let Written {
            path,
            lines,
            bytes,
            by,
        } = written;
        let value =
            json!({ "event": "file", "path": path, "lines": lines, "bytes": bytes, "by": by });
        self.tell(&value, || {
            let length = self.language.lines(*lines);
            Some(
                Text::default()
                    .green("  ✓ ")
                    .plain(path.to_string())
                    .dim(format!("  {length}")),
            )
        })
    }

    pub(crate) fn unwritten(&self, path: &FilePath, reason: &Unwritten) -> io::Result<()> {
        let why = self.language.unwritten(reason);
        let value = json!({ "event": "unwritten", "path": path, "reason": reason.to_string() });
        let text = Text::default().red(format!("  ✗ {}", self.language.not_written(path, &why)));
        self.note(&value, text)
    }

    pub(crate) fn edited(&self, path: &FilePath) -> io::Result<()> {
        let value = json!({ "event": "edited", "path": path });
        let text = Text::default().dim(format!("  {}", self.language.edited(path)));
        self.note(&value, text)
    }

    pub(crate) fn asked(&mut self, id: u64, purpose: &Purpose) {
        let name = self.language.purpose(purpose);
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            // The template is a constant; were it wrong, the default would do.
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar.set_message(name.clone());
            bar
        });
        self.open.insert(id, Open { name, bar });
    }

    pub(crate) fn news(&mut self, id: u64, news: News) -> io::Result<()> {
        let Some(Open { name, bar }) = self.open.get(&id) else {
            return Ok(());
        };
        let message = match &news {
            News::Asking { model } => format!("{name} · {model}"),
            News::Text { lines } => format!("{name} · {}", self.language.lines(*lines)),
            News::Waiting(wait) => format!("{name} · {}", self.language.wait(wait)),
        };
        if let Some(bar) = bar {
            bar.set_message(visible_line(&message));
        }
        match news {
            News::Text { .. } => self.waits.clear(),
            // Told once for all questions, however often each of them tries.
            News::Waiting(wait) if !self.waits.contains(&wait) => {
                let text = Text::default().yellow(format!("  … {}", self.language.wait(&wait)));
                let name = match &wait {
                    Wait::Hub => "hub",
                    Wait::Node(_) => "node",
                    Wait::Turn => "turn",
                    Wait::Again => "again",
                };
                self.waits.push(wait);
                self.note(&json!({ "event": "waiting", "for": name }), text)?;
            }
            News::Asking { .. } | News::Waiting(_) => {}
        }
        Ok(())
    }

    pub(crate) fn closed(&mut self, id: u64) {
        if let Some(Open { bar: Some(bar), .. }) = self.open.remove(&id) {
            bar.finish_and_clear();
        }
    }

    pub(crate) fn ended(&self, project: &Project, end: &End<'_>) -> io::Result<()> {
        let Project {
            run, stage, risks, ..
        } = project;
        let End {
            folder,
            unwritten,
            is_refused,
        } = *end;
        if self.output.json {
            return self.output.json(&json!({
                "event": "end", "run": run, "stage": stage, "risks": risks, "unwritten": unwritten,
            }));
        }
        match run {
            Run::Finished => {
                if let Some(risks) = risks {
                    self.output
                        .line(Text::default().bold(self.language.risks()))?;
                    for line in risks.lines() {
                        self.output.line(format!("  {line}"))?;
                    }
                }
                if unwritten.is_empty() {
                    let finished = self.language.finished(folder);
                    return self.output.line(Text::default().green(finished));
                }
                let finished = self.language.finished_in_part(unwritten, folder);
                self.output.note(Text::default().red(finished))
            }
            Run::Failed { reason } if !is_refused => {
                let failed = self.language.team_failed(reason);
                self.output.note(Text::default().red(failed))?;
                self.output.note(self.language.go_on(folder))
            }
            Run::Stopped | Run::Running | Run::Failed { .. } => {
                self.output.note(self.language.go_on(folder))
            }
        }
    }

    pub(crate) fn saved(&self) -> io::Result<()> {
        if self.output.json {
            return Ok(());
        }
        self.output.note(self.language.saved())
    }
}
