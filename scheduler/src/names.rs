//! What the names of models mean: ids, aliases, families and sizes.

use protocol::Catalogue;

/// The catalogue, as far as routing needs it.
#[derive(Clone, Debug, Default)]
pub struct ModelNames {
    models: Vec<KnownModel>,
}

#[derive(Clone, Debug)]
struct KnownModel {
    id: String,
    aliases: Vec<String>,
    family: String,
    parameters: u64,
}

impl ModelNames {
    pub fn new(catalogue: &Catalogue) -> Self {
        let models = catalogue.models.iter().map(|model| KnownModel {
            id: model.id.clone(),
            aliases: model.aliases.clone(),
            family: model.family.clone(),
            parameters: model.parameters,
        });
        Self {
            models: models.collect(),
        }
    }

    /// The one spelling that stands for this model: aliases become ids, and `:latest`, which
    /// Ollama puts where no tag was given, goes.
    pub fn canonical<'a>(&'a self, name: &'a str) -> &'a str {
        let name = name.strip_suffix(":latest").unwrap_or(name);
        let known = self
            .models
            .iter()
            .find(|model| model.aliases.iter().any(|a| a == name));
        known.map_or(name, |model| &model.id)
    }

    /// The family that a model's id belongs to. A size that the catalogue does not list belongs
    /// to the family of its siblings: `qwen2.5-coder:32b` is a `qwen-coder`.
    pub fn family_of(&self, id: &str) -> Option<&str> {
        let id = self.canonical(id);
        let same_id = self.models.iter().find(|model| model.id == id);
        let known = same_id.or_else(|| {
            self.models
                .iter()
                .find(|model| without_tag(&model.id) == without_tag(id))
        });
        known.map(|model| model.family.as_str())
    }

    /// The family that a request asks for with this name: the family's own name, or a model's
    /// name without its size. None where the name is that of one model.
    pub(crate) fn requested_family(&self, name: &str) -> Option<&str> {
        let known = self
            .models
            .iter()
            .find(|model| model.family == name || without_tag(&model.id) == self.canonical(name));
        known.map(|model| model.family.as_str())
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        let id = self.canonical(name);
        self.models.iter().any(|model| model.id == id) || self.requested_family(name).is_some()
    }

    /// Weights in the model: as the catalogue says, or as the tag says (`:7b`, `:135m`).
    pub(crate) fn parameters_of(&self, id: &str) -> Option<u64> {
        let id = self.canonical(id);
        let known = self.models.iter().find(|model| model.id == id);
        known
            .map(|model| model.parameters)
            .or_else(|| parameters_in_tag(id))
    }
}

fn without_tag(id: &str) -> &str {
    id.split_once(':').map_or(id, |(base, _tag)| base)
}

fn parameters_in_tag(id: &str) -> Option<u64> {
    let size = id
        .split_once(':')?
        .1
        .split('-')
        .next()?
        .to_ascii_lowercase();
    let (digits, unit) = match (size.strip_suffix('b'), size.strip_suffix('m')) {
        (Some(billions), _) => (billions, 1e9),
        (_, Some(millions)) => (millions, 1e6),
        _ => return None,
    };
    let count: f64 = digits.parse().ok()?;
    // A tag is free text: nonsense such as `:-1b` or `:1e300b` saturates here and is cut off.
    let parameters = (count * unit) as u64;
    (1..=100_000_000_000_000)
        .contains(&parameters)
        .then_some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> ModelNames {
        let text = include_str!("../../models.toml");
        ModelNames::new(&Catalogue::parse(text).expect("the catalogue parses"))
    }

    #[test]
    fn an_alias_and_the_latest_tag_have_one_spelling() {
        let names = names();
        assert_eq!(names.canonical("smollm2:135m-instruct"), "smollm2:135m");
        assert_eq!(names.canonical("llama3.2:latest"), "llama3.2");
        assert_eq!(names.canonical("anything:1b"), "anything:1b");
    }

    #[test]
    fn an_unlisted_size_belongs_to_its_siblings_family() {
        let names = names();
        assert_eq!(names.family_of("qwen2.5-coder:0.5b"), Some("qwen-coder"));
        assert_eq!(names.family_of("qwen2.5-coder:32b"), Some("qwen-coder"));
        assert_eq!(names.family_of("llama3.2:1b"), None);
    }

    #[test]
    fn a_family_may_be_asked_for_by_its_name_or_by_a_model_without_a_size() {
        let names = names();
        assert_eq!(names.requested_family("qwen-coder"), Some("qwen-coder"));
        assert_eq!(names.requested_family("qwen2.5-coder"), Some("qwen-coder"));
        assert_eq!(names.requested_family("qwen2.5-coder:0.5b"), None);
    }

    #[test]
    fn only_names_that_mean_something_are_known() {
        let names = names();
        for name in [
            "qwen2.5-coder:7b",
            "smollm2:135m-instruct",
            "qwen-coder",
            "smollm2",
        ] {
            assert!(names.knows(name), "{name}");
        }
        assert!(!names.knows("gpt-4o"));
    }

    #[test]
    fn a_size_is_read_from_the_catalogue_or_from_the_tag() {
        let names = names();
        assert_eq!(names.parameters_of("qwen2.5-coder:0.5b"), Some(494_032_768));
        assert_eq!(names.parameters_of("llama3.2:3b"), Some(3_000_000_000));
        assert_eq!(names.parameters_of("x:270m-it-q8_0"), Some(270_000_000));
        for nonsense in [
            "llama3.2", "x:b", "x:-1b", "x:1e300b", "x:nanb", "x:0b", "x:",
        ] {
            assert_eq!(names.parameters_of(nonsense), None, "{nonsense}");
        }
    }
}
