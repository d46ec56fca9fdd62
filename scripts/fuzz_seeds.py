#!/usr/bin/env python3
"""Writes what fuzzers begin with: fuzz_seeds.py FOLDER makes one folder for each target in it.

Frames are the protocol's golden files, bodies are requests of OpenAI's clients, and the file is the smallest model
that the engine loads: one layer, and a tokenizer of the bytes that words are made of.
"""

import json
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).parents[1]

MESSAGE = {"role": "user", "content": "Write fibonacci in Rust"}
BODIES = [
    {"model": "qwen2.5-coder:0.5b", "messages": [MESSAGE]},
    {
        "model": "qwen-coder",
        "messages": [
            {"role": "system", "content": "Answer in Finnish."},
            {"role": "user", "content": [{"type": "text", "text": "Hei ä 🔥"}, {"type": "text", "text": "\n\u0000"}]},
            {"role": "assistant", "content": "Moi"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 16,
        "temperature": 0.2,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.05,
        "repeat_penalty": 1.1,
        "seed": -1,
        "stop": ["\n\n", "```"],
        "kipina": {"nodes": "own", "owner": "0123456789abcdef"},
    },
    {
        "model": "m",
        "messages": [
            MESSAGE,
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function"}]},
            {"role": "tool", "tool_call_id": "1", "content": "{}", "name": "f"},
        ],
        "n": 1,
        "stop": "x",
        "tools": [],
        "tool_choice": "auto",
        "logit_bias": {},
        "response_format": {"type": "text"},
        "user": "aino",
        "metadata": {"a": [1, 2.5e3, None, True]},
    },
]

UINT32, FLOAT32, STRING, ARRAY, INT32 = 4, 6, 8, 9, 5
Q8_0, F32 = 8, 0
WIDTH, VOCABULARY = 32, 260


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def array(kind: int, items: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def byte_letters() -> list[str]:
    """GPT-2's letters for the 256 bytes."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def smallest_model() -> bytes:
    tokens = [*byte_letters(), "he", "ei", "<|im_start|>", "<|im_end|>"]
    types = [1] * 258 + [3, 3]
    architecture = "qwen2"
    number = lambda value: struct.pack("<I", value)  # noqa: E731
    entries = [
        entry("general.architecture", STRING, text(architecture)),
        entry("general.name", STRING, text("smallest")),
        entry("general.file_type", UINT32, number(7)),
        entry("general.alignment", UINT32, number(32)),
        entry(f"{architecture}.block_count", UINT32, number(1)),
        entry(f"{architecture}.context_length", UINT32, number(64)),
        entry(f"{architecture}.embedding_length", UINT32, number(WIDTH)),
        entry(f"{architecture}.feed_forward_length", UINT32, number(WIDTH)),
        entry(f"{architecture}.attention.head_count", UINT32, number(4)),
        entry(f"{architecture}.attention.head_count_kv", UINT32, number(2)),
        entry(f"{architecture}.attention.layer_norm_rms_epsilon", FLOAT32, struct.pack("<f", 1e-6)),
        entry(f"{architecture}.rope.freq_base", FLOAT32, struct.pack("<f", 10000)),
        entry("tokenizer.ggml.model", STRING, text("gpt2")),
        entry("tokenizer.ggml.pre", STRING, text("qwen2")),
        entry("tokenizer.ggml.tokens", ARRAY, array(STRING, [text(token) for token in tokens])),
        entry("tokenizer.ggml.token_type", ARRAY, array(INT32, [struct.pack("<i", kind) for kind in types])),
        entry("tokenizer.ggml.merges", ARRAY, array(STRING, [text("h e"), text("e i")])),
        entry("tokenizer.ggml.eos_token_id", UINT32, number(259)),
        entry("tokenizer.chat_template", STRING, text("{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}")),
    ]
    kv = WIDTH // 2
    matrices = {
        "token_embd.weight": VOCABULARY,
        "blk.0.attn_q.weight": WIDTH,
        "blk.0.attn_k.weight": kv,
        "blk.0.attn_v.weight": kv,
        "blk.0.attn_output.weight": WIDTH,
        "blk.0.ffn_gate.weight": WIDTH,
        "blk.0.ffn_up.weight": WIDTH,
        "blk.0.ffn_down.weight": WIDTH,
    }
    vectors = {
        "output_norm.weight": WIDTH,
        "blk.0.attn_norm.weight": WIDTH,
        "blk.0.ffn_norm.weight": WIDTH,
        "blk.0.attn_q.bias": WIDTH,
        "blk.0.attn_k.bias": kv,
        "blk.0.attn_v.bias": kv,
    }
    tensors, data = [], b""
    for name, rows in matrices.items():
        tensors.append(text(name) + struct.pack("<IQQIQ", 2, WIDTH, rows, Q8_0, len(data)))
        data += bytes(34 * rows)
        data += bytes(-len(data) % 32)
    for name, length in vectors.items():
        tensors.append(text(name) + struct.pack("<IQIQ", 1, length, F32, len(data)))
        data += bytes(4 * length)
        data += bytes(-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + data


def seeds() -> dict[str, list[bytes]]:
    """Target → its first inputs."""
    golden = sorted((ROOT / "protocol/tests/golden").glob("from_*/*.json"))
    bodies = [json.dumps(body, ensure_ascii=False).encode() for body in BODIES]
    return {
        "protocol_frames": [file.read_bytes() for file in golden],
        "openai_bodies": bodies,
        "gguf_files": [smallest_model()],
        "stop_strings": [b"STOP###\x00\x01ab\xf0\x9f\x94\xa5#", bytes(range(64))],
    }


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    for target, inputs in seeds().items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            (folder / target / f"seed-{number}").write_bytes(data)


if __name__ == "__main__":
    main()
