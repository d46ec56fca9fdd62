//! A tool call as text: the wire carries an answer as text only, whoever computed it.

use serde_json::{Value, json};

/// A call in the form that Qwen's and Hermes' chat templates teach their models to write, which is
/// what the built-in engine answers with as well.
pub(crate) fn as_text(name: &str, arguments: &Value) -> String {
    let call = json!({ "name": name, "arguments": arguments });
    format!("<tool_call>\n{call}\n</tool_call>\n")
}

/// The arguments of an OpenAI tool call, which come as a string of JSON.
pub(crate) fn parse_arguments(arguments: &Value) -> Value {
    match arguments {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| arguments.clone()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_written_as_models_write_it() {
        let arguments = parse_arguments(&json!("{\"city\":\"Turku\"}"));
        let text = as_text("weather", &arguments);
        let call = text.strip_prefix("<tool_call>\n").unwrap();
        let call = call.strip_suffix("\n</tool_call>\n").unwrap();
        let call: Value = serde_json::from_str(call).unwrap();
        assert_eq!(
            call,
            json!({ "name": "weather", "arguments": { "city": "Turku" } })
        );
    }

    #[test]
    fn arguments_that_are_no_json_stay_what_they_are() {
        assert_eq!(parse_arguments(&json!("{oops")), json!("{oops"));
        assert_eq!(parse_arguments(&json!({ "a": 1 })), json!({ "a": 1 }));
    }
}
