//! The JSON of an operator's request.

use axum::body::Bytes;
use serde::de::DeserializeOwned;

use crate::{error::ApiError, json::Object};

/// # Errors
/// Names the field that is wrong, or the place where the text stops being JSON. The words never quote
/// the body: a password may be in it.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader);
    let Object(read) = read.map_err(|error| {
        let path = error.path().to_string();
        refuse(&path, &error.into_inner())
    })?;
    reader.end().map_err(|error| refuse(".", &error))?;
    Ok(read)
}

fn refuse(path: &str, error: &serde_json::Error) -> ApiError {
    let place = format!("line {} column {}", error.line(), error.column());
    if error.is_data() {
        ApiError::invalid(path, format!("'{path}' at {place} is unknown or wrong"))
    } else {
        ApiError::BadRequest {
            message: format!("the body is no JSON from {place} on"),
            param: None,
            code: Some("invalid_json"),
        }
    }
}
