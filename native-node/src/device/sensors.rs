//! Where to ask the machine how it is, and which of its programs are the node's own.

use std::path::PathBuf;

/// Whose work on the GPU is the node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnWork {
    /// The engine computes on the CPU.
    None,
    /// The engine computes on the GPU.
    Engine,
    /// Programs that Ollama consists of.
    Ollama,
    /// A server of an unknown name; it computes, and draws nothing.
    Any,
}

#[derive(Clone, Debug)]
pub struct Sensors {
    pub nvidia_smi: PathBuf,
    /// Linux's view of its devices.
    pub sys: PathBuf,
    pub own_work: OwnWork,
}

impl Default for Sensors {
    fn default() -> Self {
        Self {
            nvidia_smi: "nvidia-smi".into(),
            sys: "/sys".into(),
            own_work: OwnWork::Ollama,
        }
    }
}

impl Sensors {
    pub fn node_uses_gpu(&self) -> bool {
        self.own_work != OwnWork::None
    }

    pub(super) fn is_own(&self, program: &str, draws: bool) -> bool {
        match self.own_work {
            OwnWork::None => false,
            OwnWork::Engine => program.contains("kipina-node"),
            OwnWork::Ollama => {
                let program = program.to_ascii_lowercase();
                program.contains("ollama") || program.contains("llama-server")
            }
            OwnWork::Any => !draws,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_nodes_own_depends_on_what_computes() {
        // (own work, program, whether it draws, is own)
        let cases = [
            (OwnWork::Ollama, "/usr/local/bin/ollama", false, true),
            (OwnWork::Ollama, "ollama.exe", false, true),
            (OwnWork::Ollama, "python3", false, false),
            (OwnWork::Any, "VLLM::EngineCor", false, true),
            (OwnWork::Any, "Super Kart.exe", true, false),
            (OwnWork::None, "ollama", false, false),
            (OwnWork::Engine, "/opt/kipina-node", true, true),
            (OwnWork::Engine, "ollama", false, false),
        ];
        for (own_work, program, draws, is_own) in cases {
            let sensors = Sensors {
                own_work,
                ..Sensors::default()
            };
            assert_eq!(sensors.is_own(program, draws), is_own, "{program}");
        }
    }
}
