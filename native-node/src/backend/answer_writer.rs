//! The node's end of one answer: pieces of text in, numbered frames out.

use protocol::{LlmErrorCode, LlmToken, NodeMessage, TaskId};
use tokio::sync::mpsc;

use super::Failure;

/// Turns an answer's text into `llm_token` frames, in order and without gaps.
#[derive(Debug)]
pub struct AnswerWriter {
    task_id: TaskId,
    frames: mpsc::Sender<NodeMessage>,
    next_sequence: u64,
    /// The longest text that one frame may carry, in bytes.
    piece_bytes: usize,
}

impl AnswerWriter {
    pub fn new(task_id: TaskId, frames: mpsc::Sender<NodeMessage>, frame_bytes: usize) -> Self {
        // JSON writes a control character as six bytes, and the frame has other fields too.
        let piece_bytes = (frame_bytes / 8).max(4);
        Self {
            task_id,
            frames,
            next_sequence: 0,
            piece_bytes,
        }
    }

    /// Sends a piece of the answer; waits while the connection is busy. Empty text is not sent.
    pub async fn write(&mut self, text: &str, mut token_ids: Vec<u32>) -> Result<(), Failure> {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(piece_length(rest, self.piece_bytes));
            rest = after;
            // The ids belong to the whole text, so they travel with its end.
            let token_ids = if rest.is_empty() {
                std::mem::take(&mut token_ids)
            } else {
                Vec::new()
            };
            self.send(piece, token_ids).await?;
        }
        Ok(())
    }

    async fn send(&mut self, text: &str, token_ids: Vec<u32>) -> Result<(), Failure> {
        let frame = NodeMessage::LlmToken(LlmToken {
            task_id: self.task_id.clone(),
            seq: self.next_sequence,
            text: text.to_owned(),
            token_ids,
        });
        self.next_sequence += 1;
        self.frames.send(frame).await.map_err(|_| {
            Failure::new(
                LlmErrorCode::Unavailable,
                "the node's connection to the hub was lost",
            )
        })
    }
}

/// The length of the longest beginning of `text` within `limit` bytes that splits no character.
fn piece_length(text: &str, limit: usize) -> usize {
    if text.len() <= limit {
        return text.len();
    }
    (1..=limit)
        .rev()
        .find(|&length| text.is_char_boundary(length))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames_of(text: &str, frame_bytes: usize) -> Vec<LlmToken> {
        let (sender, mut receiver) = mpsc::channel(100);
        let mut writer = AnswerWriter::new(TaskId("t".into()), sender, frame_bytes);
        writer.write(text, vec![7, 8]).await.unwrap();
        drop(writer);
        let mut frames = Vec::new();
        while let Some(NodeMessage::LlmToken(frame)) = receiver.recv().await {
            frames.push(frame);
        }
        frames
    }

    #[tokio::test]
    async fn a_piece_is_one_frame() {
        let frames = frames_of("hei", 1 << 20).await;
        assert_eq!(frames.len(), 1);
        assert_eq!((frames[0].seq, frames[0].text.as_str()), (0, "hei"));
        assert_eq!(frames[0].token_ids, [7, 8]);
    }

    #[tokio::test]
    async fn a_long_piece_is_split_between_characters_and_its_ids_come_last() {
        let text = "yö🔥".repeat(20);
        let frames = frames_of(&text, 64).await;
        assert!(frames.len() > 1);
        assert!(frames.iter().all(|frame| frame.text.len() <= 8));
        assert!(
            frames
                .iter()
                .map(|frame| frame.seq)
                .eq(0..frames.len() as u64)
        );
        assert_eq!(
            frames
                .iter()
                .map(|frame| frame.text.as_str())
                .collect::<String>(),
            text
        );
        let (last, others) = frames.split_last().unwrap();
        assert_eq!(last.token_ids, [7, 8]);
        assert!(others.iter().all(|frame| frame.token_ids.is_empty()));
    }

    #[tokio::test]
    async fn empty_text_takes_no_sequence_number() {
        assert!(frames_of("", 1 << 20).await.is_empty());
    }

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
