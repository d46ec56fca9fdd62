//! The programs that compute answers, as far as they round alike.

use protocol::NodeKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// The built-in engine on a machine of its own.
    Engine,
    /// The built-in engine in a browser.
    Tab,
    /// llama.cpp and what is built on it, such as Ollama; and whatever else nobody has calibrated.
    Other,
}

impl Runtime {
    pub fn of(kind: NodeKind, runtime: &str) -> Self {
        let is_engine = runtime.starts_with("kipina-engine");
        match kind {
            // A page has nothing else to compute with.
            NodeKind::Browser => Self::Tab,
            NodeKind::Native if is_engine => Self::Engine,
            NodeKind::Native => Self::Other,
        }
    }

    /// Whether it sees a model's own logits, and so can judge.
    pub fn can_audit(self) -> bool {
        self == Self::Engine
    }
}
