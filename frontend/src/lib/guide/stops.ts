// What ends a file of the team's where it opens a line: `STOPS` of `pipeline/src/clean.rs`. A test compares them.

export const STOPS_SOURCE = "pipeline/src/clean.rs";

export const stops = ["### ", "Explanation", "Note:", "Output:", "// Example", "# Example"] as const;
