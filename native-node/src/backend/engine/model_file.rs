//! Where the engine's model lies, and what the catalogue knows about it.

use std::path::{Path, PathBuf};

use crate::{config::ModelChoice, error::NodeError};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelFile {
    pub(super) path: PathBuf,
    /// What requests call it.
    pub(super) id: String,
    /// `sha256:…`, where the file is as long as the catalogue says. Reading half a gigabyte only
    /// to hash it would make every start slow, and the fetch script has already done so.
    pub(super) digest: Option<String>,
}

pub(super) fn find(choice: &ModelChoice, models_folder: &Path) -> Result<ModelFile, NodeError> {
    match choice {
        ModelChoice::Catalogue(model) => {
            let path = models_folder.join(&model.file);
            let Ok(bytes) = file_bytes(&path) else {
                return Err(NodeError::ModelNotFetched {
                    id: model.id.clone(),
                    path: path.display().to_string(),
                });
            };
            let digest = model.sha256.as_ref().filter(|_| model.bytes == Some(bytes));
            let digest = digest.map(|sha256| format!("sha256:{sha256}"));
            Ok(ModelFile {
                path,
                id: model.id.clone(),
                digest,
            })
        }
        ModelChoice::File(path) => {
            file_bytes(path).map_err(|error| NodeError::ModelUnusable {
                path: path.display().to_string(),
                reason: error.to_string(),
            })?;
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .to_lowercase();
            Ok(ModelFile {
                path: path.clone(),
                id: stem,
                digest: None,
            })
        }
    }
}

fn file_bytes(path: &Path) -> std::io::Result<u64> {
    std::fs::metadata(path).map(|metadata| metadata.len())
}

#[cfg(test)]
mod tests {
    use protocol::CatalogueModel;

    use super::*;

    fn catalogue_model(bytes: u64) -> ModelChoice {
        ModelChoice::Catalogue(Box::new(CatalogueModel {
            id: "tiny:1m".into(),
            aliases: Vec::new(),
            family: "tiny".into(),
            architecture: "llama".into(),
            parameters: 1,
            quantisation: "Q4_1".into(),
            file: "tiny.gguf".into(),
            bytes: Some(bytes),
            sha256: Some("ab".repeat(32)),
            context_length: 128,
            licence: "MIT".into(),
            sources: Vec::new(),
        }))
    }

    #[test]
    fn a_file_as_long_as_the_catalogue_says_has_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tiny.gguf"), "GGUF").unwrap();
        let file = find(&catalogue_model(4), folder.path()).unwrap();
        assert_eq!(file.id, "tiny:1m");
        assert_eq!(file.digest, Some(format!("sha256:{}", "ab".repeat(32))));
        assert_eq!(
            find(&catalogue_model(5), folder.path()).unwrap().digest,
            None
        );
    }

    #[test]
    fn a_model_that_was_not_fetched_names_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let error = find(&catalogue_model(4), folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("scripts/fetch-model.sh tiny:1m"),
            "{error}"
        );
    }

    #[test]
    fn any_other_file_is_called_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("My-Model.Q4_1.gguf");
        assert!(find(&ModelChoice::File(path.clone()), folder.path()).is_err());
        std::fs::write(&path, "GGUF").unwrap();
        let file = find(&ModelChoice::File(path), folder.path()).unwrap();
        assert_eq!((file.id.as_str(), file.digest), ("my-model.q4_1", None));
    }
}
