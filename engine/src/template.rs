//! The model's own chat template, a Jinja text in the GGUF.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use serde::Serialize;
use serde_json::ser::Formatter;

use crate::gguf::{Gguf, invalid};
use crate::tokenizer::Tokenizer;
use crate::{EngineError, Message};

const NAME: &str = "chat";

#[derive(Debug)]
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// `None` where the file has no template: such a model answers raw prompts only.
    pub(crate) fn read(gguf: &Gguf, tokenizer: &Tokenizer) -> Result<Option<Self>, EngineError> {
        if !gguf.has("tokenizer.chat_template") {
            return Ok(None);
        }
        let source = gguf.string("tokenizer.chat_template")?.to_owned();
        let mut environment = Environment::new();
        // As transformers renders them, which is what template authors write for.
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build();
        environment.set_syntax(syntax.map_err(|error| invalid(error.to_string()))?);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_filter("tojson", python_json);
        environment
            .add_template_owned(NAME, source)
            .map_err(|error| invalid(format!("its chat template does not parse: {error}")))?;
        Ok(Some(Self {
            environment,
            bos: tokenizer.text_of(tokenizer.bos),
            eos: tokenizer.text_of(tokenizer.eos),
        }))
    }

    /// The prompt's text, up to and with the opening of the assistant's turn.
    pub(crate) fn render(
        &self,
        messages: &[Message],
        tools: &[serde_json::Value],
    ) -> Result<String, EngineError> {
        let template = self.environment.get_template(NAME);
        let rendered = template.and_then(|template| {
            template.render(context! {
                messages => Value::from(Serde(messages)),
                // Templates test `tools` for truth: an empty list must not count as given.
                tools => (!tools.is_empty()).then(|| Value::from(Serde(tools))),
                add_generation_prompt => true,
                bos_token => self.bos.as_str(),
                eos_token => self.eos.as_str(),
            })
        });
        rendered.map_err(|error| {
            EngineError::InvalidRequest(format!(
                "the model's chat template refuses these messages: {error}"
            ))
        })
    }
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// JSON as Python's `json.dumps` writes it, with a space after `,` and `:` and nothing escaped for
/// HTML: what models saw in training.
fn python_json(value: &Value) -> Result<Value, Error> {
    struct Spaced;
    impl Formatter for Spaced {
        fn begin_array_value<W: ?Sized + std::io::Write>(
            &mut self,
            writer: &mut W,
            first: bool,
        ) -> std::io::Result<()> {
            if first {
                Ok(())
            } else {
                writer.write_all(b", ")
            }
        }

        fn begin_object_key<W: ?Sized + std::io::Write>(
            &mut self,
            writer: &mut W,
            first: bool,
        ) -> std::io::Result<()> {
            if first {
                Ok(())
            } else {
                writer.write_all(b", ")
            }
        }

        fn begin_object_value<W: ?Sized + std::io::Write>(
            &mut self,
            writer: &mut W,
        ) -> std::io::Result<()> {
            writer.write_all(b": ")
        }
    }
    let mut bytes = Vec::new();
    let fail = |error: String| Error::new(ErrorKind::BadSerialization, error);
    value
        .serialize(&mut serde_json::Serializer::with_formatter(
            &mut bytes, Spaced,
        ))
        .map_err(|error| fail(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| fail(error.to_string()))?;
    Ok(Value::from_safe_string(text))
}
