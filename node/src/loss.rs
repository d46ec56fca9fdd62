//! A model that went with its GPU, and how it comes back.

use engine::{Engine, EngineError};
use futures_channel::mpsc::UnboundedReceiver;
use futures_channel::oneshot;
use futures_util::StreamExt;
use js_sys::Function;
use wasm_bindgen::JsValue;

use crate::loading::Loader;
use crate::model_file::ModelFile;

/// In the words of whoever lost it. What the engine still holds is of no more use.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loss(pub(crate) String);

impl Loss {
    /// Whatever a GPU fails at, it is not asked again: half of an answer may have gone wrong with it.
    pub(crate) fn of<T>(result: &Result<T, EngineError>) -> Option<Self> {
        result.as_ref().err().and_then(Self::behind)
    }

    pub(crate) fn behind(error: &EngineError) -> Option<Self> {
        match error {
            EngineError::Gpu(error) => Some(Self(error.to_string())),
            _ => None,
        }
    }
}

/// The model's file, opened again by the page, and where to say what came of it.
#[derive(Debug)]
pub(crate) struct Rebuild {
    pub(crate) file: ModelFile,
    pub(crate) on_progress: Function,
    pub(crate) reply: oneshot::Sender<Result<(), JsValue>>,
}

/// Tries until the model is back; none where the page wants no more.
pub(crate) async fn rebuilt(
    loader: &Loader,
    rebuilds: &mut UnboundedReceiver<Rebuild>,
) -> Option<Engine> {
    loop {
        let Rebuild {
            file,
            on_progress,
            reply,
        } = rebuilds.next().await?;
        let (engine, result) = match loader.load(&file, &on_progress).await {
            Ok(engine) => (Some(engine), Ok(())),
            Err(error) => (None, Err(error)),
        };
        // A page that has gone has freed the node as well.
        let _ = reply.send(result);
        if engine.is_some() {
            return engine;
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::GpuError;

    use super::*;

    #[test]
    fn a_model_is_lost_with_its_gpu_and_with_nothing_else() {
        let gone = EngineError::Gpu(GpuError::Lost("unplugged".into()));
        assert!(Loss::behind(&gone).is_some_and(|loss| loss.0.contains("unplugged")));
        let refused = EngineError::InvalidRequest("the prompt is empty".into());
        assert_eq!(Loss::behind(&refused), None);
        assert_eq!(Loss::of(&Ok(())), None);
    }
}
