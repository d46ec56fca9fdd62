//! What was promised, and whether it was kept.

use std::process::ExitCode;

use hub_bench::machine::table;

#[derive(Debug, Default)]
pub(crate) struct Verdicts(Vec<(String, String, bool)>);

impl Verdicts {
    pub(crate) fn add(&mut self, promise: &str, measured: String, kept: bool) {
        self.0.push((promise.to_owned(), measured, kept));
    }

    pub(crate) fn table(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .0
            .iter()
            .map(|(promise, measured, kept)| {
                let kept = if *kept { "kept" } else { "**not kept**" };
                vec![promise.clone(), measured.clone(), kept.to_owned()]
            })
            .collect();
        table(&["promise", "measured", ""], &rows)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.0.iter().all(|(.., kept)| *kept) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
