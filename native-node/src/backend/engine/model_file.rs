//! Where a model of the engine's lies, and what the catalogue knows about it.

use std::{
    fs::{self, Metadata},
    path::{Path, PathBuf},
    time::SystemTime,
};

use protocol::CatalogueModel;

use crate::error::NodeError;

/// Two that are equal are the same file with the same content, as far as its folder tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelFile {
    pub(super) path: PathBuf,
    /// What requests call it.
    pub(super) id: String,
    /// `sha256:…`, where the file is as long as the catalogue says. Reading half a gigabyte only
    /// to hash it would make every start slow, and whoever fetched it has already done so.
    pub(super) digest: Option<String>,
    pub(super) bytes: u64,
    pub(super) modified: Option<SystemTime>,
}

impl ModelFile {
    /// `None` where it has not been fetched.
    pub(super) fn of_catalogue(model: &CatalogueModel, models_folder: &Path) -> Option<Self> {
        let path = models_folder.join(&model.file);
        let (bytes, modified) = state(&fs::metadata(&path).ok()?);
        let digest = model.sha256.as_ref().filter(|_| model.bytes == Some(bytes));
        Some(Self {
            path,
            id: model.id.clone(),
            digest: digest.map(|sha256| format!("sha256:{sha256}")),
            bytes,
            modified,
        })
    }

    /// A file of the owner's, called by its name.
    pub(super) fn of_owner(path: &Path) -> Result<Self, NodeError> {
        let metadata = fs::metadata(path).map_err(|error| NodeError::ModelUnusable {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        let (bytes, modified) = state(&metadata);
        let stem = path.file_stem().unwrap_or_default();
        Ok(Self {
            path: path.to_owned(),
            id: stem.to_string_lossy().to_lowercase(),
            digest: None,
            bytes,
            modified,
        })
    }
}

fn state(metadata: &Metadata) -> (u64, Option<SystemTime>) {
    (metadata.len(), metadata.modified().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue_model(bytes: u64) -> CatalogueModel {
        CatalogueModel {
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
        }
    }

    #[test]
    fn a_file_as_long_as_the_catalogue_says_has_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let find = |bytes| ModelFile::of_catalogue(&catalogue_model(bytes), folder.path());
        assert_eq!(find(4), None, "it was not fetched");
        fs::write(folder.path().join("tiny.gguf"), "GGUF").unwrap();
        let file = find(4).unwrap();
        assert_eq!((file.id.as_str(), file.bytes), ("tiny:1m", 4));
        assert_eq!(file.digest, Some(format!("sha256:{}", "ab".repeat(32))));
        assert_eq!(find(5).unwrap().digest, None);
    }

    #[test]
    fn any_other_file_is_called_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("My-Model.Q4_1.gguf");
        assert!(ModelFile::of_owner(&path).is_err());
        fs::write(&path, "GGUF").unwrap();
        let file = ModelFile::of_owner(&path).unwrap();
        assert_eq!((file.id.as_str(), file.digest), ("my-model.q4_1", None));
    }
}
