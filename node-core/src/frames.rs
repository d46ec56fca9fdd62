//! The node's end of one answer: pieces of text in, numbered frames out.

use protocol::{LlmToken, NodeMessage, TaskId};

/// Turns an answer's text into `llm_token` frames, in order and without gaps.
#[derive(Debug)]
pub struct AnswerFrames {
    task_id: TaskId,
    next_sequence: u64,
    /// The longest text that one frame may carry, in bytes.
    piece_bytes: usize,
}

impl AnswerFrames {
    /// `frame_bytes`: the longest frame that the hub takes.
    pub fn new(task_id: TaskId, frame_bytes: usize) -> Self {
        // JSON writes a control character as six bytes, and the frame has other fields too.
        let piece_bytes = (frame_bytes / 8).max(4);
        Self {
            task_id,
            next_sequence: 0,
            piece_bytes,
        }
    }

    /// The frames of the next piece of the answer: one, unless the piece is very long; none where
    /// it is empty.
    pub fn frames(&mut self, text: &str, mut token_ids: Vec<u32>) -> Vec<NodeMessage> {
        let mut frames = Vec::new();
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
            frames.push(NodeMessage::LlmToken(LlmToken {
                task_id: self.task_id.clone(),
                seq: self.next_sequence,
                text: piece.to_owned(),
                token_ids,
            }));
            self.next_sequence += 1;
        }
        frames
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

    fn frames_of(text: &str, frame_bytes: usize) -> Vec<LlmToken> {
        let mut answer = AnswerFrames::new(TaskId("t".into()), frame_bytes);
        let frames = answer.frames(text, vec![7, 8]).into_iter();
        frames
            .map(|frame| match frame {
                NodeMessage::LlmToken(token) => token,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_piece_is_one_frame() {
        let frames = frames_of("hei", 1 << 20);
        assert_eq!(frames.len(), 1);
        assert_eq!((frames[0].seq, frames[0].text.as_str()), (0, "hei"));
        assert_eq!(frames[0].token_ids, [7, 8]);
    }

    #[test]
    fn a_long_piece_is_split_between_characters_and_its_ids_come_last() {
        let text = "yö🔥".repeat(20);
        let frames = frames_of(&text, 64);
        assert!(frames.len() > 1);
        assert!(frames.iter().all(|frame| frame.text.len() <= 8));
        let numbers = frames.iter().map(|frame| frame.seq);
        assert!(numbers.eq(0..frames.len() as u64));
        let joined: String = frames.iter().map(|frame| frame.text.as_str()).collect();
        assert_eq!(joined, text);
        let (last, others) = frames.split_last().unwrap();
        assert_eq!(last.token_ids, [7, 8]);
        assert!(others.iter().all(|frame| frame.token_ids.is_empty()));
    }

    #[test]
    fn empty_text_takes_no_sequence_number() {
        let mut answer = AnswerFrames::new(TaskId("t".into()), 1 << 20);
        assert!(answer.frames("", vec![1]).is_empty());
        let frames = answer.frames("x", vec![2]);
        assert!(matches!(&frames[..], [NodeMessage::LlmToken(token)] if token.seq == 0));
    }
}
