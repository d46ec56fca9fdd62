"""Chat completions, as the real client reads them."""

import asyncio

import openai

LONG = [{"role": "user", "content": "Go on counting in words: " + "one two three " * 100}]
COUNT = [{"role": "user", "content": "Count from one to a hundred in words: one two three"}]


def test_models_are_listed_and_retrieved(client, model):
    assert model in [listed.id for listed in client.models.list()]
    retrieved = client.models.retrieve(model)
    assert (retrieved.id, retrieved.object, retrieved.owned_by) == (model, "model", "kipina")


def test_a_plain_answer_is_whole(client, model):
    answer = client.chat.completions.create(model=model, messages=COUNT, max_tokens=8)
    (choice,) = answer.choices
    assert answer.object == "chat.completion"
    assert answer.id.startswith("chatcmpl-")
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert choice.finish_reason in ("stop", "length")
    usage = answer.usage
    assert usage.prompt_tokens > 0
    assert 0 < usage.completion_tokens <= 8
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details.cached_tokens >= 0
    assert answer.kipina["model"] == answer.model == model
    assert answer.kipina["kind"] in ("native", "browser")
    assert answer.kipina["first_token_ms"] >= answer.kipina["queued_ms"] >= 0


def test_a_stream_comes_in_pieces_that_belong_together(client, model):
    stream = client.chat.completions.create(
        model=model, messages=COUNT, max_tokens=8, stream=True
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    texts = [chunk.choices[0].delta.content for chunk in chunks[1:-1]]
    assert len(texts) > 1 and all(texts)
    finishes = [chunk.choices[0].finish_reason for chunk in chunks]
    assert finishes[:-1] == [None] * (len(chunks) - 1)
    assert finishes[-1] in ("stop", "length")
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].kipina["node"]


def test_usage_comes_last_where_it_is_asked_for(client, model):
    stream = client.chat.completions.create(
        model=model,
        messages=COUNT,
        max_completion_tokens=8,
        stream=True,
        stream_options={"include_usage": True},
    )
    *others, last = list(stream)
    assert last.choices == []
    assert 0 < last.usage.completion_tokens <= 8
    assert all(chunk.usage is None for chunk in others)
    assert all("usage" in chunk.model_fields_set for chunk in others), "null, not absent"


def test_stream_and_plain_answer_are_the_same(client, model):
    settings = {"model": model, "messages": COUNT, "max_tokens": 8, "temperature": 0, "seed": 1}
    plain = client.chat.completions.create(**settings)
    streamed = client.chat.completions.create(**settings, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed)
    assert text == plain.choices[0].message.content


def test_content_parts_roles_and_extra_fields_are_taken(client, model):
    answer = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "Say hello to everybody"}]},
        ],
        max_tokens=4,
        stop=["###"],
        user="aino",
        extra_body={
            "top_k": 20,
            "min_p": 0.01,
            "repeat_penalty": 1.1,
            "kipina": {"nodes": "any"},
        },
    )
    assert answer.choices[0].message.content


def test_the_response_says_which_task_it_was(client, model):
    response = client.chat.completions.with_raw_response.create(
        model=model, messages=COUNT, max_tokens=1
    )
    assert response.headers["x-kipina-task"] in response.parse().id
    assert response.headers["x-request-id"]


# Left alone, these answers would take longer than the wait for their slots.


def test_cancelling_a_stream_frees_its_slot(client, model, slots_are_free):
    stream = client.chat.completions.create(
        model=model, messages=LONG, max_tokens=512, stream=True
    )
    for _ in zip(range(3), stream):
        pass
    stream.close()
    assert slots_are_free(seconds=3)


def test_cancelling_a_plain_request_frees_its_slot(hub_url, model, slots_are_free):
    async def cancel_after(seconds: float) -> None:
        async with openai.AsyncOpenAI(base_url=f"{hub_url}/v1", api_key="none") as client:
            request = client.chat.completions.create(
                model=model, messages=LONG, max_tokens=512
            )
            try:
                await asyncio.wait_for(request, seconds)
            except asyncio.TimeoutError:
                pass

    asyncio.run(cancel_after(0.1))
    assert slots_are_free(seconds=3)
