//! The catalogue and its files: `GET /api/models` and `GET /models/{file}`.

use std::collections::HashMap;

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use protocol::{Catalogue, CatalogueError, CatalogueModel};
use serde::Serialize;
use tower::ServiceExt;
use tower_http::services::ServeFile;

use crate::{error::ApiError, headers, state::Hub};

#[derive(Debug, Serialize)]
pub(crate) struct ListedModels {
    models: Vec<ListedModel>,
}

/// A model of the catalogue, and what this hub has of it right now.
#[derive(Debug, Serialize)]
struct ListedModel {
    #[serde(flatten)]
    model: CatalogueModel,
    /// Nodes that can answer with it.
    nodes: u32,
    /// Whether `/models/{file}` has it.
    file_available: bool,
}

/// The catalogue that this build came with.
pub fn catalogue() -> Result<Catalogue, CatalogueError> {
    Catalogue::parse(include_str!("../../models.toml"))
}

pub(crate) async fn list(State(hub): State<Hub>) -> Json<ListedModels> {
    let served = hub.dispatcher.snapshot().await.models;
    let nodes: HashMap<&str, u32> = served
        .iter()
        .map(|model| (model.id.as_str(), model.nodes))
        .collect();
    let mut models = Vec::new();
    for model in &hub.catalogue.models {
        let file = hub.models_directory.join(&model.file);
        let metadata = tokio::fs::metadata(file).await;
        models.push(ListedModel {
            model: model.clone(),
            nodes: nodes.get(model.id.as_str()).copied().unwrap_or_default(),
            file_available: metadata.is_ok_and(|metadata| metadata.is_file()),
        });
    }
    Json(ListedModels { models })
}

/// Only files that the catalogue names: what else lies in the folder, half-fetched files among
/// it, is nobody's business.
pub(crate) async fn file(
    State(hub): State<Hub>,
    file: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let Path(file) = file?;
    let not_found = ApiError::NotFound {
        path: request.uri().path().to_owned(),
    };
    let known = hub.catalogue.models.iter().find(|model| model.file == file);
    let Some(model) = known else {
        return Err(not_found);
    };
    let served = ServeFile::new(hub.models_directory.join(file))
        .oneshot(request)
        .await;
    let mut response = match served {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    };
    let status = response.status();
    if status == StatusCode::NOT_FOUND {
        return Err(not_found);
    }
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        // What the catalogue has the checksum of never changes under its name.
        let policy = match model.sha256 {
            Some(_) => headers::keep_for_ever(),
            None => HeaderValue::from_static("no-cache"),
        };
        response.headers_mut().insert(header::CACHE_CONTROL, policy);
    }
    Ok(response)
}
