#!/usr/bin/env python3
"""A model's file with random weights: random_weights.py HEAD OUT

HEAD is the beginning of a GGUF file, up to its tensors' data, or the whole file; OUT gets the same head and random
weights of the same types and shapes, with scales as small as a model's. For machines that a model's file can't be
brought to: how fast a model is does not depend on what its weights are.
"""

import struct
import sys

import numpy

# GGML types: name, columns and bytes of a block, where its f16 numbers are.
TYPES = {
    0: ("F32", 1, 4, []),
    2: ("Q4_0", 32, 18, [0]),
    3: ("Q4_1", 32, 20, [0, 2]),
    6: ("Q5_0", 32, 22, [0]),
    7: ("Q5_1", 32, 24, [0, 2]),
    8: ("Q8_0", 32, 34, [0]),
    12: ("Q4_K", 256, 144, [0, 2]),
    13: ("Q5_K", 256, 176, [0, 2]),
    14: ("Q6_K", 256, 210, [208]),
}
# A weight is about as large as this, whatever its type.
WEIGHT = 0.02
LARGEST_QUANT = {
    "Q4_0": 8,
    "Q4_1": 15,
    "Q5_0": 16,
    "Q5_1": 31,
    "Q8_0": 127,
    "Q4_K": 15 * 63,
    "Q5_K": 31 * 63,
    "Q6_K": 32 * 127,
}
SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


class Head:
    """Reads just enough of a GGUF head to find the tensors."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        magic, _, tensors, entries = self.take("<4sIQQ")
        if magic != b"GGUF":
            sys.exit("not a GGUF file")
        alignment = 32
        for _ in range(entries):
            key = self.text()
            (kind,) = self.take("<I")
            start = self.at
            self.skip(kind)
            if key == b"general.alignment":
                (alignment,) = struct.unpack_from("<I", data, start)
        self.tensors = []
        for _ in range(tensors):
            name = self.text()
            (dimensions,) = self.take("<I")
            shape = self.take(f"<{dimensions}Q")
            kind, offset = self.take("<IQ")
            self.tensors.append((name.decode(), shape, kind, offset))
        self.data_begins = -(-self.at // alignment) * alignment

    def take(self, form: str) -> tuple:
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values

    def text(self) -> bytes:
        (length,) = self.take("<Q")
        self.at += length
        return self.data[self.at - length : self.at]

    def skip(self, kind: int) -> None:
        if kind == 8:
            self.text()
        elif kind == 9:
            element, count = self.take("<IQ")
            if element in SCALARS:
                self.at += SCALARS[element] * count
            else:
                for _ in range(count):
                    self.skip(element)
        else:
            self.at += SCALARS[kind]


def weights(name: str, kind: int, elements: int, random: numpy.random.Generator) -> bytes:
    type_name, columns, block_bytes, halves = TYPES[kind]
    if type_name == "F32":
        # Norms are about 1, biases about 0.
        middle = 1.0 if "norm" in name else 0.0
        return (middle + 0.1 * random.standard_normal(elements)).astype("<f4").tobytes()
    blocks = elements // columns
    data = random.integers(0, 256, (blocks, block_bytes), numpy.uint8)
    scale = WEIGHT / LARGEST_QUANT[type_name]
    for index, at in enumerate(halves):
        sizes = scale * (0.5 + random.random(blocks))
        if type_name in ("Q4_1", "Q5_1") and index == 1:
            # Added: as much below zero as the quants are above.
            sizes = -sizes * LARGEST_QUANT[type_name] / 2
        data[:, at : at + 2] = sizes.astype("<f2").view(numpy.uint8).reshape(blocks, 2)
    return data.tobytes()


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: random_weights.py HEAD OUT")
    with open(sys.argv[1], "rb") as file:
        data = file.read(64 << 20)
    head = Head(data)
    random = numpy.random.default_rng(1)
    with open(sys.argv[2], "wb") as out:
        out.write(data[: head.data_begins])
        for name, shape, kind, offset in head.tensors:
            out.seek(head.data_begins + offset)
            out.write(weights(name, kind, int(numpy.prod(shape)), random))


if __name__ == "__main__":
    main()
