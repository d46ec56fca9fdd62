//! An answer is whole whoever gives it: nodes that keep the protocol's rules, lost at any moment.

use proptest::prelude::*;
use protocol::{FinishReason, NodeKind, NodeModel, Sampling, Usage};
use serde_json::json;

use super::*;
use crate::dispatch::Forget;
use crate::keys::Client;

/// The text that tokens have come to, slowly and obviously: no half characters, nothing from a stop
/// string on, and no beginning of one unless the answer is over.
fn visible(tokens: &[Vec<u8>], stop: &str, is_over: bool) -> String {
    let bytes = tokens.concat();
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("valid up to there")
        }
    };
    if let Some(at) = text.find(stop) {
        return text[..at].to_owned();
    }
    let held = (1..stop.len())
        .rev()
        .filter(|length| stop.is_char_boundary(*length));
    let held = held
        .map(|length| &stop[..length])
        .find(|beginning| text.ends_with(beginning));
    let length = text.len() - held.filter(|_| !is_over).map_or(0, str::len);
    text[..length].to_owned()
}

/// A model that always gives this answer, in these tokens; from the middle of one of them, byte by
/// byte.
struct Node<'a> {
    answer: &'a [Vec<u8>],
    stop: &'a str,
    digest: Option<&'a str>,
}

fn offered(digest: &str) -> NodeModel {
    NodeModel {
        id: "m".to_owned(),
        digest: Some(digest.to_owned()),
        quantisation: None,
        parameters: None,
        context_length: 4096,
        runtime: "test".to_owned(),
    }
}

impl Node<'_> {
    /// Says at most so many frames and is lost, or comes to the end. Whether it did.
    fn answer(&self, prompt: &mut Prompt, frames: usize) -> Option<FinishReason> {
        prompt.assign(
            named(self.digest.unwrap_or("none")),
            "m".into(),
            self.digest.map(offered),
        );
        let Some(rest) = prompt.rest() else {
            return Some(FinishReason::Length);
        };
        let begun = rest.continue_from.unwrap_or_default();
        let known = rest.continue_token_ids.len();
        let is_cut_anywhere = known == 0 && !begun.is_empty();
        let (mut said, left) = if is_cut_anywhere {
            let left = self.answer.concat().split_off(begun.len());
            let left: Vec<Vec<u8>> = left.chunks(1).map(<[u8]>::to_vec).collect();
            (vec![begun.clone().into_bytes()], left)
        } else {
            let ids: Vec<u32> = (0..known as u32).collect();
            assert_eq!(rest.continue_token_ids, ids);
            let told = visible(&self.answer[..known], self.stop, false);
            assert_eq!(told, begun, "what was held back is not told");
            (self.answer[..known].to_vec(), self.answer[known..].to_vec())
        };
        let first = known as u32;
        let most = rest
            .request
            .sampling
            .max_tokens
            .map_or(usize::MAX, |most| most as usize);
        let (mut shown, mut ids, mut sent) = (begun, Vec::new(), 0);
        for (token, id) in left.iter().take(most).zip(first..) {
            said.push(token.clone());
            ids.push(id);
            let now = visible(&said, self.stop, false);
            if now.len() > shown.len() {
                if sent == frames {
                    return None;
                }
                sent += 1;
                let token_ids = std::mem::take(&mut ids);
                let text = now[shown.len()..].to_owned();
                prompt.pass_on(Token {
                    text,
                    token_ids: if self.digest.is_some() {
                        token_ids
                    } else {
                        vec![]
                    },
                });
                shown = now;
            }
            if String::from_utf8_lossy(&said.concat()).contains(self.stop) {
                return Some(FinishReason::Stop);
            }
        }
        if sent == frames {
            return None;
        }
        let last = visible(&said, self.stop, true)[shown.len()..].to_owned();
        if !last.is_empty() {
            prompt.pass_on(Token {
                text: last,
                token_ids: ids,
            });
        }
        Some(if left.len() >= most {
            FinishReason::Length
        } else {
            FinishReason::Stop
        })
    }
}

fn named(name: &str) -> AnsweringNode {
    AnsweringNode {
        id: name.to_owned(),
        name: name.to_owned(),
        kind: NodeKind::Native,
    }
}

/// A prompt and what its reader reads.
fn prompt(stop: &str, max_tokens: Option<u32>) -> (Prompt, mpsc::Receiver<Token>) {
    let request = json!({"model": "m", "messages": [{"role": "user", "content": "hei"}]});
    let mut request: PromptRequest = serde_json::from_str(&request.to_string()).expect("a request");
    request.sampling = Sampling {
        stop: vec![stop.to_owned()],
        max_tokens,
        ..Sampling::default()
    };
    let (tokens, reading) = mpsc::channel(1024);
    let reader = Reader {
        beginning: Some(oneshot::channel().0),
        late: None,
        tokens,
        ending: oneshot::channel().0,
    };
    let task_id = TaskId("t".to_owned());
    (
        Prompt::new(
            PromptId(1),
            task_id,
            request,
            Bill::unmetered(Client::at([192, 0, 2, 1].into())),
            true,
            reader,
            Arc::new(Forget),
        ),
        reading,
    )
}

proptest! {
    #[test]
    fn however_often_its_nodes_are_lost_an_answer_is_whole_and_nothing_comes_twice(
        text in "[ab#ö🔥]{0,24}",
        token_bytes in 1..5_usize,
        stop in "[ab#🔥]{1,3}",
        limit in proptest::option::of(1..30_u32),
        lives in proptest::collection::vec((0..6_usize, 0..3_usize), 0..3),
    ) {
        let answer: Vec<Vec<u8>> = text.as_bytes().chunks(token_bytes).map(<[u8]>::to_vec).collect();
        let digests = [Some("sha256:a"), Some("sha256:b"), None];
        let (mut prompt, mut reading) = prompt(&stop, limit);
        let mut ended = None;
        let (mut same_weights, mut ids_told) = (true, true);
        let mut lost = 0;
        for (frames, model) in lives.into_iter().chain([(usize::MAX, 0)]) {
            let digest = digests[model];
            same_weights &= model == 0;
            ids_told &= digest.is_some();
            ended = Node { answer: &answer, stop: &stop, digest }.answer(&mut prompt, frames);
            if ended.is_some() {
                break;
            }
            lost += 1;
            prompt.set_failure(PromptFailure {
                kind: FailureKind::NodeSilent,
                message: String::new(),
            });
        }
        prop_assert_eq!(prompt.handovers.len(), lost);
        let tokens = prompt.said.tokens();
        let ended = ended.expect("the last node is not lost");
        prompt.finish(ended, Usage::default(), Timings::default());
        let mut read = String::new();
        while let Ok(token) = reading.try_recv() {
            read.push_str(&token.text);
        }
        let Some(limit) = limit else {
            prop_assert_eq!(read, visible(&answer, &stop, true));
            return Ok(());
        };
        // Who tells no ids may send what was held back in a frame of its own, which counts as a token.
        prop_assert!(tokens <= limit || !ids_told, "{} of {} tokens", tokens, limit);
        if !same_weights {
            // Where the tokens are not known the limit may fall elsewhere, also into the stop string.
            prop_assert!(text.starts_with(&read), "{read:?} of {text:?}");
            return Ok(());
        }
        let expected = visible(&answer[..answer.len().min(limit as usize)], &stop, true);
        prop_assert!(expected.starts_with(&read), "{read:?} of {expected:?}");
        // At the limit a node may be lost with what it held back; nobody is asked for that alone.
        let held_back = expected.len() - read.len();
        prop_assert!(held_back < stop.len(), "{read:?} of {expected:?}");
    }
}
