//! The lines of an HTTP answer's body, as they arrive.

use reqwest::Response;

use super::{
    Failure,
    line_splitter::{LineSplitter, LineTooLong},
};

#[derive(Debug)]
pub(crate) struct BodyLines {
    response: Response,
    splitter: LineSplitter,
    /// The program that sends the body, for messages.
    sender: &'static str,
}

impl BodyLines {
    pub(crate) fn new(response: Response, sender: &'static str) -> Self {
        Self {
            response,
            splitter: LineSplitter::default(),
            sender,
        }
    }

    /// The next line; `None` when the body has ended as it should.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            if let Some(line) = self.splitter.next_line() {
                return self.text(line).map(Some);
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => {
                    self.splitter.push(&chunk).map_err(|error: LineTooLong| {
                        Failure::backend(format!("{} sent {error}", self.sender))
                    })?;
                }
                Ok(None) => {
                    return self
                        .splitter
                        .finish()
                        .map(|line| self.text(line))
                        .transpose();
                }
                Err(error) => {
                    tracing::debug!("{} broke off: {error:?}", self.sender);
                    return Err(Failure::backend(format!(
                        "{} broke off in the middle of the answer",
                        self.sender
                    )));
                }
            }
        }
    }

    fn text(&self, line: Vec<u8>) -> Result<String, Failure> {
        String::from_utf8(line)
            .map_err(|_| Failure::backend(format!("{} sent text that is no UTF-8", self.sender)))
    }
}
