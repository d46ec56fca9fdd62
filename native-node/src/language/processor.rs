//! What computes, CPU or GPU, and why.

use ::engine::GpuError;

use super::Language;
use crate::{
    backend::engine::processor::{Speeds, Verdict},
    config::ProcessorChoice,
    status::Processor,
};

impl Language {
    pub fn processor(self, processor: &Processor) -> String {
        match processor {
            Processor::Cpu { threads } => self.pick(
                format!("suoritin, säikeitä {threads}"),
                format!("CPU, {threads} threads"),
            ),
            Processor::Gpu { adapter } => {
                self.pick(format!("näytönohjain {adapter}"), format!("GPU {adapter}"))
            }
        }
    }

    pub fn processor_chosen(
        self,
        verdict: &Verdict,
        adapter: &str,
        choice: ProcessorChoice,
    ) -> String {
        let asked = choice == ProcessorChoice::Gpu;
        match verdict {
            Verdict::CpuWanted => self
                .pick(
                    "Moottori laskee suorittimella.",
                    "The engine computes on the CPU.",
                )
                .to_owned(),
            Verdict::GpuWanted => self.pick(
                format!("Moottori laskee näytönohjaimella {adapter}."),
                format!("The engine computes on the GPU {adapter}."),
            ),
            Verdict::GpuFaster(speeds) => {
                let (gpu, cpu) = self.speeds(*speeds);
                self.pick(
                    format!(
                        "Moottori laskee näytönohjaimella {adapter}: {gpu} miljardia kerto- ja \
                         yhteenlaskua sekunnissa, suorittimella {cpu}."
                    ),
                    format!(
                        "The engine computes on the GPU {adapter}: {gpu} billion multiply-adds per \
                         second, the CPU {cpu}."
                    ),
                )
            }
            Verdict::CpuFaster(speeds) => {
                let (gpu, cpu) = self.speeds(*speeds);
                self.pick(
                    format!(
                        "Moottori laskee suorittimella: {cpu} miljardia kerto- ja yhteenlaskua \
                         sekunnissa, näytönohjaimella {adapter} {gpu}. Valitsimella --gpu se laskee silti."
                    ),
                    format!(
                        "The engine computes on the CPU: {cpu} billion multiply-adds per second, the \
                         GPU {adapter} {gpu}. With --gpu that one computes all the same."
                    ),
                )
            }
            Verdict::NoGpu(error) if asked => {
                let (reason, help) = (self.gpu_error(error), self.how_to_get_a_gpu());
                self.pick(
                    format!("--gpu: näytönohjainta ei voi käyttää ({reason}), joten suoritin laskee. {help}"),
                    format!("--gpu: no GPU can be used ({reason}), so the CPU computes. {help}"),
                )
            }
            Verdict::NoGpu(error) => {
                let reason = self.gpu_error(error);
                self.pick(
                    format!(
                        "Moottori laskee suorittimella: näytönohjainta ei voi käyttää ({reason})."
                    ),
                    format!("The engine computes on the CPU: no GPU can be used ({reason})."),
                )
            }
            Verdict::OnlySoftware if asked => {
                let help = self.how_to_get_a_gpu();
                self.pick(
                    format!(
                        "--gpu: löytyi vain {adapter}, jota suoritin esittää hitaasti, joten suoritin \
                         laskee itse. {help}"
                    ),
                    format!(
                        "--gpu: there is only {adapter}, which the CPU plays, and slowly: the CPU \
                         computes itself. {help}"
                    ),
                )
            }
            Verdict::OnlySoftware => self.pick(
                format!("Moottori laskee suorittimella: {adapter} ei ole näytönohjain."),
                format!("The engine computes on the CPU: {adapter} is no GPU."),
            ),
        }
    }

    /// The model can't be on the GPU.
    pub fn gpu_refused(self, model: &str, error: &GpuError) -> String {
        let reason = self.gpu_error(error);
        match error {
            GpuError::OutOfMemory(_) | GpuError::TooSmall { .. } => self.pick(
                format!(
                    "{model} ei mahdu näytönohjaimelle ({reason}): suoritin laskee sen. Valitse pienempi malli \
                     tai lyhyempi --context, niin se mahtuu."
                ),
                format!(
                    "{model} does not fit on the GPU ({reason}): the CPU computes it. Choose a smaller \
                     model, or a shorter --context, to have it there."
                ),
            ),
            GpuError::Unavailable(_) | GpuError::Lost(_) | GpuError::Driver(_) => self.pick(
                format!(
                    "Näytönohjain ei laske mallia {model} ({reason}): suoritin laskee sen. Päivitä \
                     näytönohjaimen ajuri ja käynnistä solmu uudelleen."
                ),
                format!(
                    "The GPU does not compute {model} ({reason}): the CPU does. Update the GPU's driver \
                     and start the node again."
                ),
            ),
        }
    }

    /// `again`: whether another device was to be had.
    pub fn gpu_lost(self, adapter: &str, error: &GpuError, again: bool) -> String {
        let reason = self.gpu_error(error);
        if again {
            self.pick(
                format!(
                    "Näytönohjain {adapter} katosi ({reason}). Malli ladataan sille uudelleen."
                ),
                format!("The GPU {adapter} was lost ({reason}). The model is loaded on it again."),
            )
        } else {
            self.pick(
                format!(
                    "Näytönohjain {adapter} katosi ({reason}), ja tästä lähin suoritin laskee. Kun sen ajuri \
                     on kunnossa, käynnistä solmu uudelleen."
                ),
                format!(
                    "The GPU {adapter} was lost ({reason}), and from now on the CPU computes. Start the \
                     node again once its driver is in order."
                ),
            )
        }
    }

    fn gpu_error(self, error: &GpuError) -> String {
        match error {
            GpuError::Unavailable(reason) | GpuError::Lost(reason) | GpuError::Driver(reason) => {
                reason.clone()
            }
            GpuError::OutOfMemory(reason) => self.pick(
                format!("muisti loppuu: {reason}"),
                format!("out of memory: {reason}"),
            ),
            GpuError::TooSmall {
                what,
                needed,
                allowed,
            } => self.pick(
                format!("{what}: tarvitaan {needed}, sallitaan {allowed}"),
                format!("{what}: {needed} needed, {allowed} allowed"),
            ),
        }
    }

    fn how_to_get_a_gpu(self) -> &'static str {
        if cfg!(target_env = "musl") {
            // A static program has no way to load a driver.
            self.pick(
                "Tämä on ohjelman staattinen versio, joka ei lataa ajureita: hae keskukselta versio linux_gpu.",
                "This is the static version of the program, which loads no drivers: get the version linux_gpu \
                 from the hub.",
            )
        } else if cfg!(target_os = "linux") {
            self.pick(
                "Asenna näytönohjaimen Vulkan-ajuri (`vulkaninfo --summary` näyttää, löytyykö se) ja käynnistä \
                 solmu uudelleen.",
                "Install the Vulkan driver of your GPU (`vulkaninfo --summary` shows whether it is found) and \
                 start the node again.",
            )
        } else {
            self.pick(
                "Päivitä näytönohjaimen ajuri ja käynnistä solmu uudelleen.",
                "Update the driver of your GPU and start the node again.",
            )
        }
    }

    /// In billions, with the digits that tell them apart.
    fn speeds(self, speeds: Speeds) -> (String, String) {
        let told = |speed: f64| {
            let billions = speed / 1e9;
            let text = if billions < 100.0 {
                format!("{billions:.1}")
            } else {
                format!("{billions:.0}")
            };
            self.pick(text.replace('.', ","), text)
        };
        (told(speeds.gpu), told(speeds.cpu))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_who_wanted_the_gpu_is_told_what_to_do_without_it() {
        let none = Verdict::NoGpu(GpuError::Unavailable("no adapter".into()));
        for (language, words) in [
            (Language::Finnish, ["suoritin", "käynnistä solmu uudelleen"]),
            (
                Language::English,
                ["the CPU computes", "start the node again"],
            ),
        ] {
            for verdict in [&none, &Verdict::OnlySoftware] {
                let told = language.processor_chosen(verdict, "llvmpipe", ProcessorChoice::Gpu);
                for part in ["--gpu"].iter().chain(&words) {
                    assert!(told.contains(part), "{part} is missing from: {told}");
                }
                let told =
                    language.processor_chosen(verdict, "llvmpipe", ProcessorChoice::Measured);
                assert!(!told.contains("--gpu"), "nobody asked for it: {told}");
            }
        }
    }

    #[test]
    fn speeds_are_told_in_the_readers_numbers() {
        let speeds = Speeds {
            gpu: 1.234e12,
            cpu: 1.96e10,
        };
        for (language, both) in [
            (Language::Finnish, ["1234 miljardia", "suorittimella 19,6"]),
            (Language::English, ["1234 billion", "the CPU 19.6"]),
        ] {
            let verdict = Verdict::GpuFaster(speeds);
            let told = language.processor_chosen(&verdict, "RTX", ProcessorChoice::Measured);
            for part in both {
                assert!(told.contains(part), "{part} is missing from: {told}");
            }
        }
    }
}
