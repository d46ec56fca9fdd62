//! The machine that measures, in the words of `bench/RESULTS.md`, and whether it had anything else to do.

use std::{fs, io::Write, path::Path};

/// As in `Intel(R) Xeon(R) Processor, 2 cores`.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = information
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    format!("{name}, {cores} cores")
}

/// Of the last minute, five minutes and quarter of an hour.
pub fn load_average() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let three: Vec<&str> = load.split_whitespace().take(3).collect();
    three.join(", ")
}

/// A table of Markdown.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule = vec!["---".to_owned(); head.len()];
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{}{}{rows}", line(&head), line(&rule))
}

/// Appends a section to the results; shows it as well.
pub fn record(results: &Path, section: &str) -> std::io::Result<()> {
    println!("{section}");
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(results)?;
    write!(file, "\n{section}")
}
