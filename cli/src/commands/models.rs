//! `kpn models`: what can be asked for right now.

use super::Context;
use crate::{error::Failure, text::table};

pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let models = context.hub.models().await?;
    let output = context.output;
    if output.json {
        output.json(&models)?;
    } else {
        let rows: Vec<Vec<String>> = models
            .iter()
            .map(|model| {
                vec![
                    model.id.clone(),
                    model.kipina.family.clone().unwrap_or_default(),
                    model.kipina.context_length.to_string(),
                    model.kipina.nodes.to_string(),
                ]
            })
            .collect();
        if !rows.is_empty() {
            for line in table(&context.language.model_heads(), &rows, &[2, 3]) {
                output.line(line)?;
            }
        }
    }
    if models.is_empty() {
        return Err(Failure::Nobody(None));
    }
    Ok(())
}
