//! Every sentence that the owner of a node reads, in Finnish and in English side by side.
//!
//! What travels to the hub, and from there to whoever sent a prompt, is English: the API's language.

mod download;
mod errors;
mod help;
mod limits;
mod log;
mod processor;
mod service;
mod status;

pub use self::help::Help;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Finnish,
    English,
}

impl Language {
    /// Finnish where the locale says so, as in `fi_FI.UTF-8`.
    pub fn from_locale(locale: Option<&str>) -> Self {
        let language = locale
            .unwrap_or_default()
            .split(['_', '.', '-', '@'])
            .next();
        if language == Some("fi") {
            Self::Finnish
        } else {
            Self::English
        }
    }

    fn pick<T>(self, finnish: T, english: T) -> T {
        match self {
            Self::Finnish => finnish,
            Self::English => english,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finnish_is_spoken_where_the_locale_says_so() {
        for locale in ["fi", "fi_FI", "fi_FI.UTF-8", "fi-FI", "fi@euro"] {
            assert_eq!(
                Language::from_locale(Some(locale)),
                Language::Finnish,
                "{locale}"
            );
        }
        for locale in [
            None,
            Some("en_GB.UTF-8"),
            Some("C"),
            Some("fil_PH"),
            Some(""),
        ] {
            assert_eq!(
                Language::from_locale(locale),
                Language::English,
                "{locale:?}"
            );
        }
    }
}
