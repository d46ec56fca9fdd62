//! The data of server-sent events, line by line.
//!
//! The format: <https://html.spec.whatwg.org/multipage/server-sent-events.html>. Only `data` is
//! kept; OpenAI's streams use nothing else.

/// Collects an event's lines.
#[derive(Debug, Default)]
pub(crate) struct EventData {
    data: Option<String>,
}

impl EventData {
    /// Takes the next line, without its line end. Returns the event's data when the line ends one.
    pub(crate) fn push_line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            return self.finish();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        None
    }

    /// The event that a stream left open. The format would drop it; some servers forget the last
    /// empty line, and their last event is the one with the usage in it.
    pub(crate) fn finish(&mut self) -> Option<String> {
        self.data.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<String> {
        let mut event = EventData::default();
        let mut found: Vec<String> = text
            .lines()
            .filter_map(|line| event.push_line(line))
            .collect();
        found.extend(event.finish());
        found
    }

    #[test]
    fn each_empty_line_ends_an_event() {
        assert_eq!(
            events("data: {\"a\":1}\n\ndata: [DONE]\n\n"),
            ["{\"a\":1}", "[DONE]"]
        );
    }

    #[test]
    fn comments_and_other_fields_are_no_data() {
        assert_eq!(
            events(": keep-alive\n\nevent: message\nid: 4\ndata: x\nretry\n\n"),
            ["x"]
        );
    }

    #[test]
    fn lines_of_data_are_joined_and_one_space_is_dropped() {
        assert_eq!(events("data:a\ndata:  b\ndata\n\n"), ["a\n b\n"]);
    }

    #[test]
    fn a_last_event_without_its_empty_line_is_kept() {
        assert_eq!(events("data: a\n\ndata: b"), ["a", "b"]);
    }
}
