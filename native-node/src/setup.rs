//! `--install` and `--uninstall`, from what the owner asked for to what he is told.

use std::path::PathBuf;

use crate::{
    backend::ollama,
    config::{BackendChoice, Config, Environment},
    language::Language,
    service::{self, Home, Service, ServiceError},
    tls,
};

/// Sets the service up with flags and settings that are known to be good; says what it does.
pub async fn install(
    given: &[String],
    config: &Config,
    environment: &Environment,
) -> Result<(), ServiceError> {
    let language = config.language;
    let home = home(environment)?;
    let no_program = |error: std::io::Error| ServiceError::NoProgram {
        reason: error.to_string(),
    };
    let program = std::env::current_exe().map_err(no_program)?;
    let folder = std::env::current_dir().map_err(no_program)?;
    let mut flags = service::absolute_flags(given, &folder);
    if let BackendChoice::Automatic { ollama, .. } = &config.backend
        && let Ok(tls) = tls::client_config()
        && ollama::answers(ollama, &tls).await
    {
        // After the machine's start the node may come before Ollama, and would do without.
        println!("{}", language.service_uses_ollama());
        flags.push("--ollama".to_owned());
    }
    let service = Service {
        program: service::stable_program(&program, &home.folder),
        flags,
        variables: service::absolute_variables(&environment.kept, &folder),
    };
    let kept: Vec<&str> = service.variables.iter().map(|(name, _)| *name).collect();
    println!("{}", language.kept_for_service(&kept));
    let outcome = service::install(&service, &home)?;
    print!("{}", language.installed(&outcome));
    Ok(())
}

pub fn uninstall(environment: &Environment, language: Language) -> Result<(), ServiceError> {
    let home = home(environment)?;
    let removed = service::uninstall(&home)?;
    let remains = [environment.models_folder(), environment.data_folder()];
    let remains = remains
        .into_iter()
        .flatten()
        .filter(|folder| folder.exists());
    let remains: Vec<PathBuf> = remains.collect();
    print!("{}", language.uninstalled(&removed, &remains));
    Ok(())
}

fn home(environment: &Environment) -> Result<Home, ServiceError> {
    environment.service_home().ok_or(ServiceError::NoHome)
}
