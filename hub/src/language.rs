//! Finnish or English: what a person reads at the terminal.

/// The language of the person at the terminal, from the locale's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Finnish,
    English,
    /// The locale does not tell: both, Finnish first.
    Both,
}

/// One text in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub finnish: String,
    pub english: String,
}

impl Language {
    /// From a locale's name as in `fi_FI.UTF-8`; `C`, `POSIX` and nothing name no language.
    pub fn of_locale(locale: Option<&str>) -> Self {
        let name = locale.unwrap_or_default();
        let language = name.split(['_', '.', '@', '-']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "fi" => Self::Finnish,
            "" | "c" | "posix" => Self::Both,
            _ => Self::English,
        }
    }
}

impl Text {
    pub fn new(finnish: impl Into<String>, english: impl Into<String>) -> Self {
        Self {
            finnish: finnish.into(),
            english: english.into(),
        }
    }

    pub fn in_language(&self, language: Language) -> String {
        match language {
            Language::Finnish => self.finnish.clone(),
            Language::English => self.english.clone(),
            Language::Both => format!("{}\n{}", self.finnish, self.english),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_names_the_language() {
        for (locale, language) in [
            (Some("fi_FI.UTF-8"), Language::Finnish),
            (Some("fi"), Language::Finnish),
            (Some("fil_PH"), Language::English),
            (Some("en_GB.UTF-8"), Language::English),
            (Some("sv_FI@euro"), Language::English),
            (Some("C.UTF-8"), Language::Both),
            (Some("POSIX"), Language::Both),
            (Some(""), Language::Both),
            (None, Language::Both),
        ] {
            assert_eq!(Language::of_locale(locale), language, "{locale:?}");
        }
    }
}
