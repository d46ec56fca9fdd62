//! What a measuring program is given, as `name=value`: its script reads the environment.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr};

use anyhow::{Context, bail};

#[derive(Debug)]
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// Of this process; none but `names`.
    pub fn read(names: &[&str]) -> anyhow::Result<Self> {
        let mut given = BTreeMap::new();
        for argument in std::env::args().skip(1) {
            match argument.split_once('=') {
                Some((name, value)) if names.contains(&name) => {
                    given.insert(name.to_owned(), value.to_owned());
                }
                _ => bail!("{argument}: give NAME=VALUE of {}", names.join(", ")),
            }
        }
        Ok(Self(given))
    }

    pub fn path(&self, name: &str) -> anyhow::Result<PathBuf> {
        Ok(self.text(name)?.into())
    }

    pub fn text(&self, name: &str) -> anyhow::Result<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.with_context(|| format!("{name}=… is missing"))
    }

    pub fn number<N: FromStr>(&self, name: &str) -> anyhow::Result<N> {
        let text = self.text(name)?;
        let number = text.parse().ok();
        number.with_context(|| format!("{name}={text}: give a number"))
    }
}
