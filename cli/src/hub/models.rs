//! `GET /v1/models`, and which of them is asked.

use serde::{Deserialize, Serialize};

use super::{Hub, HubError};

/// A model that somebody answers with right now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) id: String,
    /// Absent where the server is no hub but speaks OpenAI's language.
    #[serde(default)]
    pub(crate) kipina: Details,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    pub(crate) family: Option<String>,
    /// In tokens; 0 where nobody says.
    pub(crate) context_length: u32,
    pub(crate) nodes: u32,
}

#[derive(Debug, Deserialize)]
struct ModelList {
    data: Vec<Model>,
}

impl Hub {
    pub(crate) async fn models(&self) -> Result<Vec<Model>, HubError> {
        Ok(self.get::<ModelList>("/v1/models").await?.data)
    }

    /// The model that is asked for what a person wishes; None where nobody has one.
    ///
    /// What isn't in the list may still be an alias, which only the hub knows.
    pub(crate) async fn model_for(&self, wish: Option<&str>) -> Result<Option<Model>, HubError> {
        let models = self.models().await?;
        if let Some(found) = choose(&models, wish) {
            return Ok(Some(found.clone()));
        }
        let Some(wish) = wish.filter(|wish| is_plain(wish)) else {
            return Ok(None);
        };
        match self.get::<Model>(&format!("/v1/models/{wish}")).await {
            Ok(model) => Ok(Some(model)),
            Err(error) if error.is_nobody() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// By id, else the first of the family; without a wish the first of all, as the studio does.
pub(crate) fn choose<'a>(models: &'a [Model], wish: Option<&str>) -> Option<&'a Model> {
    let Some(wish) = wish else {
        return models.first();
    };
    let is_of_family = |model: &&Model| model.kipina.family.as_deref() == Some(wish);
    models
        .iter()
        .find(|model| model.id == wish)
        .or_else(|| models.iter().find(is_of_family))
}

/// Whether a name can stand in an address as it is; no model's has anything else.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:/".contains(c);
    !name.is_empty() && name.chars().all(is_plain) && !name.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str, family: Option<&str>) -> Model {
        Model {
            id: id.to_owned(),
            kipina: Details {
                family: family.map(str::to_owned),
                ..Details::default()
            },
        }
    }

    #[test]
    fn a_wish_is_an_id_before_it_is_a_family() {
        let models = [
            model("small", Some("big")),
            model("big", None),
            model("third", Some("other")),
        ];
        let chosen = |wish| choose(&models, wish).map(|model| model.id.as_str());
        assert_eq!(chosen(None), Some("small"));
        assert_eq!(chosen(Some("big")), Some("big"));
        assert_eq!(chosen(Some("other")), Some("third"));
        assert_eq!(chosen(Some("none")), None);
        assert_eq!(choose(&[], None), None);
    }

    #[test]
    fn what_is_no_model_s_name_is_not_put_in_an_address() {
        assert!(is_plain("qwen2.5-coder:0.5b") && is_plain("org/model_1"));
        for bad in ["", "a b", "../api/stats", "x?y", "ä", "a#b", "a%2e"] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
