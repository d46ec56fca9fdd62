//! `kpn nodes`: who computes.

use protocol::{NodeStats, Stats};

use super::Context;
use crate::{error::Failure, language::Language, text::table};

pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let stats: Stats = context.hub.get("/api/stats").await?;
    let (output, language) = (context.output, context.language);
    if output.json {
        return Ok(output.json(&stats.nodes)?);
    }
    if stats.nodes.is_empty() {
        return Ok(output.note(language.no_nodes())?);
    }
    let rows: Vec<Vec<String>> = stats.nodes.iter().map(|node| row(language, node)).collect();
    for line in table(&language.node_heads(), &rows, &[3, 4, 5, 6]) {
        output.line(line)?;
    }
    Ok(())
}

fn row(language: Language, node: &NodeStats) -> Vec<String> {
    let speed = node.tokens_per_second;
    vec![
        node.name.clone(),
        language.kind(node.kind).to_owned(),
        language.node_state(node).to_owned(),
        format!("{}/{}", node.busy, node.slots),
        speed.map_or("–".to_owned(), |speed| language.decimal(speed)),
        node.prompts.to_string(),
        node.tokens.to_string(),
        node.models.join(", "),
    ]
}
