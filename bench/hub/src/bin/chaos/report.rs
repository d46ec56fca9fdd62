//! What it all comes to.

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use hub_bench::machine::{load_average, machine, record, table};

use crate::{
    Given,
    answers::Undisturbed,
    commits::Committed,
    outages::{COMMITTED_AFTER, Outages},
    prompts::{ANSWER_TOKENS, MODEL},
    proxy::Handover,
    seams::{Seams, Verdict},
    streams::Streamed,
};

const EQUAL: f64 = 0.99;

#[derive(Debug)]
pub(crate) struct Report {
    opening: String,
    troubles: Vec<Vec<String>>,
    checks: Vec<Vec<String>>,
    kept: bool,
}

impl Report {
    pub(crate) fn new(given: &Given) -> Self {
        let opening = format!(
            "`bench/chaos.sh`, seed {}: hub and {} nodes as processes, {MODEL} on the engine, {} greedy streams of up to \
             {ANSWER_TOKENS} tokens, {} clients at once.\n{}; load average when it began {}",
            given.seed,
            given.nodes,
            given.streams,
            given.clients,
            machine(),
            load_average(),
        );
        Self {
            opening,
            troubles: Vec::new(),
            checks: Vec::new(),
            kept: true,
        }
    }

    pub(crate) fn troubles(&mut self, counts: &BTreeMap<&'static str, u32>) {
        let rows = counts.iter();
        self.troubles = rows
            .map(|(name, count)| vec![(*name).to_owned(), count.to_string()])
            .collect();
    }

    pub(crate) fn streams(
        &mut self,
        streams: &[Streamed],
        undisturbed: &Undisturbed,
        handovers: &[Handover],
        free: bool,
    ) {
        let seams = Seams::of(handovers);
        let lost: Vec<&Streamed> = streams
            .iter()
            .filter(|stream| stream.lost.is_some())
            .collect();
        self.check(
            "no stream lost",
            format!("{} of {}", lost.len(), streams.len()),
            lost.is_empty(),
        );
        let verdicts: Vec<(Verdict, usize)> = streams
            .iter()
            .filter(|stream| stream.lost.is_none())
            .map(|stream| (seams.judge(stream, undisturbed), seams.count(stream)))
            .collect();
        for (stream, (verdict, _)) in streams.iter().filter(|s| s.lost.is_none()).zip(&verdicts) {
            if *verdict != Verdict::Equal {
                let expected = undisturbed.to(&stream.prompt);
                eprintln!("{verdict:?}: {:?}\n  not {expected:?}", stream.text);
            }
        }
        let count = |wanted| {
            verdicts
                .iter()
                .filter(|(verdict, _)| *verdict == wanted)
                .count()
        };
        let handed_over = verdicts.iter().filter(|(_, seams)| *seams > 0).count();
        let all_seams: usize = verdicts.iter().map(|(_, seams)| seams).sum();
        self.check(
            "no text lost or doubled at a seam",
            format!(
                "{} of {all_seams} seams in {handed_over} answers",
                count(Verdict::Slipped)
            ),
            count(Verdict::Slipped) == 0 && all_seams > 0,
        );
        let equal = count(Verdict::Equal) as f64 / verdicts.len().max(1) as f64;
        self.check(
            "at least 99 % equal to the undisturbed answer",
            format!(
                "{:.1} %; {} went on in other words at a seam, {} elsewhere",
                equal * 100.0,
                count(Verdict::DivergedAtSeam),
                count(Verdict::Diverged)
            ),
            equal >= EQUAL,
        );
        self.check(
            "every slot free at the end",
            if free { "all" } else { "not all" }.to_owned(),
            free,
        );
    }

    /// Says of every lost stream what the hub says of it, too.
    pub(crate) fn explain(streams: &[Streamed], log: &str) {
        for stream in streams {
            let Some(why) = &stream.lost else { continue };
            let task = stream.task.as_deref().unwrap_or("a prompt without a task");
            eprintln!("lost: {task}: {why}");
            for line in log.lines().filter(|line| line.contains(task)) {
                eprintln!("  {line}");
            }
        }
    }

    /// Every stream's outcome stands in the database once.
    pub(crate) fn recorded(&mut self, committed: &Committed, streams: &[Streamed]) {
        let tasks = streams.iter().filter_map(|stream| stream.task.as_ref());
        let missing = tasks
            .filter(|task| committed.outcomes.get(*task) != Some(&1))
            .count();
        self.check(
            "every stream's outcome recorded once",
            format!("{missing} missing or doubled"),
            missing == 0,
        );
    }

    pub(crate) fn outages(&mut self, outages: &Outages, committed: &Committed) {
        let is_there = |task: &&String| committed.outcomes.get(*task) == Some(&1);
        let lost = outages
            .committed
            .iter()
            .filter(|task| !is_there(task))
            .count();
        let fresh = outages.fresh.iter().filter(is_there).count();
        self.check(
            &format!("hub killed (-9) under load {} times: no committed outcome lost", outages.killed),
            format!(
                "{lost} of {} whose end a client had seen for {} s; of {} seen later, {fresh} are there",
                outages.committed.len(),
                COMMITTED_AFTER.as_secs(),
                outages.fresh.len(),
            ),
            lost == 0 && !outages.committed.is_empty(),
        );
        self.check(
            "its database whole, totals as its rows",
            format!("{} rows", committed.outcomes.len()),
            committed.is_whole && committed.totals_agree,
        );
        self.check(
            "prompts that a kill cut off are answered when asked again",
            format!("{} of {}", outages.answered_again, outages.cut),
            outages.answered_again == outages.cut,
        );
    }

    pub(crate) fn write(&self, results: &Path, date: &str) -> anyhow::Result<ExitCode> {
        let section = format!(
            "## {date}: the hub in trouble\n\n{}, at the end {}.\n\n{}\n{}",
            self.opening,
            load_average(),
            table(&["nodes were", "times"], &self.troubles),
            table(&["promise", "measured", ""], &self.checks),
        );
        record(results, &section)?;
        Ok(if self.kept {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn check(&mut self, promise: &str, measured: String, kept: bool) {
        self.kept &= kept;
        let verdict = if kept { "kept" } else { "**not kept**" };
        self.checks
            .push(vec![promise.to_owned(), measured, verdict.to_owned()]);
    }
}
