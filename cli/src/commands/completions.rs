//! `kpn completions` and `kpn man`: what shells and `man` read.

use clap_complete::Shell;

use crate::{arguments::command, error::Failure, language::Language, output::Output};

/// In English: shells' completions are read by programs, and their helps are cut short.
pub(super) fn shell(output: Output, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(Language::English), "kpn", &mut script);
    Ok(output.bytes(&script)?)
}

/// All commands in one page.
pub(super) fn man(output: Output, language: Language) -> Result<(), Failure> {
    let mut page = Vec::new();
    let mut whole = command(language);
    whole.build();
    clap_mangen::Man::new(whole.clone()).render(&mut page)?;
    for own in whole.get_subcommands() {
        let man = clap_mangen::Man::new(own.clone());
        man.render_description_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    Ok(output.bytes(&page)?)
}
