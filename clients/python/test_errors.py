"""Each refusal reaches a program as the exception that it expects."""

import openai
import pytest

HELLO = [{"role": "user", "content": "Hello"}]


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_a_stream_is_refused_with_the_same_status(client):
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="no-such-model", messages=HELLO, stream=True)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"logprobs": True}, "logprobs"),
        ({"frequency_penalty": 1}, "frequency_penalty"),
        ({"stop": [""]}, "stop"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"extra_body": {"kipina": {"nodes": "mine"}}}, "kipina.nodes"),
    ],
)
def test_a_field_that_can_not_be_served_is_named(client, model, fields, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=HELLO, **fields)
    assert caught.value.param == param


def test_images_are_refused_by_their_place(client, model):
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": [image]}]
        )
    assert caught.value.param == "messages[0].content[0]"


def test_a_prompt_that_does_not_fit_is_refused_and_not_cut(client, model):
    long = [{"role": "user", "content": "word " * 100_000}]
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model=model, messages=long, stream=stream)
        assert caught.value.code == "context_length_exceeded"


def test_a_request_that_is_too_long_is_refused(client, model):
    huge = [{"role": "user", "content": "x" * 20_000_000}]
    with pytest.raises((openai.APIStatusError, openai.APIConnectionError)) as caught:
        client.chat.completions.create(model=model, messages=huge)
    # The hub answers without reading the rest; whether the client sees the answer or the closed
    # connection first is a race that it alone decides.
    if isinstance(caught.value, openai.APIStatusError):
        assert caught.value.status_code == 413


def test_a_known_model_that_nobody_offers_is_unavailable(client):
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="qwen2.5-coder:7b", messages=HELLO)
    assert caught.value.status_code == 503
    assert int(caught.value.response.headers["retry-after"]) >= 1
