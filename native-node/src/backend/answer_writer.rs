//! The node's end of one answer: pieces of text in, frames into the connection's channel.

use node_core::{AnswerFrames, Failure};
use protocol::{LlmErrorCode, NodeMessage, TaskId};
use tokio::sync::mpsc;

/// Sends an answer's text as it comes.
#[derive(Debug)]
pub struct AnswerWriter {
    answer: AnswerFrames,
    frames: mpsc::Sender<NodeMessage>,
}

impl AnswerWriter {
    pub fn new(task_id: TaskId, frames: mpsc::Sender<NodeMessage>, frame_bytes: usize) -> Self {
        Self {
            answer: AnswerFrames::new(task_id, frame_bytes),
            frames,
        }
    }

    /// Sends a piece of the answer; waits while the connection is busy. Empty text is not sent.
    pub async fn write(&mut self, text: &str, token_ids: Vec<u32>) -> Result<(), Failure> {
        for frame in self.answer.frames(text, token_ids) {
            self.frames.send(frame).await.map_err(|_| {
                Failure::new(
                    LlmErrorCode::Unavailable,
                    "the node's connection to the hub was lost",
                )
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lost_connection_ends_the_answer() {
        let (sender, receiver) = mpsc::channel(1);
        drop(receiver);
        let mut writer = AnswerWriter::new(TaskId("t".into()), sender, 1 << 20);
        assert_eq!(
            writer.write("x", vec![]).await.unwrap_err().code,
            LlmErrorCode::Unavailable
        );
    }
}
