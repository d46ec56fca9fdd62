//! Lines out of a stream of bytes, wherever its chunks were cut.

/// No line of an honest backend comes near this; without a limit, one that never ends its line
/// would fill the memory.
const LONGEST_LINE_BYTES: usize = 16 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of more than {LONGEST_LINE_BYTES} bytes")]
pub(crate) struct LineTooLong;

/// Collects chunks and hands out complete lines, without their line ends (LF or CRLF).
#[derive(Debug, Default)]
pub(crate) struct LineSplitter {
    pending: Vec<u8>,
    /// How much of `pending` is known to hold no line end.
    searched: usize,
}

impl LineSplitter {
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), LineTooLong> {
        self.pending.extend_from_slice(chunk);
        if self.pending.len() > LONGEST_LINE_BYTES {
            Err(LineTooLong)
        } else {
            Ok(())
        }
    }

    pub(crate) fn next_line(&mut self) -> Option<Vec<u8>> {
        let Some(offset) = self.pending[self.searched..]
            .iter()
            .position(|&byte| byte == b'\n')
        else {
            self.searched = self.pending.len();
            return None;
        };
        let rest = self.pending.split_off(self.searched + offset + 1);
        let line = std::mem::replace(&mut self.pending, rest);
        self.searched = 0;
        Some(without_line_end(line))
    }

    /// What stands after the last line end; `None` where there is nothing.
    pub(crate) fn finish(&mut self) -> Option<Vec<u8>> {
        self.searched = 0;
        let rest = without_line_end(std::mem::take(&mut self.pending));
        (!rest.is_empty()).then_some(rest)
    }
}

fn without_line_end(mut line: Vec<u8>) -> Vec<u8> {
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.push(chunk).unwrap();
            while let Some(line) = splitter.next_line() {
                lines.push(line);
            }
        }
        lines.extend(splitter.finish());
        lines
            .into_iter()
            .map(|line| String::from_utf8(line).unwrap())
            .collect()
    }

    #[test]
    fn lines_are_the_same_wherever_the_chunks_are_cut() {
        let text = "{\"a\":\"yö\"}\r\n\n{\"b\":\"🔥\"}\nloppu".as_bytes();
        let expected = ["{\"a\":\"yö\"}", "", "{\"b\":\"🔥\"}", "loppu"];
        assert_eq!(split(&[text]), expected);
        for cut in 0..=text.len() {
            assert_eq!(
                split(&[&text[..cut], &text[cut..]]),
                expected,
                "cut at {cut}"
            );
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split(&bytes), expected);
    }

    #[test]
    fn a_stream_that_ends_with_a_line_end_leaves_nothing_over() {
        assert_eq!(split(&[b"one\n", b"two\n"]), ["one", "two"]);
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let mut splitter = LineSplitter::default();
        let chunk = vec![b'x'; 1 << 20];
        let pushed = (0..20).map(|_| splitter.push(&chunk)).find(Result::is_err);
        assert_eq!(pushed, Some(Err(LineTooLong)));
    }
}
