//! `GET /v1/models` and `GET /v1/models/{id}`: what can be asked for right now.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use serde::Serialize;

use crate::{access::Caller, dispatch::AvailableModel, error::ApiError, state::Hub};

#[derive(Debug, Serialize)]
pub(crate) struct ModelList {
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Model {
    id: String,
    object: &'static str,
    /// Unix time in seconds since which it can be asked for.
    created: u64,
    owned_by: &'static str,
    kipina: ModelDetails,
}

#[derive(Debug, Serialize)]
struct ModelDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<String>,
    context_length: u32,
    nodes: u32,
}

pub(crate) async fn list_models(State(hub): State<Hub>, caller: Caller) -> Json<ModelList> {
    let models = hub.dispatcher.snapshot().await.models;
    let allowed = models
        .into_iter()
        .filter(|model| caller.may_ask_for(&model.id));
    Json(ModelList {
        object: "list",
        data: allowed.map(Model::from).collect(),
    })
}

/// By id or alias; a family is no model.
pub(crate) async fn retrieve_model(
    State(hub): State<Hub>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Model>, ApiError> {
    let Path(name) = name?;
    let id = hub.catalogue.find(&name).map_or(&name, |known| &known.id);
    let models = hub.dispatcher.snapshot().await.models;
    let found = models
        .into_iter()
        .find(|model| model.id == *id || model.id == name);
    match found {
        Some(model) if caller.may_ask_for(&model.id) => Ok(Json(model.into())),
        _ => Err(ApiError::ModelNotFound { model: name }),
    }
}

impl From<AvailableModel> for Model {
    fn from(model: AvailableModel) -> Self {
        Self {
            id: model.id,
            object: "model",
            created: model.joined_at,
            owned_by: "kipina",
            kipina: ModelDetails {
                family: model.family,
                context_length: model.context_length,
                nodes: model.nodes,
            },
        }
    }
}
